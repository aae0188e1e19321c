"""The tables of invoices and their numbers."""

from datetime import datetime

from sqlalchemy import JSON, ForeignKeyConstraint, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storefront.clock import UtcDateTime, now
from storefront.db.base import Model
from storefront.db.tenancy import OwnedByTenant


class InvoiceCounter(OwnedByTenant, Model):
    """The last number of a year's invoices. Its row is locked from the moment when a number is taken to the end of the
    transaction that issues the invoice, so that there are no gaps."""

    __tablename__ = "invoice_counter"

    year: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    last: Mapped[int]


class Invoice(OwnedByTenant, Model):
    """An issued invoice, which never changes: amounts, lines and buyer are the order's, which don't change either;
    what the shop's settings may change is kept here."""

    __tablename__ = "invoice"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"]),
        UniqueConstraint("tenant_id", "number"),
    )

    order_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    number: Mapped[str] = mapped_column(String(24))
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    supplied_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the order was shipped; None if that was after the invoice was issued."""
    language: Mapped[str] = mapped_column(String(8))
    seller: Mapped[dict[str, str]] = mapped_column(JSON)
    """Of the shop: `name` of who sells, `shop`'s own name, `timezone` of the dates (both missing in those of earlier
    versions), and of `address`, `vat_id`, `email` and `phone` those that it had."""
