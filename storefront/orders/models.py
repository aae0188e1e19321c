"""The order tables."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKeyConstraint,
    Index,
    String,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from storefront.clock import UtcDateTime, now
from storefront.db.base import Model
from storefront.db.tenancy import OwnedByTenant
from storefront.ids import new_id, new_token

MAX_KEY_LENGTH = 100
HAS_PAYMENT = text("payment_status <> 'none'")
IS_WITHDRAWN = text("withdrawn_at IS NOT NULL")
HAS_PROMO_CODE = text("promo_code IS NOT NULL")
"""Of a partial index, and as a condition of statements that use it."""


class OrderStatus(StrEnum):
    PLACED = "placed"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"


class Order(OwnedByTenant, Model):
    """Amounts are in minor units of `currency`. A cart becomes at most one order, and so does an idempotency key."""

    __tablename__ = "orders"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "cart_id"], ["cart.tenant_id", "cart.id"]),
        UniqueConstraint("tenant_id", "number"),
        UniqueConstraint("tenant_id", "cart_id"),
        UniqueConstraint("tenant_id", "idempotency_key"),
        Index(None, "tenant_id", "created_at", "status", "total"),
        Index(None, "tenant_id", "position"),
        Index(None, "tenant_id", "status", "position"),
        Index(
            "ix_orders_payment_status",
            *("tenant_id", "payment_status", "position"),
            sqlite_where=HAS_PAYMENT,
            postgresql_where=HAS_PAYMENT,
        ),
        Index(
            "ix_orders_promo_code",
            *("tenant_id", "promo_code", "status"),
            sqlite_where=HAS_PROMO_CODE,
            postgresql_where=HAS_PROMO_CODE,
        ),
        Index(
            "ix_orders_withdrawn",
            *("tenant_id", "position"),
            sqlite_where=IS_WITHDRAWN,
            postgresql_where=IS_WITHDRAWN,
        ),
        CheckConstraint("status IN ('placed', 'fulfilled', 'cancelled')", name="status_known"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_token)
    number: Mapped[str] = mapped_column(String(16))
    cart_id: Mapped[str] = mapped_column(String(32))
    shopper: Mapped[str] = mapped_column(String(32))
    """The browser's id, copied from the cart."""
    status: Mapped[str] = mapped_column(String(16), default=OrderStatus.PLACED)
    email: Mapped[str]
    name: Mapped[str]
    language: Mapped[str | None] = mapped_column(String(8))
    """The shopper's language, in which mails about the order are written; None for old orders."""
    currency: Mapped[str] = mapped_column(String(3))
    promo_code: Mapped[str | None]
    subtotal: Mapped[int] = mapped_column(BigInteger)
    discount: Mapped[int] = mapped_column(BigInteger)
    shipping: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    tax: Mapped[int] = mapped_column(BigInteger)
    tax_rate: Mapped[str | None]
    """The main rate in per cent; None without tax."""
    tax_included: Mapped[bool]
    tax_lines: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON(none_as_null=True))
    """`[{"rate": "20", "base": 1000, "amount": 200}]`, the highest rate first; None for old orders and without tax.
    Kept in the row, because whatever shows an order shows them."""
    shipping_tax: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    """The part of the tax that is on the shipping."""
    total: Mapped[int] = mapped_column(BigInteger)
    address: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
    """`line1`, `line2`, `postal_code`, `city`, `region`, `country`; those without a value are left out."""
    shipping_method: Mapped[str | None] = mapped_column(String(40))
    shipping_name: Mapped[str | None]
    """The method's name, in the language of the order."""
    vat_id: Mapped[str | None] = mapped_column(String(20))
    reverse_charge: Mapped[bool] = mapped_column(default=False, server_default=false())
    idempotency_key: Mapped[str | None] = mapped_column(String(255))
    fingerprint: Mapped[str | None] = mapped_column(String(64))
    """Hash of the request with the idempotency key, to detect a different request with the same key."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    position: Mapped[int] = mapped_column(BigInteger, default=new_id, server_default="0")
    """Sort key: grows with time. Lists of orders are read by it."""
    carrier: Mapped[str | None]
    tracking: Mapped[str | None]
    fulfilled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cancelled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the buyer withdrew from the contract."""
    withdrawal_statement: Mapped[str | None]
    """What the buyer wrote with it. No event holds it, for the reason that `OrderNote` gives."""
    cancel_reason: Mapped[str | None]
    """For the staff; shoppers don't see it, and no event holds it, for the reason that `OrderNote` gives."""
    payment_method: Mapped[str | None] = mapped_column(String(20))
    """A `PaymentMethod`; None if there was nothing to pay."""
    payment_status: Mapped[str] = mapped_column(String(20), server_default="none")
    """A copy of the payment's status, which changes in the same transaction."""


class SalesDay(OwnedByTenant, Model):
    """What a shop sold on a day that is over, in its time zone then: the number of orders that aren't cancelled, and
    the sum of their totals in minor units. A cache: a missing row is computed from the orders."""

    __tablename__ = "sales_day"

    timezone: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    orders: Mapped[int] = mapped_column(BigInteger)
    revenue: Mapped[int] = mapped_column(BigInteger)


class OrderNote(OwnedByTenant, Model):
    """What the staff noted about an order. No event holds the text, because notes may be about a person and events
    can't be deleted."""

    __tablename__ = "order_note"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"]),
        Index(None, "tenant_id", "order_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False, default=new_id)
    order_id: Mapped[str] = mapped_column(String(32))
    text: Mapped[str]
    author: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class OrderSearchKey(OwnedByTenant, Model):
    """A text by whose beginning the order at `position` is found: its buyer's email address, or name from one of its
    words on, as `search_keys` makes them. Sorted by code point."""

    __tablename__ = "order_search_key"
    __table_args__ = {"sqlite_with_rowid": False}

    key: Mapped[str] = mapped_column(
        String(MAX_KEY_LENGTH).with_variant(String(MAX_KEY_LENGTH, collation="C"), "postgresql"), primary_key=True
    )
    position: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)


class OrderLine(OwnedByTenant, Model):
    """A quantity of a variant of a product at the price that was paid."""

    __tablename__ = "order_line"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"]),
        ForeignKeyConstraint(["tenant_id", "product_id"], ["product.tenant_id", "product.id"]),
        ForeignKeyConstraint(
            ["tenant_id", "product_id", "variant_id"], ["variant.tenant_id", "variant.product_id", "variant.id"]
        ),
        CheckConstraint("quantity BETWEEN 1 AND 999", name="quantity_in_range"),
        Index(None, "tenant_id", "product_id", "position"),
    )

    order_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    product_id: Mapped[str] = mapped_column(String(64))
    variant_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger)
    """Sort key: grows with time, and within an order."""
    name: Mapped[str]
    language: Mapped[str | None]
    """The language of the name; None for old orders."""
    options: Mapped[list[dict[str, str]] | None] = mapped_column(JSON(none_as_null=True))
    """`[{"name", "value"}]` in the language of the name, as they were when the order was placed; None without any."""
    image: Mapped[str]
    unit_price: Mapped[int] = mapped_column(BigInteger)
    quantity: Mapped[int]
    from_upsell: Mapped[bool]
    discount: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    """The line's part of the order's discount, and of its tax: refunds return them, and never compute them anew. 0 for
    orders of earlier versions."""
    tax: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    tax_rate: Mapped[str | None]
    """In per cent; None without tax, and for old orders."""
