"""All settings. They are read from the environment once and checked; an error names the variable.

`env_reader` reads variables, `config_values` checks and parses the values of each kind.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from storefront.config_values import (
    Budget,
    TokenPrices,
    daily_budget,
    database_url,
    host_name,
    listening_host,
    model_prices,
    rate_limit_storage,
    stripe_secret_key,
    stripe_webhook_secret,
    web_address,
    web_origin,
)
from storefront.env_reader import ConfigError, EnvReader
from storefront.mail_settings import MailSender, MailServer, mail_from, mail_url, parse_mail_from, parse_mail_url
from storefront.secret_key import MIN_SECRET_KEY_LENGTH, load_or_create_secret_key

__all__ = ["ROOT", "ConfigError", "Settings"]

PACKAGE = Path(__file__).resolve().parent
ROOT = PACKAGE if (PACKAGE / "templates").is_dir() else PACKAGE.parent
"""The folder of templates, static files, translations and migrations: the repository's top folder, or, once installed,
the package itself (`force-include` in pyproject.toml)."""

HOSTS_WITH_EPHEMERAL_DISKS = {
    "RENDER": "Render",
    "DYNO": "Heroku",
    "K_SERVICE": "Cloud Run",
    "KOYEB_APP_NAME": "Koyeb",
    "RAILWAY_ENVIRONMENT": "Railway",
}


MIN_TOKEN_LENGTH = 24
"""In characters. A short key could be guessed offline."""


@dataclass(frozen=True)
class Settings:
    """The settings, typed and checked. Times are in seconds. A field that is or may contain a secret is left out of the
    representation, which also redacts it in the logs (`storefront.observability.redaction`)."""

    host: str
    port: int
    data_dir: Path
    database_url: str = field(repr=False)
    secret_key: str = field(repr=False)
    catalog: Path
    base_domain: str
    upsell_enabled: bool
    upsell_disabled: bool
    """Whether UPSELL_ENABLED is set to false. A command whose shell doesn't set it can't know the server's value."""
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
    stripe_secret_key: str | None = field(repr=False)
    stripe_webhook_secret: str | None = field(repr=False)
    stripe_api_base: str | None
    mail_url: str | None = field(repr=False)
    mail_from: str | None
    mail_keep_days: int
    metrics_token: str | None = field(repr=False)
    web_concurrency: int

    @property
    def on_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")

    @property
    def model_configured(self) -> bool:
        return bool(self.openai_api_key or self.openai_base_url)

    @property
    def mail_server(self) -> MailServer | None:
        """How mail is sent; None if it isn't."""
        return parse_mail_url(self.mail_url) if self.mail_url else None

    @property
    def mail_sender(self) -> MailSender:
        """Raises `ValueError` if mail isn't sent."""
        return parse_mail_from(self.mail_from or "")

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """Read and check all variables. Raises `ConfigError` for the first invalid one."""
        read = EnvReader(environ)
        data_dir = Path(read.text("DATA_DIR", "data")).absolute()
        url = read.checked("DATABASE_URL", "", database_url) or f"sqlite:///{data_dir / 'storefront.db'}"
        mail = read.checked("MAIL_URL", "", mail_url) or None
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
            stripe_secret_key=read.checked("STRIPE_SECRET_KEY", "", stripe_secret_key) or None,
            stripe_webhook_secret=read.checked("STRIPE_WEBHOOK_SECRET", "", stripe_webhook_secret) or None,
            stripe_api_base=read.checked("STRIPE_API_BASE", "", web_origin) or None,
            mail_url=mail,
            mail_from=required_sender(read.checked("MAIL_FROM", "", mail_from), mail),
            mail_keep_days=read.whole("MAIL_KEEP_DAYS", 90, 1, 3650),
            metrics_token=read.secret("METRICS_TOKEN", MIN_TOKEN_LENGTH) or None,
            web_concurrency=read.whole("WEB_CONCURRENCY", min(os.cpu_count() or 1, 2), 1, 64),
        )

    def warnings(self, environ: Mapping[str, str] = os.environ) -> list[str]:
        """Warnings for the operator about settings with which the shop can start."""
        host = next((name for key, name in HOSTS_WITH_EPHEMERAL_DISKS.items() if environ.get(key)), None)
        if host and self.on_sqlite:
            return [
                f"This looks like {host}, whose disk may be lost at every restart, and the shop keeps its data in "
                f"SQLite under {self.data_dir}: set DATABASE_URL to a managed PostgreSQL, or mount a volume there."
            ]
        return []


def required_sender(sender: str, mail: str | None) -> str | None:
    """Raises `ConfigError` if mail is to be sent without a sender."""
    if mail and not sender:
        raise ConfigError("MAIL_FROM must be set with MAIL_URL: it is the address that mails come from.")
    return sender or None
