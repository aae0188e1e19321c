"""Encryption of the secret links of invitations and new passwords while their mails wait: who reads the table or a
backup of it can't use them."""

import hmac
from base64 import urlsafe_b64encode
from functools import lru_cache
from typing import TYPE_CHECKING

from storefront.state import current_state

if TYPE_CHECKING:
    from cryptography.fernet import Fernet


def seal(path: str) -> str:
    return _cipher(current_state().settings.secret_key).encrypt(path.encode()).decode()


def unseal(sealed: str) -> str:
    """Raises `cryptography.fernet.InvalidToken` if SECRET_KEY has changed since."""
    return _cipher(current_state().settings.secret_key).decrypt(sealed.encode()).decode()


@lru_cache(maxsize=8)
def _cipher(secret_key: str) -> "Fernet":
    """Imported here, because it takes several megabytes and is seldom needed."""
    from cryptography.fernet import Fernet  # noqa: PLC0415

    return Fernet(urlsafe_b64encode(hmac.digest(secret_key.encode(), b"storefront-mail:link", "sha256")))
