"""Cart actions. Each is one short write transaction; callers read the result again."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Boolean, Integer, String, bindparam, delete, func, insert, select, update

from storefront.cart.limits import check_line_count, check_quantity
from storefront.cart.models import IS_OPEN, Cart, CartLine
from storefront.cart.queries import find_cart, load_cart
from storefront.catalog.models import VariantStatus
from storefront.catalog.variants import variants
from storefront.clock import now
from storefront.db.base import table_of
from storefront.db.tenancy import execute, insert_rows, tenant_scoped
from storefront.db.transactions import write
from storefront.errors import CartOrdered, FieldError, Invalid, NotFound
from storefront.i18n.gettext import _
from storefront.i18n.unicode_text import cut
from storefront.ids import is_id, new_id, new_token
from storefront.pricing.promotions import usable_promotion
from storefront.promotions.queries import used_up
from storefront.signals import cart_changed
from storefront.tenants.settings import TenantSettings


class WantedVariant(NamedTuple):
    """What is to be added: a product without options, or a variant; with both ids they must belong together."""

    product_id: str | None
    variant_id: str | None = None

    @property
    def key(self) -> str:
        """The variant's id; that of a product without options is its own."""
        return self.variant_id or self.product_id or ""


class UnknownVariant(Exception):
    """One of the wanted variants isn't for sale under this id, or two of them are the same one."""


def open_cart(items: Iterable[tuple[WantedVariant, int]] = (), shopper: str | None = None) -> str:
    """Create a cart with these quantities and return its id. Raises `NotFound` or `Invalid`."""
    wanted = total_quantities(items)
    check_line_count(len(wanted))
    try:
        cart_id = _open_cart(wanted, shopper)
    except UnknownVariant:
        resolved = ((resolve_variant(item), quantity) for item, quantity in wanted.items())
        cart_id = _open_cart(total_quantities(resolved), shopper)
    cart_changed.send(cart_id=cart_id)
    return cart_id


def total_quantities(items: Iterable[tuple[WantedVariant, int]]) -> Counter[WantedVariant]:
    """Return the sum of the quantities of each item. Raises `Invalid` if a quantity or a sum is out of range."""
    wanted: Counter[WantedVariant] = Counter()
    for item, quantity in items:
        wanted[item] += check_quantity(quantity)
    for quantity in wanted.values():
        check_quantity(quantity)
    return wanted


def _open_cart(wanted: Mapping[WantedVariant, int], shopper: str | None) -> str:
    if len({item.key for item in wanted}) < len(wanted):  # named with and without its product
        raise UnknownVariant
    cart_id, first = new_token(), new_id()
    with write():
        insert_rows(Cart, [{"id": cart_id, "shopper": shopper or cart_id}])
        insert_lines(
            [
                {**line_values(cart_id, item, quantity), "position": first + i}
                for i, (item, quantity) in enumerate(wanted.items())
            ]
        )
    return cart_id


def add_item(cart_id: str, item: WantedVariant, quantity: int, from_upsell: bool = False) -> None:
    """Add a quantity of a variant to the cart. Raises `NotFound`, `Invalid` or `CartOrdered`."""
    check_quantity(quantity)
    try:
        _add_item(cart_id, item, quantity, from_upsell)
    except UnknownVariant:
        _add_item(cart_id, resolve_variant(item), quantity, from_upsell)
    cart_changed.send(cart_id=cart_id)


def _add_item(cart_id: str, item: WantedVariant, quantity: int, from_upsell: bool) -> None:
    with write():
        lock_open_cart(cart_id)
        line = find_line(cart_id, item.key)
        if line is None:
            insert_line(cart_id, item, quantity, from_upsell)
        elif line.status != VariantStatus.ACTIVE or item.product_id not in (None, line.product_id):
            raise UnknownVariant
        else:
            total = check_quantity(line.quantity + quantity)
            execute(SET_LINE_QUANTITY, {"cart": cart_id, "variant": item.key, "quantity": total})


def set_quantity(cart_id: str, variant_id: str, quantity: int) -> None:
    """Set the quantity of a variant; 0 removes it. Raises `NotFound`, `Invalid` or `CartOrdered`."""
    if quantity:
        check_quantity(quantity)
    item = WantedVariant(None, variant_id)
    try:
        with write():
            lock_open_cart(cart_id)
            if find_line(cart_id, variant_id) is None:
                if not quantity:
                    resolve_variant(item)
                else:
                    insert_line(cart_id, item, quantity)
            elif quantity:
                execute(SET_LINE_QUANTITY, {"cart": cart_id, "variant": variant_id, "quantity": quantity})
            else:
                execute(DELETE_LINE, {"cart": cart_id, "variant": variant_id})
    except UnknownVariant:
        resolve_variant(item)
        raise
    cart_changed.send(cart_id=cart_id)


def insert_line(cart_id: str, item: WantedVariant, quantity: int, from_upsell: bool = False) -> None:
    check_line_count(execute(COUNT_CART_LINES, {"cart": cart_id}).scalar_one() + 1)
    insert_lines([{**line_values(cart_id, item, quantity, from_upsell), "position": new_id()}])


def line_values(cart_id: str, item: WantedVariant, quantity: int, from_upsell: bool = False) -> dict[str, Any]:
    return {
        "cart": cart_id,
        "product": item.product_id,
        "variant": item.key,
        "quantity": quantity,
        "from_upsell": from_upsell,
    }


def insert_lines(rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert lines for variants that are for sale, inside `write()`. Raises `UnknownVariant` if one isn't: the
    statement itself looks them up, so that adding costs no read before."""
    if not all(is_id(row["variant"]) for row in rows):
        raise UnknownVariant
    if rows and execute(INSERT_LINE, rows).rowcount != len(rows):
        raise UnknownVariant


def resolve_variant(item: WantedVariant) -> WantedVariant:
    """Return the item with the ids of its product and its variant: the only one if a product was asked for.

    Raises `NotFound`; or `Invalid` for a product of several variants without one, or a variant of another product."""
    known = {"product": item.product_id or "", "variant": item.key}
    rows = execute(SELECT_FOR_SALE, known).all() if all(is_id(id) for id in known.values() if id) else []
    chosen = next((row for row in rows if row.id == item.key), None)
    if chosen is None and item.variant_id is None and len(rows) == 1:
        chosen = rows[0]
    if chosen is None:
        if item.variant_id is None and rows:
            raise Invalid(FieldError("variant_id", _("This product comes in several variants. Choose one of them.")))
        raise NotFound(_("Product %(id)s was not found.", id=repr(cut(item.key, 64))))
    if item.product_id not in (None, chosen.product_id):
        raise Invalid(FieldError("variant_id", _("This variant belongs to another product.")))
    return WantedVariant(chosen.product_id, chosen.id)


def apply_promo(tenant: TenantSettings, cart_id: str, code: str) -> None:
    """Apply a promo code to the cart. Raises `Invalid` if it is unknown or a condition isn't met, `CartOrdered` or
    `NotFound`."""
    with write():
        lock_open_cart(cart_id)
        least = (wanted := tenant.promotion(code)) and wanted.min_subtotal
        subtotal = load_cart(cart_id).subtotal if least else None
        usable = usable_promotion(tenant, code, now(), subtotal, used_up(tenant, code))
        execute(SET_CART_PROMO, {"cart": cart_id, "code": usable.code})


def remove_promo(cart_id: str) -> None:
    with write():
        lock_open_cart(cart_id)
        execute(SET_CART_PROMO, {"cart": cart_id, "code": None})


def choose_delivery(cart_id: str, country: str | None, method: str | None) -> None:
    """Keep where the cart is to be sent, and by which method. Raises `CartOrdered` or `NotFound`."""
    with write():
        lock_open_cart(cart_id)
        execute(SET_CART_DELIVERY, {"cart": cart_id, "to_country": country, "by_method": method})


carts, lines = table_of(Cart), table_of(CartLine)
this_line = (lines.c.cart_id == bindparam("cart")) & (lines.c.variant_id == bindparam("variant"))
SELECT_LINE = tenant_scoped(
    select(lines.c.quantity, lines.c.product_id, variants.c.status)
    .join(variants, (variants.c.tenant_id == lines.c.tenant_id) & (variants.c.id == lines.c.variant_id))
    .where(this_line)
)
SET_LINE_QUANTITY = tenant_scoped(update(lines).where(this_line).values(quantity=bindparam("quantity")))
DELETE_LINE = tenant_scoped(delete(lines).where(this_line))
product_asked_for = bindparam("product", type_=String())
SELECT_FOR_SALE = tenant_scoped(
    select(variants.c.id, variants.c.product_id).where(
        (variants.c.id == bindparam("variant")) | (variants.c.product_id == product_asked_for),
        variants.c.status == VariantStatus.ACTIVE,
    )
)
for_sale = tenant_scoped(
    select(
        variants.c.tenant_id,
        bindparam("cart", type_=String()),
        variants.c.product_id,
        variants.c.id,
        bindparam("quantity", type_=Integer()),
        bindparam("from_upsell", type_=Boolean()),
        bindparam("position", type_=BigInteger()),
    ).where(
        variants.c.id == bindparam("variant"),
        variants.c.product_id == func.coalesce(product_asked_for, variants.c.product_id),
        variants.c.status == VariantStatus.ACTIVE,
    )
)
LINE_COLUMNS = ["tenant_id", "cart_id", "product_id", "variant_id", "quantity", "from_upsell", "position"]
INSERT_LINE = (
    insert(lines).from_select(LINE_COLUMNS, for_sale).execution_options(tenant_scoped=True, preserve_rowcount=True)
)
COUNT_CART_LINES = tenant_scoped(select(func.count()).select_from(lines).where(lines.c.cart_id == bindparam("cart")))
this_open_cart = update(carts).where(carts.c.id == bindparam("cart"), IS_OPEN)
LOCK_OPEN_CART = tenant_scoped(this_open_cart.values(updated_at=bindparam("now")))
SET_CART_PROMO = tenant_scoped(this_open_cart.values(promo_code=bindparam("code")))
SET_CART_DELIVERY = tenant_scoped(
    this_open_cart.values(country=bindparam("to_country"), shipping_method=bindparam("by_method"))
)


def lock_open_cart(cart_id: str) -> None:
    """Lock the open cart's row until the end of this transaction, against concurrent changes and orders.

    Raises `CartOrdered` or `NotFound`.
    """
    if is_id(cart_id) and execute(LOCK_OPEN_CART, {"cart": cart_id, "now": now()}).rowcount:
        return
    if find_cart(cart_id) is None:
        raise NotFound(_("We couldn't find this cart."))
    raise CartOrdered


def find_line(cart_id: str, variant_id: str) -> Any:
    """Return the line with its variant's status; None if the cart has no such line."""
    return execute(SELECT_LINE, {"cart": cart_id, "variant": variant_id}).one_or_none() if is_id(variant_id) else None


def product_of_variant(variant_id: str) -> str:
    """Return the id of the product. Raises `NotFound`."""
    return resolve_variant(WantedVariant(None, variant_id)).product_id or ""
