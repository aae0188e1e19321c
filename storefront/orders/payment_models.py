"""The payment table: how an order is paid, and how much of it was."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from storefront.clock import UtcDateTime, now
from storefront.db.base import Model
from storefront.db.tenancy import OwnedByTenant

IS_CHECKED = text("next_check_at IS NOT NULL")
"""Of a partial index: the few payments about which the provider is still asked."""


class PaymentMethod(StrEnum):
    """The ids of the ways to pay, in catalog.json and in the JSON API."""

    ON_DELIVERY = "on_delivery"
    BANK_TRANSFER = "bank_transfer"
    STRIPE = "stripe"


class PaymentStatus(StrEnum):
    """`NONE`: there is nothing to pay before delivery."""

    NONE = "none"
    PENDING = "pending"
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"
    PARTLY_REFUNDED = "partly_refunded"
    REFUNDED = "refunded"


class Payment(OwnedByTenant, Model):
    """The payment of an order. An order has one at most: a shopper who tries again after a failed or expired payment
    places another order. Amounts are in minor units of the order's currency; its status is also in `orders`, for lists.
    """

    __tablename__ = "payment"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"]),
        Index(
            "ix_payment_checked",
            *("tenant_id", "next_check_at"),
            sqlite_where=IS_CHECKED,
            postgresql_where=IS_CHECKED,
        ),
    )

    order_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    method: Mapped[str] = mapped_column(String(20))
    status: Mapped[str] = mapped_column(String(20))
    currency: Mapped[str] = mapped_column(String(3))
    amount: Mapped[int] = mapped_column(BigInteger)
    """What is to be paid."""
    paid: Mapped[int] = mapped_column(BigInteger, default=0)
    refunded: Mapped[int] = mapped_column(BigInteger, default=0)
    cart_id: Mapped[str] = mapped_column(String(32))
    """The cart that became the order; it is open again after a failed or expired payment."""
    return_root: Mapped[str]
    """The URL of the shop's root as the buyer came to it, to which the provider's page leads back."""
    attempt: Mapped[int] = mapped_column(default=1)
    """Part of the idempotency keys. It grows when the provider answers with an error of its own, because it would
    repeat that answer for the same key."""
    session_id: Mapped[str | None] = mapped_column(String(255))
    """The provider's id of its payment page."""
    intent_id: Mapped[str | None] = mapped_column(String(255))
    """The provider's id of the payment itself, which a refund names."""
    url: Mapped[str | None]
    """The provider's payment page while it can be used."""
    reference: Mapped[str | None] = mapped_column(String(140))
    """Of a bank transfer: what the buyer writes on it. Once marked as paid by staff: what they noted."""
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """By when a bank transfer is expected. Nothing happens by itself when it is late."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When an order that waits for an online payment is cancelled; None when it doesn't, or once the provider is
    processing the payment."""
    paid_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    next_check_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the provider is asked again; None when nothing more can happen there by itself."""
