"""Carts: what a shopper has gathered."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, String, bindparam, func, select, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from storefront.catalog.models import Product
from storefront.catalog.queries import PRODUCT_VIEW_COLUMNS, ProductView, product_view_from_row
from storefront.clock import UtcDateTime, now
from storefront.db.base import Model, table_of
from storefront.db.tenancy import OwnedByTenant, execute, tenant_scoped
from storefront.errors import NotFound
from storefront.ids import is_id, new_id, new_token
from storefront.languages.words import _
from storefront.pricing.rules import Price, price
from storefront.tenants.models import Tenant

OPEN = "open"
ORDERED = "ordered"
ONLY_OPEN = text("status = 'open'")


class Cart(OwnedByTenant, Model):
    """The id is unguessable: who holds it holds the cart. `shopper` groups the carts of one browser."""

    __tablename__ = "cart"
    __table_args__ = (
        CheckConstraint("status IN ('open', 'ordered')", name="status_known"),
        Index(None, "tenant_id", "created_at", sqlite_where=ONLY_OPEN, postgresql_where=ONLY_OPEN),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_token)
    shopper: Mapped[str] = mapped_column(String(32))
    status: Mapped[str] = mapped_column(String(8), default=OPEN)
    promo_code: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    lines: Mapped[list["CartLine"]] = relationship(order_by="CartLine.place", viewonly=True)


class CartLine(OwnedByTenant, Model):
    """So many of one product; costs the product's price of the moment."""

    __tablename__ = "cart_line"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "cart_id"], ["cart.tenant_id", "cart.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["tenant_id", "product_id"], ["product.tenant_id", "product.id"]),
        CheckConstraint("quantity BETWEEN 1 AND 999", name="quantity_in_range"),
    )

    cart_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    product_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    quantity: Mapped[int]
    from_upsell: Mapped[bool] = mapped_column(default=False)
    place: Mapped[int] = mapped_column(BigInteger, default=new_id)

    product: Mapped[Product] = relationship(viewonly=True)


@dataclass(frozen=True)
class LineSeen:
    """A line as it is at this moment: at the product's price of now, and with as many left as there are."""

    quantity: int
    from_upsell: bool
    product: ProductView

    @property
    def product_id(self) -> str:
        return self.product.id

    @property
    def line_total(self) -> int:
        return self.product.price * self.quantity

    @property
    def left(self) -> int:
        return self.product.stock

    @property
    def available(self) -> bool:
        return self.quantity <= self.product.stock


@dataclass(frozen=True)
class CartSeen:
    """A cart as it is at this moment."""

    id: str
    shopper: str
    status: str
    promo_code: str | None
    lines: list[LineSeen]

    @property
    def is_open(self) -> bool:
        return self.status == OPEN

    def price(self, tenant: Tenant) -> Price:
        return price(tenant, (line.line_total for line in self.lines), self.promo_code, now())


@dataclass(frozen=True)
class CartView:
    """A cart as a page shows it, with its price; one without lines stands for no cart."""

    id: str
    lines: Sequence[LineSeen]
    price: Price

    @classmethod
    def of(cls, cart: CartSeen | None, tenant: Tenant) -> "CartView":
        if cart is None:
            return cls("", [], price(tenant, [], None, now()))
        return cls(cart.id, cart.lines, cart.price(tenant))

    @property
    def lines_digest(self) -> str:
        return digest_lines((line.product_id, line.quantity) for line in self.lines)


def digest_lines(lines: Iterable[tuple[str, int]]) -> str:
    """A digest of a cart's lines, given as (product id, quantity) in any order: a page carries it, so that an order can
    be held to what the page showed."""
    return sha256(json.dumps(sorted(lines)).encode()).hexdigest()[:32]


carts, lines, products = table_of(Cart), table_of(CartLine), table_of(Product)
HEAD = tenant_scoped(
    select(carts.c.id, carts.c.shopper, carts.c.status, carts.c.promo_code).where(carts.c.id == bindparam("id"))
)
WITH_LINES = tenant_scoped(
    select(carts.c.id, carts.c.shopper, carts.c.status, carts.c.promo_code)
    .add_columns(lines.c.quantity, lines.c.from_upsell, *PRODUCT_VIEW_COLUMNS)
    .join(lines, (lines.c.tenant_id == carts.c.tenant_id) & (lines.c.cart_id == carts.c.id))
    .join(products, (products.c.tenant_id == lines.c.tenant_id) & (products.c.id == lines.c.product_id))
    .where(carts.c.id == bindparam("id"))
    .order_by(lines.c.place)
)
PIECES = tenant_scoped(
    select(func.sum(lines.c.quantity))
    .join(carts, (carts.c.tenant_id == lines.c.tenant_id) & (carts.c.id == lines.c.cart_id))
    .where(carts.c.id == bindparam("id"), carts.c.status == OPEN)
)


def count_items(cart_id: str) -> int:
    """How many pieces an open cart holds; 0 when there is no such cart."""
    return execute(PIECES, {"id": cart_id}).scalar() or 0


def find_cart(cart_id: str) -> CartSeen:
    """The cart with its lines and their products, as they are in the database now; raises `NotFound`."""
    cart = cart_or_none(cart_id)
    if cart is None:
        raise NotFound(_("There is no such cart in this shop."))
    return cart


def cart_or_none(cart_id: str | None) -> CartSeen | None:
    if not cart_id or not is_id(cart_id):
        return None
    rows = execute(WITH_LINES, {"id": cart_id}).all()
    head = rows[0] if rows else execute(HEAD, {"id": cart_id}).one_or_none()
    if head is None:
        return None
    id, shopper, status, promo_code = head[:4]
    return CartSeen(
        id, shopper, status, promo_code, [LineSeen(row[4], row[5], product_view_from_row(row[6:])) for row in rows]
    )
