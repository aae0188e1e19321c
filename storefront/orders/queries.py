"""Reads of orders."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    bindparam,
    select,
)

from storefront.db.base import db, table_of
from storefront.db.tenancy import execute, tenant_scoped
from storefront.errors import NotFound
from storefront.i18n.content import with_language
from storefront.i18n.gettext import _
from storefront.ids import is_id
from storefront.orders.fulfilment_validation import Shipment
from storefront.orders.models import Order, OrderLine, OrderNote, OrderStatus
from storefront.orders.payment_choice import ONLINE_METHODS
from storefront.orders.payment_models import PaymentMethod, PaymentStatus
from storefront.orders.payment_queries import PaymentView, find_payment
from storefront.orders.refund_models import RefundStatus
from storefront.orders.refund_queries import RefundView, refunds_of
from storefront.pricing.price import Price, TaxLine


@dataclass(frozen=True)
class OrderLineView:
    """A quantity of a variant at the price that was paid, in minor units; `options` are `[{"name", "value"}]`."""

    product_id: str
    variant_id: str
    name: str
    language: str | None
    options: list[dict[str, str]] | None
    image: str
    unit_price: int
    quantity: int
    from_upsell: bool
    discount: int
    tax: int
    """The line's parts of the order's discount and tax."""
    tax_rate: str | None
    """In per cent."""

    @property
    def line_total(self) -> int:
        return self.unit_price * self.quantity

    @property
    def tax_percent(self) -> Decimal | None:
        return None if self.tax_rate is None else Decimal(self.tax_rate)

    @property
    def option_values(self) -> list[str]:
        return [option["value"] for option in self.options or ()]

    @property
    def localized_name(self) -> str:
        """The name, marked with its language if that isn't the page's."""
        return with_language(self.name, self.language)


@dataclass(frozen=True)
class OrderView:
    """An order as displayed; `price` has the steps of the price that was paid."""

    id: str
    number: str
    cart_id: str
    shopper: str
    status: str
    email: str
    name: str
    language: str | None
    currency: str
    created_at: datetime
    position: int
    carrier: str | None
    tracking: str | None
    fulfilled_at: datetime | None
    cancelled_at: datetime | None
    cancel_reason: str | None
    address: dict[str, str] | None
    shipping_method: str | None
    shipping_name: str | None
    vat_id: str | None
    payment_method: str | None
    payment_status: str
    withdrawn_at: datetime | None
    withdrawal_statement: str | None
    price: Price
    lines: list[OrderLineView]
    payment: PaymentView | None
    refunds: list[RefundView]

    @property
    def shipment(self) -> Shipment:
        return Shipment(self.carrier, self.tracking)

    @property
    def waits_for_payment(self) -> bool:
        """Whether it is kept for a buyer who has yet to pay online, and so mustn't be shipped."""
        return self.payment_status == PaymentStatus.PENDING and self.payment_method in ONLINE_METHODS

    @property
    def waits_for_buyer(self) -> bool:
        """Whether its buyer hasn't paid on the provider's page yet. They have had no mail about it."""
        return self.waits_for_payment and self.payment is not None and self.payment.expires_at is not None

    @property
    def is_to_ship(self) -> bool:
        return self.status == OrderStatus.PLACED and not self.waits_for_payment and self.withdrawn_at is None

    @property
    def is_pickup(self) -> bool:
        """Whether the buyer comes for it. Every other shipping method needs an address."""
        return self.shipping_method is not None and self.address is None

    @property
    def awaits_transfer(self) -> bool:
        return self.payment_status == PaymentStatus.PENDING and self.payment_method == PaymentMethod.BANK_TRANSFER

    @property
    def was_given_up(self) -> bool:
        """Whether it was cancelled because it wasn't paid. Its cart is open again, so the order has another one."""
        return self.payment is not None and self.payment.cart_id != self.cart_id

    @property
    def has_pending_refund(self) -> bool:
        return any(refund.is_pending for refund in self.refunds)

    @property
    def has_failed_refund(self) -> bool:
        """Whether the last refund has failed, so that staff have to look at it."""
        return bool(self.refunds) and self.refunds[-1].status == RefundStatus.FAILED

    @property
    def item_count(self) -> int:
        return sum(line.quantity for line in self.lines)


orders, order_lines = table_of(Order), table_of(OrderLine)
ORDER_COLUMNS = (
    *(
        "id",
        "number",
        "cart_id",
        "shopper",
        "status",
        "email",
        "name",
        "language",
        "currency",
        "created_at",
        "position",
    ),
    *("carrier", "tracking", "fulfilled_at", "cancelled_at", "cancel_reason", "payment_method", "payment_status"),
    *("address", "shipping_method", "shipping_name", "vat_id", "withdrawn_at", "withdrawal_statement"),
)
PRICE_COLUMNS = (
    *("subtotal", "discount", "shipping", "shipping_tax", "tax", "total", "tax_included", "promo_code", "tax_rate"),
    *("tax_lines", "reverse_charge"),
)
LINE_COLUMNS = [field.name for field in fields(OrderLineView)]
SELECT_ORDER_WITH_LINES = tenant_scoped(
    select(*(orders.c[name] for name in ORDER_COLUMNS + PRICE_COLUMNS), *(order_lines.c[name] for name in LINE_COLUMNS))
    .join(
        order_lines,
        (order_lines.c.tenant_id == orders.c.tenant_id) & (order_lines.c.order_id == orders.c.id),
    )
    .where(orders.c.id == bindparam("id"))
    .order_by(order_lines.c.position)
)


def load_order(order_id: str) -> OrderView:
    """Return the order with its lines, at least one. Raises `NotFound`."""
    rows = execute(SELECT_ORDER_WITH_LINES, {"id": order_id}).all() if is_id(order_id) else []
    if not rows:
        raise NotFound(_("We couldn't find this order."))
    lines = [OrderLineView(**{name: row._mapping[order_lines.c[name]] for name in LINE_COLUMNS}) for row in rows]
    row = rows[0]._mapping
    payment = find_payment(order_id) if row[orders.c.payment_method] else None
    refunds = refunds_of([order_id]).get(order_id, []) if payment and payment.paid else []
    return order_view(row, lines, payment, refunds)


def order_view(
    row: Mapping[Any, Any], lines: list[OrderLineView], payment: PaymentView | None, refunds: list[RefundView]
) -> OrderView:
    """Return an order from a row with the columns of `orders`."""
    paid = {name: row[orders.c[name]] for name in PRICE_COLUMNS}
    rate, stored = paid.pop("tax_rate"), paid.pop("tax_lines")
    price = Price(
        **paid,
        applied_code=paid["promo_code"],
        tax_rate=Decimal(rate) if rate else None,
        tax_lines=tuple(map(TaxLine.of, stored or tax_of_one_rate(paid, rate))),
    )
    own = {name: row[orders.c[name]] for name in ORDER_COLUMNS}
    return OrderView(**own, price=price, lines=lines, payment=payment, refunds=refunds)


def tax_of_one_rate(paid: Mapping[str, Any], rate: str | None) -> list[dict[str, Any]]:
    """Return the tax line of an order of an earlier version, which stored none and had one rate."""
    if not rate or not paid["tax"]:
        return []
    return [{"rate": rate, "base": paid["total"] - paid["tax"], "amount": paid["tax"]}]


def notes_of(order_id: str) -> list[OrderNote]:
    """Return the staff's notes about an order, the latest first."""
    found = select(OrderNote).where(OrderNote.order_id == order_id).order_by(OrderNote.id.desc())
    return list(db.session.scalars(found))


def find_order_of_cart(cart_id: str) -> Order | None:
    return db.session.scalar(select(Order).where(Order.cart_id == cart_id))


def find_order_by_idempotency_key(idempotency_key: str) -> Order | None:
    return db.session.scalar(select(Order).where(Order.idempotency_key == idempotency_key))


def find_order_id(number: str) -> str | None:
    """Return the id of the order with this number, whatever the case of its letters."""
    return db.session.scalar(select(Order.id).where(Order.number == number.upper()))
