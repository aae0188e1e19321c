"""Orders: what was bought, and what was paid for it, for good."""

from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    String,
    UniqueConstraint,
    bindparam,
    select,
)
from sqlalchemy.orm import Mapped, mapped_column

from storefront.clock import UtcDateTime, now
from storefront.db.base import Model, db, table_of
from storefront.db.tenancy import OwnedByTenant, execute, tenant_scoped
from storefront.errors import NotFound
from storefront.ids import is_id, new_token
from storefront.languages.texts import in_language
from storefront.languages.words import _
from storefront.pricing.rules import Price

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
    """Whose carts belong together, as the cart said."""
    status: Mapped[str] = mapped_column(String(16), default=PLACED)
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
    """What the request with that key asked for, so that another request with the same key is found out."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class OrderLine(OwnedByTenant, Model):
    """So many of one product at the price that was paid."""

    __tablename__ = "order_line"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"]),
        ForeignKeyConstraint(["tenant_id", "product_id"], ["product.tenant_id", "product.id"]),
        CheckConstraint("quantity BETWEEN 1 AND 999", name="quantity_in_range"),
        Index(None, "tenant_id", "product_id", "place"),
    )

    order_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    product_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    place: Mapped[int] = mapped_column(BigInteger)
    """Grows with time, and with the lines of an order."""
    name: Mapped[str]
    language: Mapped[str | None]
    """In which the name is; unknown of orders before it was kept."""
    image: Mapped[str]
    unit_price: Mapped[int] = mapped_column(BigInteger)
    quantity: Mapped[int]
    from_upsell: Mapped[bool]


@dataclass(frozen=True)
class BoughtLine:
    """So many of one product at the price that was paid, in minor units."""

    product_id: str
    name: str
    language: str | None
    image: str
    unit_price: int
    quantity: int
    from_upsell: bool

    @property
    def line_total(self) -> int:
        return self.unit_price * self.quantity

    @property
    def said(self) -> str:
        """Its name, which knows when it isn't in the page's language."""
        return in_language(self.name, self.language)


@dataclass(frozen=True)
class OrderSeen:
    """An order as it is shown; `price` is what was paid, in the same steps as a cart's."""

    id: str
    number: str
    cart_id: str
    shopper: str
    status: str
    email: str
    name: str
    currency: str
    created_at: datetime
    price: Price
    lines: list[BoughtLine]


orders, order_lines = table_of(Order), table_of(OrderLine)
HEAD = ("id", "number", "cart_id", "shopper", "status", "email", "name", "currency", "created_at")
PAID = ("subtotal", "discount", "tax", "total", "tax_included", "promo_code", "tax_rate")
LINE = [field.name for field in fields(BoughtLine)]
WHOLE_ORDER = tenant_scoped(
    select(*(orders.c[name] for name in HEAD + PAID), *(order_lines.c[name] for name in LINE))
    .join(
        order_lines,
        (order_lines.c.tenant_id == orders.c.tenant_id) & (order_lines.c.order_id == orders.c.id),
    )
    .where(orders.c.id == bindparam("id"))
    .order_by(order_lines.c.place)
)


def find_order(order_id: str) -> OrderSeen:
    """The order with its lines, of which it has one at least; raises `NotFound`."""
    rows = execute(WHOLE_ORDER, {"id": order_id}).all() if is_id(order_id) else []
    if not rows:
        raise NotFound(_("There is no such order in this shop."))
    head = dict(zip(HEAD, rows[0], strict=False))
    paid = dict(zip(PAID, rows[0][len(HEAD) :], strict=False))
    rate = paid.pop("tax_rate")
    price = Price(**paid, tax_rate=Decimal(rate) if rate else None)
    return OrderSeen(**head, price=price, lines=[BoughtLine(*row[len(HEAD + PAID) :]) for row in rows])


def order_of_cart(cart_id: str) -> Order | None:
    return db.session.scalar(select(Order).where(Order.cart_id == cart_id))


def order_of_key(idempotency_key: str) -> Order | None:
    return db.session.scalar(select(Order).where(Order.idempotency_key == idempotency_key))
