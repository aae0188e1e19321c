"""The tables of refunds: what was paid back of an order, and the numbers of credit notes."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKeyConstraint, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from storefront.clock import UtcDateTime, now
from storefront.db.base import Model
from storefront.db.tenancy import OwnedByTenant

IS_PENDING = text("status = 'pending'")


class RefundStatus(StrEnum):
    """`PENDING`: the payment provider hasn't confirmed it yet."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Refund(OwnedByTenant, Model):
    """An amount that is paid back of an order's payment, in minor units of the order's currency.

    `amount` is what the buyer gets. It is usually the sum of the lines and `shipping`; the difference is an amount that
    belongs to no line."""

    __tablename__ = "refund"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"]),
        UniqueConstraint("tenant_id", "number"),
        CheckConstraint("status IN ('pending', 'succeeded', 'failed')", name="status_known"),
        CheckConstraint("amount > 0", name="amount_positive"),
        Index(None, "tenant_id", "order_id"),
        Index(
            "ix_refund_pending",
            *("tenant_id", "next_check_at"),
            sqlite_where=IS_PENDING,
            postgresql_where=IS_PENDING,
        ),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    order_id: Mapped[str] = mapped_column(String(32))
    number: Mapped[str | None] = mapped_column(String(20))
    """Of the credit note: `CN-2026-0001`, without gaps for a shop and year. None until the refund has succeeded."""
    status: Mapped[str] = mapped_column(String(16))
    currency: Mapped[str] = mapped_column(String(3))
    amount: Mapped[int] = mapped_column(BigInteger)
    shipping: Mapped[int] = mapped_column(BigInteger)
    """What is paid back of the shipping, its tax included."""
    shipping_tax: Mapped[int] = mapped_column(BigInteger)
    tax_lines: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON(none_as_null=True))
    """The amount by tax rate, as an order's; null without tax. What they don't add up to has no tax."""
    reason: Mapped[str | None]
    """The buyer sees it. No event holds it, for the reason that `OrderNote` gives."""
    fingerprint: Mapped[str] = mapped_column(String(64))
    """Hash of the request, to detect a different one with the same id."""
    attempt: Mapped[int] = mapped_column(default=1)
    """Part of the provider's idempotency key, as of a payment."""
    provider_id: Mapped[str | None] = mapped_column(String(255))
    failure: Mapped[str | None]
    """The provider's code of the reason why it failed; of a pending one, why the provider couldn't be asked."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    seller: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
    """What the credit note says of the shop, as of an invoice. None until the refund has succeeded."""
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    next_check_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class RefundLine(OwnedByTenant, Model):
    """A quantity of an order's line in a refund, with its part of the line's discount and tax. `amount` is what the
    buyer gets for it."""

    __tablename__ = "refund_line"
    __table_args__ = (ForeignKeyConstraint(["tenant_id", "refund_id"], ["refund.tenant_id", "refund.id"]),)

    refund_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    variant_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    product_id: Mapped[str] = mapped_column(String(64))
    quantity: Mapped[int]
    amount: Mapped[int] = mapped_column(BigInteger)
    discount: Mapped[int] = mapped_column(BigInteger)
    tax: Mapped[int] = mapped_column(BigInteger)
    restocked: Mapped[int]
    """How many of them came back into stock. They stay there if the refund fails."""


class CreditNoteCounter(OwnedByTenant, Model):
    """The last number of a year's credit notes. Its row is locked from a number to the end of the transaction, so that
    numbers have no gaps."""

    __tablename__ = "credit_note_counter"

    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int]
