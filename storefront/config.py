"""Every setting, read from the environment once and checked, with a sentence that names the variable at fault."""

import os
import re
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

PACKAGE = Path(__file__).resolve().parent
ROOT = PACKAGE if (PACKAGE / "templates").is_dir() else PACKAGE.parent
"""The folder of templates, static files, translations and migrations: the repository's top folder, or, once installed,
the package itself (`force-include` in pyproject.toml)."""

HOSTS_THAT_LOSE_THEIR_DISK = {
    "RENDER": "Render",
    "DYNO": "Heroku",
    "K_SERVICE": "Cloud Run",
    "KOYEB_APP_NAME": "Koyeb",
    "RAILWAY_ENVIRONMENT": "Railway",
}


MIN_SECRET_KEY_LENGTH, MIN_TOKEN_LENGTH = 32, 24
"""Characters. Whoever guesses the key can make sessions of others; keys can be tried without asking the shop."""
MAKES_ONE = 'python3 -c "import secrets; print(secrets.token_urlsafe(48))" makes one'
REDIS_SCHEMES = ("redis://", "rediss://", "redis+unix://")


class ConfigError(ValueError):
    """A variable of the environment that the shop can't start with; the message is one sentence that names it."""


@dataclass(frozen=True)
class TokenPrices:
    """What a model costs: currency units per million tokens, which is millionths of the currency per token."""

    prompt: Decimal
    completion: Decimal


@dataclass(frozen=True)
class Budget:
    """What the model may use for one tenant on one day (UTC), in tokens or in millionths of UPSELL_CURRENCY: past
    `soft` only carts above the tenant's value ask it, past `hard` none."""

    soft: int
    hard: int
    in_tokens: bool


T = TypeVar("T")


@dataclass(frozen=True)
class Settings:
    """What the environment said, typed and checked. Times are seconds. A field that is, or may hold, a secret is left
    out of the representation, which also keeps it out of the logs (`storefront.observability.redaction`)."""

    host: str
    port: int
    data_dir: Path
    database_url: str = field(repr=False)
    secret_key: str = field(repr=False)
    catalog: Path
    base_domain: str
    upsell_enabled: bool
    upsell_disabled: bool
    """Whether UPSELL_ENABLED says false. A command whose shell doesn't set it can't know what the shop runs with."""
    openai_api_key: str | None = field(repr=False)
    openai_base_url: str | None = field(repr=False)
    upsell_model: str
    upsell_timeout: float
    upsell_holdout: float
    upsell_in_flight: int
    upsell_prices: dict[str, TokenPrices]
    upsell_currency: str
    upsell_budget: Budget | None
    upsell_keep_days: int
    cart_keep_days: int
    cart_keep_days_short: int
    ratelimit_enabled: bool
    ratelimit_storage_uri: str = field(repr=False)
    trusted_proxies: int
    public_url: str | None
    metrics_token: str | None = field(repr=False)
    staff_token: str | None = field(repr=False)
    web_concurrency: int

    @property
    def on_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")

    @property
    def model_configured(self) -> bool:
        return bool(self.openai_api_key or self.openai_base_url)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """Read and check every variable; raises `ConfigError` for the first that is wrong."""
        read = EnvReader(environ)
        data_dir = Path(read.text("DATA_DIR", "data")).absolute()
        url = read.checked("DATABASE_URL", "", database_url) or f"sqlite:///{data_dir / 'storefront.db'}"
        return cls(
            host=read.checked("HOST", "127.0.0.1", listening_host),
            port=read.whole("PORT", 8000, 1, 65535),
            data_dir=data_dir,
            database_url=url,
            secret_key=read.secret("SECRET_KEY", MIN_SECRET_KEY_LENGTH)
            or read.secret_file("SECRET_KEY_FILE", MIN_SECRET_KEY_LENGTH)
            or load_or_create_secret_key(data_dir, bool(read.text("DATABASE_URL", ""))),
            catalog=Path(read.text("CATALOG", "catalog.json")).absolute(),
            base_domain=read.checked("BASE_DOMAIN", "localhost", host_name),
            upsell_enabled=read.flag("UPSELL_ENABLED", False),
            upsell_disabled=not read.flag("UPSELL_ENABLED", True),
            openai_api_key=read.text("OPENAI_API_KEY", "") or None,
            openai_base_url=read.checked("OPENAI_BASE_URL", "", web_address) or None,
            upsell_model=read.text("UPSELL_MODEL", "gpt-5.4-mini"),
            upsell_timeout=read.number("UPSELL_TIMEOUT", 2.5, 0.05, 60),
            upsell_holdout=read.number("UPSELL_HOLDOUT", 0, 0, 1),
            upsell_in_flight=read.whole("UPSELL_IN_FLIGHT", 16, 1, 1000),
            upsell_prices=read.parsed("UPSELL_PRICES", {}, model_prices),
            upsell_currency=read.text("UPSELL_CURRENCY", "USD"),
            upsell_budget=read.parsed("UPSELL_BUDGET", None, daily_budget),
            upsell_keep_days=read.whole("UPSELL_KEEP_DAYS", 90, 1, 3650),
            cart_keep_days=read.whole("CART_KEEP_DAYS", 30, 1, 3650),
            cart_keep_days_short=read.whole("CART_KEEP_DAYS_SHORT", 3, 1, 3650),
            ratelimit_enabled=read.flag("RATELIMIT_ENABLED", True),
            ratelimit_storage_uri=read.checked("RATELIMIT_STORAGE_URI", "memory://", rate_limit_storage),
            trusted_proxies=read.whole("TRUSTED_PROXIES", 0, 0, 16),
            public_url=read.checked("PUBLIC_URL", "", web_address) or None,
            metrics_token=read.secret("METRICS_TOKEN", MIN_TOKEN_LENGTH) or None,
            staff_token=read.secret("STAFF_TOKEN", MIN_TOKEN_LENGTH) or None,
            web_concurrency=read.whole("WEB_CONCURRENCY", min(os.cpu_count() or 1, 2), 1, 64),
        )

    def warnings(self, environ: Mapping[str, str] = os.environ) -> list[str]:
        """What an operator should hear at boot although the shop can start with it."""
        host = next((name for key, name in HOSTS_THAT_LOSE_THEIR_DISK.items() if environ.get(key)), None)
        if host and self.on_sqlite:
            return [
                f"This looks like {host}, whose disk may be lost at every restart, and the shop keeps its data in "
                f"SQLite under {self.data_dir}: set DATABASE_URL to a managed PostgreSQL, or mount a volume there."
            ]
        return []


class EnvReader:
    """Reads variables of one environment; every complaint names the variable. An empty value counts as not set."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ

    def text(self, name: str, default: str) -> str:
        return self.environ.get(name, "").strip() or default

    def checked(self, name: str, default: str, check: Callable[[str], str]) -> str:
        value = self.text(name, default)
        try:
            return check(value) if value else value
        except ValueError as fault:
            raise ConfigError(f"{name} {fault}") from None

    def parsed(self, name: str, default: T, parse: Callable[[str], T]) -> T:
        value = self.text(name, "")
        try:
            return parse(value) if value else default
        except ValueError as fault:
            raise ConfigError(f"{name} {fault}") from None

    def secret(self, name: str, min_length: int) -> str:
        """What signs or opens something; "" when it is not set."""
        return long_enough(self.text(name, ""), min_length, name)

    def secret_file(self, name: str, min_length: int) -> str:
        """The same, from the file that the variable names."""
        return long_enough(self.file(name), min_length, f"{name} {self.text(name, '')!r}")

    def file(self, name: str) -> str:
        """The content of the file that the variable names, which must have some; "" when the variable is not set."""
        path = self.text(name, "")
        if not path:
            return ""
        try:
            content = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as fault:
            raise ConfigError(f"{name} {path!r} can't be read: {fault}.") from None
        if not content:
            raise ConfigError(f"{name} {path!r} is empty.")
        return content

    def number(self, name: str, default: float, low: float, high: float) -> float:
        value = self.text(name, str(default))
        try:
            number = float(value)
        except ValueError:
            raise ConfigError(f"{name} must be a number from {low:g} to {high:g}, not {value!r}.") from None
        if not low <= number <= high:
            raise ConfigError(f"{name} must be a number from {low:g} to {high:g}, not {value!r}.")
        return number

    def whole(self, name: str, default: int, low: int, high: int) -> int:
        value = self.text(name, str(default))
        if not value.isascii() or not value.isdigit() or not low <= int(value) <= high:
            raise ConfigError(f"{name} must be a whole number from {low} to {high}, not {value!r}.")
        return int(value)

    def flag(self, name: str, default: bool) -> bool:
        value = self.text(name, str(default)).lower()
        if value in ("true", "1", "yes", "on"):
            return True
        if value in ("false", "0", "no", "off"):
            return False
        raise ConfigError(f"{name} must be true or false, not {value!r}.")


def database_url(value: str) -> str:
    """SQLAlchemy's form of a database address; PostgreSQL is spoken with psycopg 3."""
    for scheme in ("postgres://", "postgresql://", "postgresql+psycopg://"):
        if value.startswith(scheme):
            check_port(value)
            return "postgresql+psycopg://" + value.removeprefix(scheme)
    if value.startswith("sqlite:///"):
        return value
    raise ValueError("must begin with postgres://, postgresql:// or sqlite:///.")


def check_port(value: str) -> None:
    try:
        _ = urlsplit(value).port
    except ValueError:
        raise ValueError("must name its host and port as in host:5432.") from None


def long_enough(secret: str, min_length: int, where: str) -> str:
    """The secret, if nobody can guess it by trying; "" stands for none. Its text is not repeated."""
    if 0 < len(secret) < min_length:
        raise ConfigError(f"{where} must have at least {min_length} characters, not {len(secret)}; {MAKES_ONE}.")
    return secret


def rate_limit_storage(value: str) -> str:
    """Where the rate limits are counted: in each process's own memory, or in a Redis that all share."""
    if value == "memory://":
        return value
    if not value.startswith(REDIS_SCHEMES):
        raise ValueError("must be memory://, or begin with redis://, rediss:// or redis+unix://.")
    if find_spec("redis") is None:
        raise ValueError("needs the client of Redis: install it with pip install -r requirements-redis.txt.")
    check_port(value)
    return value


def host_name(value: str) -> str:
    if not all(label and label.replace("-", "").isalnum() for label in value.lower().split(".")):
        raise ValueError(f"must be a bare domain name such as example.com, not {value!r}.")
    return value.lower()


def listening_host(value: str) -> str:
    """An address of this machine, or a name of it."""
    try:
        ip_address(value.strip("[]"))
    except ValueError:
        if not re.fullmatch(r"[A-Za-z0-9.-]{1,253}", value):
            raise ValueError(
                f"must be an address of this machine such as 127.0.0.1 or 0.0.0.0, not {value!r}."
            ) from None
    return value


def web_address(value: str) -> str:
    try:
        parts = urlsplit(value)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        # What was given is not repeated: it may hold a password, or be a key that was put into the wrong variable.
        raise ValueError("must be an address such as https://example.com or http://127.0.0.1:8080/v1.")
    return value.rstrip("/")


def model_prices(value: str) -> dict[str, TokenPrices]:
    """'some-model=0.25/2.00, other=0/0' gives each model's rates for prompt and completion."""
    prices = {}
    for entry in value.split(","):
        found = re.fullmatch(r"\s*(\S+)\s*=\s*(\d+(?:\.\d+)?)\s*/\s*(\d+(?:\.\d+)?)\s*", entry)
        if not found:
            raise ValueError(f"must be like some-model=0.25/2.00 (prices of a million tokens), not {entry.strip()!r}.")
        prices[found[1]] = TokenPrices(Decimal(found[2]), Decimal(found[3]))
    return prices


def daily_budget(value: str) -> Budget:
    """'200000/300000 tokens' or, in money, '1.50/2.00'."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*/\s*(\d+(?:\.\d+)?)(\s+tokens)?", value)
    if not found:
        raise ValueError(f"must be like 200000/300000 tokens, or 1.50/2.00 in UPSELL_CURRENCY, not {value!r}.")
    in_tokens = bool(found[3])
    soft, hard = (int(Decimal(part) * (1 if in_tokens else 1_000_000)) for part in (found[1], found[2]))
    if soft > hard:
        raise ValueError(f"must name the soft limit first and the hard one second, not {value!r}.")
    return Budget(soft, hard, in_tokens)


def load_or_create_secret_key(data_dir: Path, shared_database: bool) -> str:
    """The secret that this installation made for itself, made now if there is none; readable by its owner only."""
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
    """Write a new secret, whole or not at all; the one of another process that was quicker is kept."""
    draft = path.with_name(f"secret_key.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(48))
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
