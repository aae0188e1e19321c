"""Cart actions. Each is one short write transaction; callers read the result again."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager

from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.exc import IntegrityError

from storefront.cart.limits import check_line_count, check_quantity
from storefront.cart.models import IS_OPEN, Cart, CartLine
from storefront.cart.queries import find_cart
from storefront.catalog.models import Product
from storefront.clock import now
from storefront.db.base import table_of
from storefront.db.tenancy import execute, insert_rows, tenant_scoped
from storefront.db.transactions import write
from storefront.errors import CartOrdered, NotFound
from storefront.i18n.gettext import _
from storefront.i18n.unicode_text import cut
from storefront.ids import is_id, new_id, new_token
from storefront.pricing.calculator import usable_promotion
from storefront.signals import cart_changed
from storefront.tenants.settings import TenantSettings


def open_cart(items: Iterable[tuple[str, int]] = (), shopper: str | None = None) -> str:
    """Create a cart with these (product id, quantity) and return its id. Raises `NotFound` or `Invalid`."""
    wanted: Counter[str] = Counter()
    for product_id, quantity in items:
        wanted[product_id] += check_quantity(quantity)
    check_line_count(len(wanted))
    for quantity in wanted.values():
        check_quantity(quantity)
    cart_id, first = new_token(), new_id()
    with unknown_product_as_not_found(wanted), write():
        insert_rows(Cart, [{"id": cart_id, "shopper": shopper or cart_id}])
        if wanted:
            lines = [
                {"cart_id": cart_id, "product_id": product_id, "quantity": quantity, "position": first + i}
                for i, (product_id, quantity) in enumerate(wanted.items())
            ]
            insert_rows(CartLine, lines)
    cart_changed.send(cart_id=cart_id)
    return cart_id


products = table_of(Product).c
SELECT_EXISTING_PRODUCTS = tenant_scoped(select(products.id).where(products.id.in_(bindparam("ids", expanding=True))))


@contextmanager
def unknown_product_as_not_found(product_ids: Collection[str]) -> Iterator[None]:
    """Wrap a `write()` of lines: convert a foreign key error for a product that isn't this shop's to `NotFound`.

    Only after such an error, a query finds out which product it is."""
    if not all(map(is_id, product_ids)):
        check_products_exist(product_ids)
    try:
        yield
    except IntegrityError:
        check_products_exist(product_ids)
        raise


def check_products_exist(product_ids: Iterable[str]) -> None:
    """Raise `NotFound` if one of the products doesn't exist in this shop."""
    wanted = [product_id for product_id in product_ids if is_id(product_id)]
    found = set(execute(SELECT_EXISTING_PRODUCTS, {"ids": wanted}).scalars())
    missing = [product_id for product_id in product_ids if product_id not in found]
    if missing:
        raise NotFound(_("Product %(id)s was not found.", id=repr(cut(missing[0], 64))))


def add_item(cart_id: str, product_id: str, quantity: int, from_upsell: bool = False) -> None:
    """Add a quantity of a product to the cart. Raises `NotFound`, `Invalid` or `CartOrdered`."""
    check_quantity(quantity)
    with unknown_product_as_not_found([product_id]), write():
        lock_open_cart(cart_id)
        in_cart = quantity_in_cart(cart_id, product_id)
        if in_cart is None:
            insert_line(cart_id, product_id, quantity, from_upsell)
        else:
            total = check_quantity(in_cart + quantity)
            execute(SET_LINE_QUANTITY, {"cart": cart_id, "product": product_id, "quantity": total})
    cart_changed.send(cart_id=cart_id)


def set_quantity(cart_id: str, product_id: str, quantity: int) -> None:
    """Set the quantity of a product; 0 removes it. Raises `NotFound`, `Invalid` or `CartOrdered`."""
    if quantity:
        check_quantity(quantity)
    with unknown_product_as_not_found([product_id]), write():
        lock_open_cart(cart_id)
        if quantity_in_cart(cart_id, product_id) is None:
            if quantity:
                insert_line(cart_id, product_id, quantity)
            else:
                check_products_exist([product_id])
        elif quantity:
            execute(SET_LINE_QUANTITY, {"cart": cart_id, "product": product_id, "quantity": quantity})
        else:
            execute(DELETE_LINE, {"cart": cart_id, "product": product_id})
    cart_changed.send(cart_id=cart_id)


def insert_line(cart_id: str, product_id: str, quantity: int, from_upsell: bool = False) -> None:
    check_line_count(execute(COUNT_CART_LINES, {"cart": cart_id}).scalar_one() + 1)
    line = {"cart_id": cart_id, "product_id": product_id, "quantity": quantity, "from_upsell": from_upsell}
    insert_rows(CartLine, [line])


def apply_promo(tenant: TenantSettings, cart_id: str, code: str) -> None:
    """Apply a promo code to the cart. Raises `Invalid` if it is unknown or expired, `CartOrdered` or `NotFound`."""
    with write():
        lock_open_cart(cart_id)
        execute(SET_CART_PROMO, {"cart": cart_id, "code": usable_promotion(tenant, code, now()).code})


def remove_promo(cart_id: str) -> None:
    with write():
        lock_open_cart(cart_id)
        execute(SET_CART_PROMO, {"cart": cart_id, "code": None})


carts, lines = table_of(Cart), table_of(CartLine)
this_line = (lines.c.cart_id == bindparam("cart")) & (lines.c.product_id == bindparam("product"))
SELECT_LINE_QUANTITY = tenant_scoped(select(lines.c.quantity).where(this_line))
SET_LINE_QUANTITY = tenant_scoped(update(lines).where(this_line).values(quantity=bindparam("quantity")))
DELETE_LINE = tenant_scoped(delete(lines).where(this_line))
COUNT_CART_LINES = tenant_scoped(select(func.count()).select_from(lines).where(lines.c.cart_id == bindparam("cart")))
this_open_cart = update(carts).where(carts.c.id == bindparam("cart"), IS_OPEN)
LOCK_OPEN_CART = tenant_scoped(this_open_cart.values(updated_at=bindparam("now")))
SET_CART_PROMO = tenant_scoped(this_open_cart.values(promo_code=bindparam("code")))


def lock_open_cart(cart_id: str) -> None:
    """Lock the open cart's row until the end of this transaction, against concurrent changes and orders.

    Raises `CartOrdered` or `NotFound`.
    """
    if is_id(cart_id) and execute(LOCK_OPEN_CART, {"cart": cart_id, "now": now()}).rowcount:
        return
    if find_cart(cart_id) is None:
        raise NotFound(_("We couldn't find this cart."))
    raise CartOrdered


def quantity_in_cart(cart_id: str, product_id: str) -> int | None:
    """Return the quantity of a product in the cart; None if there is no such line."""
    if not is_id(product_id):
        return None
    quantity: int | None = execute(SELECT_LINE_QUANTITY, {"cart": cart_id, "product": product_id}).scalar()
    return quantity
