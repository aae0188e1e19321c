"""The secret key that an installation generates."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from storefront.env_reader import ConfigError

MIN_SECRET_KEY_LENGTH = 32
"""In characters. With a guessed key, sessions could be forged."""


def load_or_create_secret_key(data_dir: Path, shared_database: bool) -> str:
    """The secret key of this installation, generated if there is none. Its file is readable by its owner only."""
    if shared_database:
        raise ConfigError("SECRET_KEY must be set when DATABASE_URL is, so that every process signs with the same key.")
    path = data_dir / "secret_key"
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            make_secret(path)
        secret = path.read_text(encoding="ascii").strip()
    except OSError as fault:
        raise ConfigError(f"DATA_DIR {str(data_dir)!r} can't be used: {fault.strerror}.") from None
    except UnicodeDecodeError:
        raise ConfigError(
            f"DATA_DIR {str(data_dir)!r} has a damaged secret_key: remove that file to have a new one made, which ends "
            "all sessions, or put a backup in its place."
        ) from None
    if len(secret) < MIN_SECRET_KEY_LENGTH:
        kind = "a secret_key that is too short" if secret else "an empty secret_key"
        raise ConfigError(f"DATA_DIR {str(data_dir)!r} has {kind}: remove that file to have a new one made.")
    return secret


def make_secret(path: Path) -> None:
    """Write a new secret key atomically. The one of another process that was faster is kept."""
    draft = path.with_name(f"secret_key.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(48))
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
