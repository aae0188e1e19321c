"""What the staff do with an order: fulfil it, cancel it, correct its tracking number, and note something.

Each change of status happens once: of several at the same time, one changes the row, and the others find it changed."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import and_, bindparam, or_, update

from storefront.catalog.stock import StockChange, restore_stock, stock_event
from storefront.clock import now
from storefront.db.base import table_of
from storefront.db.tenancy import execute, insert_rows, tenant_scoped
from storefront.db.transactions import write
from storefront.errors import WrongState
from storefront.events.actions import Change, NewEvent, record_events
from storefront.events.actors import current_actor
from storefront.events.models import EventType
from storefront.i18n.gettext import _
from storefront.ids import is_id, new_id
from storefront.mail.kinds import MailKind
from storefront.orders.fulfilment_validation import Shipment, check_note, check_reason
from storefront.orders.mails import mail_buyer
from storefront.orders.models import Order, OrderNote, OrderStatus
from storefront.orders.payment_changes import stop_waiting
from storefront.orders.payment_choice import ONLINE_METHODS
from storefront.orders.payment_models import PaymentStatus
from storefront.orders.queries import OrderView, load_order
from storefront.orders.refund_queries import restocked_of
from storefront.orders.sales import forget_sales
from storefront.promotions.actions import give_back_use
from storefront.signals import order_with_payment_cancelled, orders_changed, refund_due

orders = table_of(Order)
IS_SHIPPABLE = or_(orders.c.payment_status != PaymentStatus.PENDING, orders.c.payment_method.not_in([*ONLINE_METHODS]))
"""An order that waits for an online payment may be cancelled any minute."""
IS_TO_SHIP = and_(orders.c.status == OrderStatus.PLACED, IS_SHIPPABLE, orders.c.withdrawn_at.is_(None))
"""As `OrderView.is_to_ship`. Staff may still ship an order whose buyer has withdrawn, but nothing asks them to."""
placed_order = update(orders).where(orders.c.id == bindparam("order"), orders.c.status == OrderStatus.PLACED)
FULFIL_ORDER = tenant_scoped(
    placed_order.where(IS_SHIPPABLE).values(
        status=OrderStatus.FULFILLED,
        carrier=bindparam("carrier"),
        tracking=bindparam("tracking"),
        fulfilled_at=bindparam("now"),
    )
)
CANCEL_ORDER = tenant_scoped(
    placed_order.values(
        status=OrderStatus.CANCELLED, cancelled_at=bindparam("now"), cancel_reason=bindparam("cancel_reason")
    )
)
CHANGE_TRACKING = tenant_scoped(
    update(orders)
    .where(orders.c.id == bindparam("order"), orders.c.status == OrderStatus.FULFILLED)
    .values(carrier=bindparam("carrier"), tracking=bindparam("tracking"))
)


def fulfil_order(order_id: str, shipment: Shipment) -> None:
    """Mark an order as shipped. Again changes nothing, not even the tracking number.

    Raises `NotFound`, or `WrongState` if it was cancelled or waits for an online payment.
    """
    with write(durable=True):
        if not changes_status(FULFIL_ORDER, order_id, **shipment.members()):
            check_is_shipped(order_id)
            return
        mail_buyer(MailKind.ORDER_SHIPPED, load_order(order_id))
        after = {"status": OrderStatus.FULFILLED, **shipment.members()}
        record_events([Change(EventType.ORDER_FULFILLED, order_id, {}, {"status": OrderStatus.PLACED}, after)])


def cancel_order(order_id: str, reason: str = "", restock: bool = True) -> None:
    """Cancel an order and return its stock, unless `restock` is false. Again changes nothing.

    Raises `NotFound`, `Invalid`, or `WrongState` if it has been shipped.
    """
    reason = check_reason(reason)
    with write(durable=True):
        order = cancel_placed_order(order_id, reason, restock)
        if order is None:
            shipped = _("This order has already been shipped and can't be cancelled.")
            check_status(order_id, OrderStatus.CANCELLED, shipped)
            return
        if not order.waits_for_buyer:
            mail_buyer(MailKind.ORDER_CANCELLED, order)
        if order.payment is not None:
            stop_waiting(order.payment)
        if order.payment is not None and order.payment.paid:
            refund_due.send(order=order)
    orders_changed.send()
    if order.payment is not None:
        order_with_payment_cancelled.send(order_id=order_id)


def cancel_placed_order(
    order_id: str, reason: str = "", restock: bool = True, also: Sequence[NewEvent] = ()
) -> OrderView | None:
    """Cancel an order and return its stock, inside `write()`, with these events besides. Return the order as it was;
    None if it wasn't placed."""
    if not changes_status(CANCEL_ORDER, order_id, cancel_reason=reason or None):
        return None
    order = load_order(order_id)
    stock = returned_stock(order) if restock else []
    if order.price.applied_code:
        give_back_use(order_id)
    change = ({"status": OrderStatus.PLACED}, {"status": OrderStatus.CANCELLED})
    cancelled = Change(EventType.ORDER_CANCELLED, order_id, {"restocked": restock}, *change)
    record_events([*also, cancelled, *stock])
    forget_sales([order.created_at])
    return order


def changes_status(statement: Any, order_id: str, **values: Any) -> bool:
    """Whether this order was placed, and so the statement has changed it."""
    return is_id(order_id) and execute(statement, {"order": order_id, "now": now(), **values}).rowcount == 1


def check_status(order_id: str, wanted: OrderStatus, refusal: str) -> None:
    """Raises `NotFound`, or `WrongState` unless the order has this status already."""
    if load_order(order_id).status != wanted:
        raise WrongState(refusal)


def check_is_shipped(order_id: str) -> None:
    """Raises `NotFound`, or `WrongState` unless the order has been shipped already."""
    if load_order(order_id).status == OrderStatus.PLACED:
        raise WrongState(_("This order hasn't been paid yet and can't be shipped."))
    check_status(order_id, OrderStatus.FULFILLED, _("This order was cancelled and can't be shipped."))


def returned_stock(order: OrderView) -> list[NewEvent]:
    """Return the order's stock, but for what refunds have returned, inside `write()`. Return the events about it."""
    already = restocked_of(order.refunds)
    returned = sorted(
        StockChange(line.product_id, line.variant_id, line.quantity - already[line.variant_id])
        for line in order.lines
        if line.quantity > already[line.variant_id]
    )
    left = zip(returned, restore_stock(returned, now()), strict=True)
    return [stock_event(line.product_id, line.variant_id, stock_left) for line, stock_left in left]


def change_tracking(order_id: str, shipment: Shipment) -> None:
    """Correct the carrier and tracking number of a shipped order. Raises `NotFound`, or `WrongState` if it wasn't
    shipped."""
    with write():
        before = load_order(order_id).shipment
        if execute(CHANGE_TRACKING, {"order": order_id, **shipment.members()}).rowcount == 0:
            raise WrongState(_("This order hasn't been shipped."))
        if shipment != before:
            change = (before.members(), shipment.members())
            record_events([Change(EventType.ORDER_TRACKING_CHANGED, order_id, {}, *change)])


def add_note(order_id: str, text: str) -> None:
    """Add a note of the person who acts. Raises `NotFound` or `Invalid`."""
    text = check_note(text)
    with write():
        load_order(order_id)
        note = {"id": new_id(), "order_id": order_id, "text": text, "author": current_actor().name, "created_at": now()}
        insert_rows(OrderNote, [note])
        record_events([Change(EventType.ORDER_NOTED, order_id)])
