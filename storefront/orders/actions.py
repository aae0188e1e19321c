"""Placing an order, idempotent by cart and by idempotency key."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.exc import IntegrityError

from storefront.cart.models import IS_OPEN, Cart, CartLine, CartStatus
from storefront.cart.queries import digest_lines
from storefront.catalog.models import Product, Variant, VariantStatus
from storefront.catalog.stock import StockChange, stock_event, take_stock
from storefront.catalog.variants import chosen_options
from storefront.clock import now
from storefront.db.base import db, table_of
from storefront.db.tenancy import execute, insert_rows, tenant_scoped
from storefront.db.transactions import write
from storefront.errors import NotFound, OutOfStock, Shortage
from storefront.events.actions import record_events
from storefront.events.models import EventType
from storefront.i18n.content import language_of, localize
from storefront.i18n.gettext import _
from storefront.i18n.locale import shopper_language, shopper_languages
from storefront.ids import is_id, new_id, new_token
from storefront.mail.actions import queue_mail
from storefront.mail.kinds import MailKind
from storefront.orders.models import Order, OrderLine, OrderSearchKey, OrderStatus
from storefront.orders.payment_choice import NO_PAYMENT, ONLINE_METHODS, PaymentChoice, payment_columns, payment_row
from storefront.orders.payment_models import Payment
from storefront.orders.pricing import line_columns, price_columns, price_order, record_promotion
from storefront.orders.queries import find_order_by_idempotency_key, find_order_of_cart
from storefront.orders.search_keys import search_key_rows
from storefront.orders.validation import (
    Buyer,
    check_lines,
    check_not_empty,
    check_price,
    check_same_request,
    fingerprint,
    new_order_number,
)
from storefront.pricing.price import LinePrice, Price, PriceLine
from storefront.shipping.delivery import NOTHING_SENT, Delivery, DeliveryRequest, check_delivery, check_weight
from storefront.signals import orders_changed
from storefront.tenants.settings import TenantSettings

MAX_ATTEMPTS = 3
"""Attempts after a unique constraint violation: a concurrent request with the same key, or a repeated order number."""


def place_order(
    tenant: TenantSettings,
    cart_id: str,
    buyer: Buyer,
    expected_total: int | None = None,
    idempotency_key: str | None = None,
    shown_lines: str | None = None,
    sent: DeliveryRequest = NOTHING_SENT,
    payment: PaymentChoice = NO_PAYMENT,
) -> tuple[str, bool]:
    """Turn an open cart into an order; take the stock of all lines or of none.

    `expected_total` is in minor units, `shown_lines` is the `digest_lines` of the lines that the shopper's page showed.
    Returns the order's id and whether it is new: the same cart, or the same idempotency key, returns the same order.
    Raises `NotFound`, `CartEmpty`, `CartChanged`, `PriceChanged`, `OutOfStock`, `PaymentUnavailable`, or `Invalid` for
    a key that was used with another request, for what is missing or invalid of the delivery, and for a choice of
    payment; nothing is changed then.
    """
    delivery = check_delivery(tenant, sent)
    request_fingerprint = fingerprint(cart_id, buyer, expected_total, sent.fingerprint() or payment.chosen or "")
    for attempt in range(MAX_ATTEMPTS):
        try:
            with write(durable=True):
                placed = _place_order_in_transaction(
                    *(tenant, cart_id, buyer, delivery, expected_total, idempotency_key, request_fingerprint),
                    *(shown_lines, payment),
                )
        except IntegrityError:
            if attempt == MAX_ATTEMPTS - 1:
                raise
        else:
            orders_changed.send()
            return placed
    raise AssertionError("unreachable")


def _place_order_in_transaction(
    tenant: TenantSettings,
    cart_id: str,
    buyer: Buyer,
    delivery: Delivery,
    expected_total: int | None,
    key: str | None,
    request_fingerprint: str,
    shown_lines: str | None,
    payment: PaymentChoice,
) -> tuple[str, bool]:
    if key and (earlier := find_order_by_idempotency_key(key)):
        check_same_request(earlier.fingerprint, request_fingerprint)
        return earlier.id, False
    cart = claim(cart_id)
    if cart is None:
        if not is_id(cart_id) or (earlier := find_order_of_cart(cart_id)) is None:
            raise NotFound(_("We couldn't find this cart."))
        return earlier.id, False
    taken = sorted(reserve_stock(cart_id, shown_lines), key=lambda line: line.position)
    check_weight(delivery.method, sum((line.weight or 0) * line.quantity for line in taken))
    given = [line.price_line for line in taken]
    price, counted = price_order(tenant, given, cart.promo_code, delivery.destination, buyer.email)
    check_price(tenant, price, expected_total)
    method = payment.method_for(price.total)
    order = new_order_row(tenant, cart, buyer, price, key, request_fingerprint) | delivery_columns(delivery)
    order |= payment_columns(method)
    insert_rows(Order, [order])
    if method is not None:
        insert_rows(Payment, [payment_row(payment, method, order, now())])
    record_promotion(counted, buyer.email, order["id"])
    insert_rows(OrderSearchKey, search_key_rows(order["position"], buyer.email, buyer.name))
    first, priced = new_id(), zip(taken, price.lines, strict=True)
    insert_rows(OrderLine, [line.row(order["id"], first + i, paid) for i, (line, paid) in enumerate(priced)])
    if method not in ONLINE_METHODS:
        queue_mail(MailKind.ORDER_PLACED, buyer.email, shopper_language(), order["id"])
    stock = [stock_event(line.product_id, line.variant_id, line.stock_left) for line in taken]
    record_events([(EventType.ORDER_PLACED, order["id"], {"number": order["number"], "total": price.total}), *stock])
    return order["id"], True


def new_order_row(
    tenant: TenantSettings, cart: Any, buyer: Buyer, price: Price, key: str | None, request_fingerprint: str
) -> dict[str, Any]:
    """The row of a new order of this cart, with an id and a number of its own. `key` is its idempotency key."""
    return {
        "id": new_token(),
        "number": new_order_number(),
        "cart_id": cart.id,
        "shopper": cart.shopper,
        "status": OrderStatus.PLACED,
        "email": buyer.email,
        "name": buyer.name,
        "language": shopper_language(),
        "currency": tenant.currency,
        **price_columns(price),
        "idempotency_key": key,
        "fingerprint": request_fingerprint if key else None,
        "created_at": now(),
        "position": new_id(),
    }


def delivery_columns(delivery: Delivery) -> dict[str, Any]:
    """Return what an order stores of its delivery, the method's name in the shopper's language."""
    method = delivery.method
    return {
        "address": delivery.address.stored() if delivery.address else None,
        "shipping_method": method.id if method else None,
        "shipping_name": str(method.localized_name()) if method else None,
        "vat_id": delivery.vat_id,
    }


carts, lines, products = table_of(Cart), table_of(CartLine), table_of(Product)
MARK_CART_ORDERED = tenant_scoped(
    update(carts)
    .where(carts.c.id == bindparam("cart"), IS_OPEN)
    .values(status=CartStatus.ORDERED, updated_at=bindparam("now"))
    .returning(carts.c.id, carts.c.promo_code, carts.c.shopper)
)
SELECT_CART_LINES = tenant_scoped(
    select(
        lines.c.product_id,
        lines.c.variant_id,
        lines.c.quantity,
        lines.c.from_upsell,
        lines.c.position,
        *(products.c[name] for name in ("name", "name_translations", "image", "options", "options_translations")),
        products.c.tax_class,
        products.c.weight,
    )
    .join(products, (products.c.tenant_id == lines.c.tenant_id) & (products.c.id == lines.c.product_id))
    .where(lines.c.cart_id == bindparam("cart"))
)


def claim(cart_id: str) -> Any:
    """Mark an open cart as ordered, which succeeds once. Return its id, promo code and shopper, or None."""
    return execute(MARK_CART_ORDERED, {"cart": cart_id, "now": now()}).one_or_none() if is_id(cart_id) else None


@dataclass(frozen=True)
class ReservedLine:
    """A line whose stock has been taken, with the variant's price while its row is locked, and its name and options in
    the shopper's language."""

    product_id: str
    variant_id: str
    quantity: int
    from_upsell: bool
    position: int
    name: str
    options: list[dict[str, str]] | None
    image: str
    unit_price: int
    stock_left: int
    tax_class: str | None
    weight: int | None

    @property
    def price_line(self) -> PriceLine:
        return PriceLine(self.unit_price, self.quantity, self.tax_class, self.weight)

    def row(self, order_id: str, position: int, paid: LinePrice) -> dict[str, Any]:
        """Return the values of the order line."""
        return {
            "order_id": order_id,
            "product_id": self.product_id,
            "variant_id": self.variant_id,
            "position": position,
            "name": str(self.name),
            "language": language_of(self.name) or shopper_language(),
            "options": self.options,
            "image": self.image,
            "from_upsell": self.from_upsell,
            **line_columns(paid),
        }


def reserve_stock(cart_id: str, shown_lines: str | None) -> list[ReservedLine]:
    """Take the stock of every line. Raises `CartEmpty`, `CartChanged`, or `OutOfStock` with each line that exceeds its
    stock."""
    wanted = sorted(
        execute(SELECT_CART_LINES, {"cart": cart_id}).all(), key=lambda line: (line.product_id, line.variant_id)
    )
    check_not_empty(wanted)
    check_lines(digest_lines((line.variant_id, line.quantity) for line in wanted), shown_lines)
    taken = take_stock([StockChange(line.product_id, line.variant_id, line.quantity) for line in wanted], now())
    if short := [line for line, variant in zip(wanted, taken, strict=True) if variant is None]:
        raise OutOfStock(shortages(short))
    languages = shopper_languages()
    return [reserved_line(line, variant, languages) for line, variant in zip(wanted, taken, strict=True)]


def shortages(short: Sequence[Any]) -> list[Shortage]:
    """Return what is left of each variant; nothing of one that is no longer sold."""
    ids = [line.variant_id for line in short]
    active = Variant.status == VariantStatus.ACTIVE
    left = dict(db.session.execute(select(Variant.id, Variant.stock).where(Variant.id.in_(ids), active)).all())
    return [Shortage(line.product_id, line.variant_id, line.quantity, left.get(line.variant_id, 0)) for line in short]


def reserved_line(line: Any, variant: Any, languages: tuple[str, ...]) -> ReservedLine:
    return ReservedLine(
        product_id=line.product_id,
        variant_id=line.variant_id,
        quantity=line.quantity,
        from_upsell=line.from_upsell,
        position=line.position,
        name=localize(line.name, line.name_translations, languages),
        options=chosen_options(line.options, line.options_translations, variant.options, languages),
        image=variant.image or line.image,
        unit_price=variant.price,
        stock_left=variant.stock,
        tax_class=line.tax_class,
        weight=line.weight,
    )
