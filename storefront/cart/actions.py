"""What a shopper does with a cart. Each action is one short write transaction; what came of it is read again."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, cast

from sqlalchemy import CursorResult, bindparam, delete, func, select, update

from storefront.cart.models import OPEN, Cart, CartLine, cart_or_none
from storefront.cart.rules import check_quantity, check_room
from storefront.catalog.models import Product, read_product
from storefront.clock import now
from storefront.database import add_rows, current_tenant_id, db, held, is_id, new_id, new_token, run, table_of, write
from storefront.errors import CartOrdered, NotFound
from storefront.pricing.rules import usable_promotion
from storefront.tenants.models import Tenant


def open_cart(items: Iterable[tuple[str, int]] = (), shopper: str | None = None) -> str:
    """Make a cart that holds these (product id, quantity) and return its id. Raises `NotFound` or `Invalid`."""
    wanted: Counter[str] = Counter()
    for product_id, quantity in items:
        wanted[product_id] += check_quantity(quantity)
    check_room(len(wanted))
    for quantity in wanted.values():
        check_quantity(quantity)
    cart_id, first = new_token(), new_id()
    with write():
        check_sold_here(wanted)
        add_rows(Cart, [{"id": cart_id, "shopper": shopper or cart_id}])
        if wanted:
            lines = [
                {"cart_id": cart_id, "product_id": product_id, "quantity": quantity, "place": first + i}
                for i, (product_id, quantity) in enumerate(wanted.items())
            ]
            add_rows(CartLine, lines)
    return cart_id


products = table_of(Product).c
SOLD_HERE = held(select(products.id).where(products.id.in_(bindparam("ids", expanding=True))))


def check_sold_here(product_ids: Iterable[str]) -> None:
    """Refuse when one of the products isn't this shop's."""
    wanted = [product_id for product_id in product_ids if is_id(product_id)]
    found = set(run(SOLD_HERE, {"ids": wanted}).scalars())
    missing = [product_id for product_id in product_ids if product_id not in found]
    if missing:
        raise NotFound(f"There is no product {missing[0][:64]!r} in this shop.")


def add_item(cart_id: str, product_id: str, quantity: int, from_upsell: bool = False) -> None:
    """Put so many more of a product into the cart. Raises `NotFound`, `Invalid` or `CartOrdered`."""
    check_quantity(quantity)
    with write():
        hold(cart_id)
        line = db.session.get(CartLine, (current_tenant_id(), cart_id, product_id)) if is_id(product_id) else None
        if line is None:
            put_line(cart_id, product_id, quantity, from_upsell)
        else:
            line.quantity = check_quantity(line.quantity + quantity)


def set_quantity(cart_id: str, product_id: str, quantity: int) -> None:
    """Make it so many of a product; 0 takes it out. Raises `NotFound`, `Invalid` or `CartOrdered`."""
    if quantity:
        check_quantity(quantity)
    with write():
        hold(cart_id)
        read_product(product_id)
        this_line = (CartLine.cart_id == cart_id) & (CartLine.product_id == product_id)
        if not quantity:
            db.session.execute(delete(CartLine).where(this_line))
        elif not changed(update(CartLine).where(this_line).values(quantity=quantity)):
            put_line(cart_id, product_id, quantity)


def put_line(cart_id: str, product_id: str, quantity: int, from_upsell: bool = False) -> None:
    read_product(product_id)
    lines = db.session.scalar(select(func.count()).select_from(CartLine).where(CartLine.cart_id == cart_id))
    check_room((lines or 0) + 1)
    line = CartLine(cart_id=cart_id, product_id=product_id, quantity=quantity, from_upsell=from_upsell)
    db.session.add(line)


def apply_promo(tenant: Tenant, cart_id: str, code: str) -> None:
    """Price the cart with this promo code. Raises `Invalid` when the code is unknown or has run out."""
    with write():
        hold(cart_id)
        hold(cart_id, promo_code=usable_promotion(tenant, code, now()).code)


def remove_promo(cart_id: str) -> None:
    with write():
        hold(cart_id, promo_code=None)


def hold(cart_id: str, **values: object) -> None:
    """Lock the open cart's row for the rest of this transaction, so that nobody changes or orders it meanwhile.

    Raises `CartOrdered` or `NotFound`.
    """
    if is_id(cart_id) and changed(
        update(Cart).where(Cart.id == cart_id, Cart.status == OPEN).values(updated_at=now(), **values)
    ):
        return
    if cart_or_none(cart_id) is None:
        raise NotFound("There is no such cart in this shop.")
    raise CartOrdered


def changed(statement: Any) -> int:
    """Run an UPDATE or DELETE and say how many rows it met."""
    result = db.session.execute(statement.execution_options(synchronize_session=False))
    return cast("CursorResult[Any]", result).rowcount
