"""Reads of carts."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import bindparam, func, select

from storefront.cart.models import IS_OPEN, Cart, CartLine, CartStatus
from storefront.catalog.models import Product, VariantStatus
from storefront.catalog.queries import PRODUCT_VIEW_COLUMNS, ProductView, name_with_options, product_view_from_row
from storefront.catalog.variants import VARIANT_COLUMNS, VariantRow, VariantView, variant_view, variants
from storefront.clock import now
from storefront.db.base import table_of
from storefront.db.tenancy import execute, tenant_scoped
from storefront.errors import NotFound
from storefront.i18n.gettext import _
from storefront.ids import is_id
from storefront.pricing.calculator import calculate_price
from storefront.pricing.price import Destination, Price, PriceLine
from storefront.pricing.promotions import Unavailable
from storefront.promotions.queries import used_up
from storefront.tenants.settings import TenantSettings
from storefront.tenants.shipping_methods import default_method


@dataclass(frozen=True)
class CartLineSnapshot:
    """A cart line with the variant's current price and stock. The product's own variants aren't loaded."""

    quantity: int
    from_upsell: bool
    product: ProductView
    variant: VariantView
    tax_class: str | None = None
    weight: int | None = None
    """Of one, in grams."""

    @property
    def product_id(self) -> str:
        return self.product.id

    @property
    def variant_id(self) -> str:
        return self.variant.id

    @property
    def name(self) -> str:
        return name_with_options(self.product, self.variant)

    @property
    def line_total(self) -> int:
        return self.variant.price * self.quantity

    @property
    def price_line(self) -> PriceLine:
        return PriceLine(self.variant.price, self.quantity, self.tax_class, self.weight)

    @property
    def is_sold(self) -> bool:
        """Whether it is sold at all, if not in stock."""
        return not self.variant.is_archived

    @property
    def stock_left(self) -> int:
        return 0 if self.variant.is_archived else self.variant.stock

    @property
    def available(self) -> bool:
        return self.quantity <= self.stock_left


@dataclass(frozen=True)
class CartSnapshot:
    """A cart with its lines, as of now."""

    id: str
    shopper: str
    status: str
    promo_code: str | None
    lines: list[CartLineSnapshot]
    country: str | None = None
    shipping_method: str | None = None

    @property
    def is_open(self) -> bool:
        return self.status == CartStatus.OPEN

    @property
    def subtotal(self) -> int:
        return sum(line.line_total for line in self.lines)

    @property
    def weight(self) -> int:
        """In grams, without what isn't known."""
        return sum((line.weight or 0) * line.quantity for line in self.lines)

    def destination(self, tenant: TenantSettings) -> Destination:
        """Return where it goes, as far as that was chosen; by the shop's default method if none was."""
        chosen = tenant.shipping_method(self.shipping_method)
        if chosen is None or not chosen.delivers_to(self.country):
            chosen = default_method(tenant.shipping)
        is_sent = not (chosen and chosen.pickup)
        return Destination(self.country if is_sent else None, chosen)

    def price(
        self, tenant: TenantSettings, to: Destination | None = None, unavailable: Unavailable | None = None
    ) -> Price:
        """Return the price at this destination, by default the cart's own."""
        gone = used_up(tenant, self.promo_code) if unavailable is None else unavailable
        given = (line.price_line for line in self.lines)
        return calculate_price(tenant, given, self.promo_code, now(), to or self.destination(tenant), gone)


@dataclass(frozen=True)
class PricedCart:
    """A cart with its price, for a page; without an id and lines if there is no cart."""

    id: str
    lines: Sequence[CartLineSnapshot]
    price: Price

    @classmethod
    def of(
        cls,
        cart: CartSnapshot | None,
        tenant: TenantSettings,
        to: Destination | None = None,
        unavailable: Unavailable | None = None,
    ) -> "PricedCart":
        if cart is None:
            return cls("", [], calculate_price(tenant, [], None, now()))
        return cls(cart.id, cart.lines, cart.price(tenant, to, unavailable))

    @property
    def lines_digest(self) -> str:
        return digest_lines((line.variant_id, line.quantity) for line in self.lines)


def digest_lines(lines: Iterable[tuple[str, int]]) -> str:
    """Return a digest of (variant id, quantity) in any order. The checkout page sends it, so that an order is refused
    if the cart has changed since."""
    return sha256(json.dumps(sorted(lines)).encode()).hexdigest()[:32]


carts, lines, products = table_of(Cart), table_of(CartLine), table_of(Product)
LINE_VARIANT_COLUMNS = [*VARIANT_COLUMNS, variants.c.status]
CART_COLUMNS = [carts.c[name] for name in ("shopper", "status", "promo_code", "country", "shipping_method")]
SELECT_CART = tenant_scoped(select(*CART_COLUMNS).where(carts.c.id == bindparam("id")))
SELECT_CART_WITH_LINES = tenant_scoped(
    select(*CART_COLUMNS, lines.c.quantity, lines.c.from_upsell, products.c.tax_class, products.c.weight)
    .add_columns(*PRODUCT_VIEW_COLUMNS, *(column.label(f"variant_{column.name}") for column in LINE_VARIANT_COLUMNS))
    .join(lines, (lines.c.tenant_id == carts.c.tenant_id) & (lines.c.cart_id == carts.c.id))
    .join(products, (products.c.tenant_id == lines.c.tenant_id) & (products.c.id == lines.c.product_id))
    .join(variants, (variants.c.tenant_id == lines.c.tenant_id) & (variants.c.id == lines.c.variant_id))
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
    found = [line_snapshot(row) for row in rows]
    return CartSnapshot(cart_id, head.shopper, head.status, head.promo_code, found, head.country, head.shipping_method)


def line_snapshot(row: Any) -> CartLineSnapshot:
    product = product_view_from_row(row)
    stored = VariantRow(*(row._mapping[f"variant_{column.name}"] for column in VARIANT_COLUMNS))
    is_archived = row.variant_status != VariantStatus.ACTIVE
    variant = variant_view(product.options, product.image, stored, is_archived)
    return CartLineSnapshot(row.quantity, row.from_upsell, product, variant, row.tax_class, row.weight)
