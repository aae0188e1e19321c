"""A shop's own settings of payment: its Stripe keys, encrypted with a key derived from SECRET_KEY, and its bank
account.

Without keys of its own, a shop uses those of the environment."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from storefront.catalog.shop_settings import settings_changes
from storefront.config_values import STRIPE_KEY, STRIPE_WEBHOOK_SECRET
from storefront.db.base import table_of
from storefront.db.tenancy import execute, tenant_scoped, upsert
from storefront.db.transactions import write
from storefront.errors import FieldError, Invalid
from storefront.events.actions import record_events
from storefront.i18n.gettext import _
from storefront.i18n.unicode_text import has_control
from storefront.orders.payment_choice import DEFAULT_TRANSFER_DAYS
from storefront.payments.models import PaymentSettings
from storefront.staff.secrets import decrypt, encrypt
from storefront.state import current_state

PURPOSE = "payment keys"
MAX_ACCOUNT_LENGTH = 500
MAX_TRANSFER_DAYS = 90
ENCRYPTED = ("stripe_secret_key", "stripe_webhook_secret")
SHOWN_CHARACTERS = 4
"""Of a key, at its end."""
KEY_PREFIXES, WEBHOOK_PREFIX = ("sk_", "rk_"), "whsec_"
settings_table = table_of(PaymentSettings)
SELECT_SETTINGS = tenant_scoped(select(settings_table))
LOCK_SETTINGS = tenant_scoped(select(settings_table).with_for_update())
Row = Any
"""A row of `payment_settings`."""
Check = Callable[[Row | None], None]
log = logging.getLogger("storefront.payments")


@dataclass(frozen=True)
class StripeKeys:
    """Without a webhook secret, no webhook is accepted, and payments are found by asking Stripe."""

    secret_key: str
    webhook_secret: str | None

    def __repr__(self) -> str:
        return "StripeKeys(…)"


@dataclass(frozen=True)
class ShopPaymentSettings:
    stripe: StripeKeys | None
    bank_account: str
    transfer_days: int


def load_settings() -> ShopPaymentSettings:
    """Return the current shop's settings."""
    row = execute(SELECT_SETTINGS).one_or_none()
    return ShopPaymentSettings(
        stripe=own_keys(row) if row and row.stripe_secret_key else keys_of_environment(),
        bank_account=(row.bank_account if row else None) or "",
        transfer_days=(row.transfer_days if row else None) or DEFAULT_TRANSFER_DAYS,
    )


def keys_of_environment() -> StripeKeys | None:
    settings = current_state().settings
    if settings.stripe_secret_key is None:
        return None
    return StripeKeys(settings.stripe_secret_key, settings.stripe_webhook_secret)


def own_keys(row: Any) -> StripeKeys | None:
    """Return the shop's own keys; None if SECRET_KEY has changed since. The environment's would be another account."""
    from cryptography.fernet import InvalidToken  # noqa: PLC0415 - several megabytes, only for shops with own keys

    try:
        secret = row.stripe_webhook_secret
        return StripeKeys(decrypt(PURPOSE, row.stripe_secret_key), decrypt(PURPOSE, secret) if secret else None)
    except InvalidToken:
        log.error("a shop's Stripe keys can't be read, because SECRET_KEY has changed: enter them again")
        return None


def no_check(_row: Row | None) -> None:
    """Accept whatever is stored."""


def check_stripe_keys(secret_key: str, webhook_secret: str) -> tuple[str, str]:
    """Return the keys without surrounding white space. Raises `Invalid` for a text that is no key of its kind; empty
    ones are none."""
    secret_key, webhook_secret, faults = secret_key.strip(), webhook_secret.strip(), []
    odd = _("This doesn't look like a complete Stripe key. Please copy it again from Stripe's dashboard.")
    if secret_key and not STRIPE_KEY.fullmatch(secret_key):
        other = _("A secret key begins with sk_ or rk_.")
        faults.append(FieldError("stripe_secret_key", odd if secret_key.startswith(KEY_PREFIXES) else other))
    if webhook_secret and not STRIPE_WEBHOOK_SECRET.fullmatch(webhook_secret):
        other = _("A webhook's signing secret begins with whsec_.")
        faults.append(FieldError("stripe_webhook_secret", odd if webhook_secret.startswith(WEBHOOK_PREFIX) else other))
    if faults:
        raise Invalid(*faults)
    return secret_key, webhook_secret


def save_stripe_keys(secret_key: str, webhook_secret: str) -> None:
    """Store the shop's own keys; empty ones remove them. Raises `Invalid`."""
    secret_key, webhook_secret = check_stripe_keys(secret_key, webhook_secret)
    save({"stripe_secret_key": encrypted(secret_key), "stripe_webhook_secret": encrypted(webhook_secret)})


def replace_stripe_keys(secret_key: str, webhook_secret: str, check: Check = no_check) -> None:
    """Store those of the shop's own keys that are given; an empty one stays as it is. `check` is called with the locked
    row. Raises `Invalid`."""
    secret_key, webhook_secret = check_stripe_keys(secret_key, webhook_secret)
    given = {"stripe_secret_key": secret_key, "stripe_webhook_secret": webhook_secret}
    if columns := {name: encrypted(key) for name, key in given.items() if key}:
        save(columns, check)


def encrypted(key: str) -> str | None:
    return encrypt(PURPOSE, key) if key else None


def save_bank_account(account: str, transfer_days: int, check: Check = no_check) -> None:
    """Store what buyers need for a bank transfer. `check` is called with the locked row. Raises `Invalid`."""
    lines = [line.strip() for line in account.splitlines() if line.strip()]
    text = "\n".join(lines)
    if len(text) > MAX_ACCOUNT_LENGTH:
        message = _("This text can't be longer than %(most)s characters.", most=MAX_ACCOUNT_LENGTH)
        raise Invalid(FieldError("bank_account", message))
    if any(has_control(line) for line in lines):
        raise Invalid(FieldError("bank_account", _("This text can't contain control characters.")))
    if not 1 <= transfer_days <= MAX_TRANSFER_DAYS:
        message = _("Enter a number of days from 1 to %(most)s.", most=MAX_TRANSFER_DAYS)
        raise Invalid(FieldError("transfer_days", message))
    save({"bank_account": text or None, "transfer_days": transfer_days}, check)


def save(columns: Mapping[str, Any], check: Check = no_check) -> None:
    """Store the columns, and record what changes. Of a key, only its last characters are recorded. `check` is called
    with the locked row before."""
    with write():
        row = execute(LOCK_SETTINGS).one_or_none()
        check(row)
        upsert(PaymentSettings, dict(columns), lambda excluded: {name: excluded[name] for name in columns})
        before, after = (
            {name: recorded(name, one) for name in columns} for one in (row._asdict() if row else {}, columns)
        )
        record_events(settings_changes("payment", before, after))


def recorded(name: str, columns: Mapping[str, Any]) -> Any:
    """Return what an event says of a column."""
    value = columns.get(name)
    return key_ending(value) if name in ENCRYPTED else value


def key_ending(stored: str | None) -> str | None:
    """Return the last characters of an encrypted key, as "…1234"; "…" if SECRET_KEY has changed since. None without
    one."""
    from cryptography.fernet import InvalidToken  # noqa: PLC0415 - several megabytes, only for shops with own keys

    if not stored:
        return None
    try:
        return "…" + decrypt(PURPOSE, stored)[-SHOWN_CHARACTERS:]
    except InvalidToken:
        return "…"
