"""Reads of carts."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import bindparam, func, select

from storefront.cart.models import IS_OPEN, Cart, CartLine, CartStatus
from storefront.catalog.models import Product
from storefront.catalog.queries import PRODUCT_VIEW_COLUMNS, ProductView, product_view_from_row
from storefront.clock import now
from storefront.db.base import table_of
from storefront.db.tenancy import execute, tenant_scoped
from storefront.errors import NotFound
from storefront.i18n.gettext import _
from storefront.ids import is_id
from storefront.pricing.calculator import Price, calculate_price
from storefront.tenants.settings import TenantSettings


@dataclass(frozen=True)
class CartLineSnapshot:
    """A cart line with the product's current price and stock."""

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
    def stock_left(self) -> int:
        return self.product.stock

    @property
    def available(self) -> bool:
        return self.quantity <= self.product.stock


@dataclass(frozen=True)
class CartSnapshot:
    """A cart with its lines, as of now."""

    id: str
    shopper: str
    status: str
    promo_code: str | None
    lines: list[CartLineSnapshot]

    @property
    def is_open(self) -> bool:
        return self.status == CartStatus.OPEN

    def price(self, tenant: TenantSettings) -> Price:
        return calculate_price(tenant, (line.line_total for line in self.lines), self.promo_code, now())


@dataclass(frozen=True)
class PricedCart:
    """A cart with its price, for a page; without an id and lines if there is no cart."""

    id: str
    lines: Sequence[CartLineSnapshot]
    price: Price

    @classmethod
    def of(cls, cart: CartSnapshot | None, tenant: TenantSettings) -> "PricedCart":
        if cart is None:
            return cls("", [], calculate_price(tenant, [], None, now()))
        return cls(cart.id, cart.lines, cart.price(tenant))

    @property
    def lines_digest(self) -> str:
        return digest_lines((line.product_id, line.quantity) for line in self.lines)


def digest_lines(lines: Iterable[tuple[str, int]]) -> str:
    """Return a digest of (product id, quantity) in any order. The checkout page sends it, so that an order is refused
    if the cart has changed since."""
    return sha256(json.dumps(sorted(lines)).encode()).hexdigest()[:32]


carts, lines, products = table_of(Cart), table_of(CartLine), table_of(Product)
SELECT_CART = tenant_scoped(
    select(carts.c.shopper, carts.c.status, carts.c.promo_code).where(carts.c.id == bindparam("id"))
)
SELECT_CART_WITH_LINES = tenant_scoped(
    select(carts.c.shopper, carts.c.status, carts.c.promo_code, lines.c.quantity, lines.c.from_upsell)
    .add_columns(*PRODUCT_VIEW_COLUMNS)
    .join(lines, (lines.c.tenant_id == carts.c.tenant_id) & (lines.c.cart_id == carts.c.id))
    .join(products, (products.c.tenant_id == lines.c.tenant_id) & (products.c.id == lines.c.product_id))
    .where(carts.c.id == bindparam("id"))
    .order_by(lines.c.position)
)
COUNT_CART_ITEMS = tenant_scoped(
    select(func.sum(lines.c.quantity))
    .join(carts, (carts.c.tenant_id == lines.c.tenant_id) & (carts.c.id == lines.c.cart_id))
    .where(carts.c.id == bindparam("id"), IS_OPEN)
)


def count_items(cart_id: str) -> int:
    """Return the number of items in an open cart; 0 if there is none."""
    return execute(COUNT_CART_ITEMS, {"id": cart_id}).scalar() or 0


def load_cart(cart_id: str) -> CartSnapshot:
    """Return the cart with its lines and products. Raises `NotFound`."""
    cart = find_cart(cart_id)
    if cart is None:
        raise NotFound(_("We couldn't find this cart."))
    return cart


def find_cart(cart_id: str | None) -> CartSnapshot | None:
    if not cart_id or not is_id(cart_id):
        return None
    rows = execute(SELECT_CART_WITH_LINES, {"id": cart_id}).all()
    head = rows[0] if rows else execute(SELECT_CART, {"id": cart_id}).one_or_none()
    if head is None:
        return None
    found = [CartLineSnapshot(row.quantity, row.from_upsell, product_view_from_row(row)) for row in rows]
    return CartSnapshot(cart_id, head.shopper, head.status, head.promo_code, found)
