"""Checks and parsers for the values of settings. Each takes the text of a variable and raises a `ValueError` whose
message continues a sentence that begins with the variable's name."""

import re
from dataclasses import dataclass
from decimal import Decimal
from importlib.util import find_spec
from ipaddress import ip_address
from urllib.parse import urlsplit

STRIPE_KEY = re.compile(r"[sr]k_[A-Za-z0-9_]{1,252}")
STRIPE_WEBHOOK_SECRET = re.compile(r"whsec_[A-Za-z0-9+/=_-]{1,249}")
"""Of Stripe's keys: 255 characters at most, none of which an HTTP header can't have."""
REDIS_SCHEMES = ("redis://", "rediss://", "redis+unix://")


@dataclass(frozen=True)
class TokenPrices:
    """The price of a model in currency units per million tokens, that is, in millionths of the currency per token."""

    prompt: Decimal
    completion: Decimal


@dataclass(frozen=True)
class Budget:
    """The model's budget for a tenant and day (UTC), in tokens or in millionths of UPSELL_CURRENCY. Above `soft` only
    carts above the tenant's threshold use the model, above `hard` none."""

    soft: int
    hard: int
    in_tokens: bool


def database_url(value: str) -> str:
    """The database URL in SQLAlchemy's form, with psycopg 3 for PostgreSQL."""
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


def rate_limit_storage(value: str) -> str:
    """The storage of the rate limits: the memory of each process, or a Redis shared by all processes."""
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
        # The value is not repeated: it may contain a password, or be a key in the wrong variable.
        raise ValueError("must be an address such as https://example.com or http://127.0.0.1:8080/v1.")
    return value.rstrip("/")


def web_origin(value: str) -> str:
    """A web address without a path: it is also part of pages' Content-Security-Policy."""
    origin = web_address(value)
    parts = urlsplit(origin)
    if (
        parts.path
        or parts.query
        or parts.fragment
        or "@" in parts.netloc
        or not re.fullmatch(r"[\w.:\[\]-]+", parts.netloc)
    ):
        raise ValueError("must be an address without a path, such as http://127.0.0.1:12111.")
    return origin


def stripe_secret_key(value: str) -> str:
    if not value.startswith(("sk_", "rk_")):
        raise ValueError("must be a secret or restricted key of Stripe, which begins with sk_ or rk_.")
    if not STRIPE_KEY.fullmatch(value):
        raise ValueError("must have letters, digits and underscores only, and at most 255 of them.")
    return value


def stripe_webhook_secret(value: str) -> str:
    if not value.startswith("whsec_"):
        raise ValueError("must be the signing secret of a webhook endpoint, which begins with whsec_.")
    if not STRIPE_WEBHOOK_SECRET.fullmatch(value):
        raise ValueError("must have letters, digits and + / = _ - only, and at most 255 of them.")
    return value


def model_prices(value: str) -> dict[str, TokenPrices]:
    """Parse 'some-model=0.25/2.00, other=0/0': the prices of prompt and completion by model."""
    prices = {}
    for entry in value.split(","):
        found = re.fullmatch(r"\s*(\S+)\s*=\s*(\d+(?:\.\d+)?)\s*/\s*(\d+(?:\.\d+)?)\s*", entry)
        if not found:
            raise ValueError(f"must be like some-model=0.25/2.00 (prices of a million tokens), not {entry.strip()!r}.")
        prices[found[1]] = TokenPrices(Decimal(found[2]), Decimal(found[3]))
    return prices


def daily_budget(value: str) -> Budget:
    """Parse '200000/300000 tokens' or, in money, '1.50/2.00'."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*/\s*(\d+(?:\.\d+)?)(\s+tokens)?", value)
    if not found:
        raise ValueError(f"must be like 200000/300000 tokens, or 1.50/2.00 in UPSELL_CURRENCY, not {value!r}.")
    in_tokens = bool(found[3])
    soft, hard = (int(Decimal(part) * (1 if in_tokens else 1_000_000)) for part in (found[1], found[2]))
    if soft > hard:
        raise ValueError(f"must name the soft limit first and the hard one second, not {value!r}.")
    return Budget(soft, hard, in_tokens)
