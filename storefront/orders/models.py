"""The order tables."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from storefront.clock import UtcDateTime, now
from storefront.db.base import Model
from storefront.db.tenancy import OwnedByTenant
from storefront.ids import new_token


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
        Index(None, "tenant_id", "created_at"),
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
    currency: Mapped[str] = mapped_column(String(3))
    promo_code: Mapped[str | None]
    subtotal: Mapped[int] = mapped_column(BigInteger)
    discount: Mapped[int] = mapped_column(BigInteger)
    tax: Mapped[int] = mapped_column(BigInteger)
    tax_rate: Mapped[str | None]
    tax_included: Mapped[bool]
    total: Mapped[int] = mapped_column(BigInteger)
    idempotency_key: Mapped[str | None] = mapped_column(String(255))
    fingerprint: Mapped[str | None] = mapped_column(String(64))
    """Hash of the request with the idempotency key, to detect a different request with the same key."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


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
