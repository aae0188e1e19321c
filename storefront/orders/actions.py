"""Placing an order."""

from dataclasses import dataclass

from sqlalchemy import Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from storefront.cart.models import OPEN, ORDERED, Cart, CartLine
from storefront.catalog.models import Product
from storefront.clock import now
from storefront.database import current_tenant_id, db, is_id, new_id, new_token, write
from storefront.errors import NotFound, OutOfStock, Shortage
from storefront.events.models import ORDER_PLACED, STOCK_CHANGED, record
from storefront.orders.models import Order, OrderLine, order_of_cart, order_of_key
from storefront.orders.rules import Buyer, check_not_empty, check_price, check_same_request, fingerprint, new_number
from storefront.pricing.rules import price
from storefront.tenants.models import Tenant

ATTEMPTS = 3
"""How often a collision of unique columns (a key raced for, an order number drawn twice) is met by looking again."""


def place_order(
    tenant: Tenant,
    cart_id: str,
    buyer: Buyer,
    expected_total: int | None = None,
    idempotency_key: str | None = None,
) -> tuple[str, bool]:
    """Turn an open cart into an order: all of its stock taken, or none.

    Returns the order's id and whether it is new: the same cart, or the same key, is the same order. Raises
    `NotFound`, `CartEmpty`, `PriceChanged`, `OutOfStock`, or `Invalid` for a key that came with another request;
    then nothing was changed.
    """
    asked = fingerprint(cart_id, buyer, expected_total)
    for attempt in range(ATTEMPTS):
        try:
            with write(durable=True):
                return place_once(tenant, cart_id, buyer, expected_total, idempotency_key, asked)
        except IntegrityError:
            if attempt == ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


def place_once(
    tenant: Tenant, cart_id: str, buyer: Buyer, expected_total: int | None, key: str | None, asked: str
) -> tuple[str, bool]:
    if key and (earlier := order_of_key(key)):
        check_same_request(earlier.fingerprint, asked)
        return earlier.id, False
    cart = claim(cart_id)
    if cart is None:
        if (earlier := order_of_cart(cart_id)) is None:
            raise NotFound("There is no such cart in this shop.")
        return earlier.id, False
    taken = take_stock(cart_id)
    total = price(tenant, (line.line_total for line in taken), cart.promo_code, now())
    check_price(total, expected_total, tenant.currency)
    order = Order(
        id=new_token(),
        number=new_number(),
        cart_id=cart_id,
        shopper=cart.shopper,
        email=buyer.email,
        name=buyer.name,
        currency=tenant.currency,
        promo_code=None if total.promo_expired else total.promo_code,
        subtotal=total.subtotal,
        discount=total.discount,
        tax=total.tax,
        tax_rate=str(total.tax_rate) if total.tax_rate is not None else None,
        tax_included=total.tax_included,
        total=total.total,
        idempotency_key=key,
        fingerprint=asked if key else None,
    )
    db.session.add(order)
    db.session.flush()
    write_lines(order.id, taken)
    stock = [(STOCK_CHANGED, line.product_id, {"stock": line.stock_left}) for line in taken]
    record([(ORDER_PLACED, order.id, {"number": order.number, "total": order.total}), *stock])
    return order.id, True


def claim(cart_id: str) -> Row[str | None, str] | None:
    """Make the open cart an ordered one, which the row's own state lets happen once; None when it isn't open."""
    if not is_id(cart_id):
        return None
    this_one = update(Cart).where(Cart.id == cart_id, Cart.status == OPEN)
    return db.session.execute(
        this_one.values(status=ORDERED, updated_at=now()).returning(Cart.promo_code, Cart.shopper)
    ).one_or_none()


@dataclass(frozen=True)
class Taken:
    """A line whose stock has been taken, at the price that the product has while its row is locked."""

    product_id: str
    quantity: int
    from_upsell: bool
    place: int
    name: str
    image: str
    unit_price: int
    stock_left: int

    @property
    def line_total(self) -> int:
        return self.unit_price * self.quantity


def take_stock(cart_id: str) -> list[Taken]:
    """Take every line's quantity, product by product in the order of their ids so that two orders never wait for each
    other in a circle. Raises `CartEmpty`, or `OutOfStock` with each line that can't be had."""
    columns = (CartLine.product_id, CartLine.quantity, CartLine.from_upsell, CartLine.place)
    query = select(*columns).where(CartLine.cart_id == cart_id).order_by(CartLine.product_id)
    lines = db.session.execute(query).all()
    check_not_empty(lines)
    taken, short = [], {}
    for product_id, quantity, from_upsell, place in lines:
        row = db.session.execute(
            update(Product)
            .where(Product.id == product_id, Product.stock >= quantity)
            .values(stock=Product.stock - quantity, updated_at=now())
            .returning(Product.name, Product.image, Product.price, Product.stock)
            .execution_options(synchronize_session=False)
        ).one_or_none()
        if row is None:
            short[product_id] = quantity
        else:
            taken.append(Taken(product_id, quantity, from_upsell, place, *row))
    if short:
        left = dict(db.session.execute(select(Product.id, Product.stock).where(Product.id.in_(short))).all())
        raise OutOfStock([Shortage(id, quantity, left[id]) for id, quantity in short.items()])
    return taken


def write_lines(order_id: str, taken: list[Taken]) -> None:
    tenant_id, first = current_tenant_id(), new_id()
    rows = [
        {
            "tenant_id": tenant_id,
            "order_id": order_id,
            "product_id": line.product_id,
            "place": first + i,
            "name": line.name,
            "image": line.image,
            "unit_price": line.unit_price,
            "quantity": line.quantity,
            "from_upsell": line.from_upsell,
        }
        for i, line in enumerate(sorted(taken, key=lambda line: line.place))
    ]
    db.session.execute(insert(OrderLine), rows)
