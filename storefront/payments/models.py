"""The webhooks received from payment providers, and a shop's own settings of payment."""

from datetime import datetime

from sqlalchemy import Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from storefront.clock import UtcDateTime, now
from storefront.db.base import Model
from storefront.db.tenancy import OwnedByTenant

IS_WAITING = text("processed_at IS NULL")


class PaymentWebhook(OwnedByTenant, Model):
    """A verified webhook of the provider, once by the provider's id of its event. It only says which payment to look
    at, so nothing else of it is stored: the rest is the buyer's personal data."""

    __tablename__ = "payment_webhook"
    __table_args__ = (
        Index(None, "tenant_id", "received_at"),
        Index(
            "ix_payment_webhook_waiting",
            *("tenant_id", "received_at"),
            sqlite_where=IS_WAITING,
            postgresql_where=IS_WAITING,
        ),
    )

    id: Mapped[str] = mapped_column(String(255), primary_key=True)
    type: Mapped[str]
    order_id: Mapped[str | None] = mapped_column(String(64))
    session_id: Mapped[str | None] = mapped_column(String(255))
    received_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    processed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PaymentSettings(OwnedByTenant, Model):
    """What a shop needs to take payments, besides the list of its methods. Keys are encrypted."""

    __tablename__ = "payment_settings"

    stripe_secret_key: Mapped[str | None]
    stripe_webhook_secret: Mapped[str | None]
    bank_account: Mapped[str | None]
    """What the buyer needs for a bank transfer: account holder, number, bank."""
    transfer_days: Mapped[int | None]
    """Days in which a bank transfer is expected."""
