"""Settling a payment: `settle_payment` asks the provider for the current state and applies it once.

The webhook, the buyer's return and the scheduler all call it, in any order, as often as they like and at the same time.
The provider is asked first, outside of any transaction; then the payment's row is locked, and only a step from the
state that it has then is taken. An order is paid, given up or paid back once."""

import logging

from storefront.clock import now
from storefront.db.transactions import write
from storefront.events.actions import Change, record_events
from storefront.events.models import EventType
from storefront.mail.kinds import MailKind
from storefront.orders.fulfilment import cancel_placed_order
from storefront.orders.mails import mail_buyer
from storefront.orders.models import OrderStatus
from storefront.orders.payment_changes import change_payment, lock_payment, reopen_cart
from storefront.orders.payment_models import PaymentStatus
from storefront.orders.payment_queries import PaymentView, find_payment
from storefront.orders.queries import load_order
from storefront.orders.sales import forget_sales
from storefront.payments.provider import Phase, ProviderState
from storefront.payments.providers import provider_of
from storefront.signals import late_payment_received, orders_changed, refund_due

PAYMENT_EVENTS = {PaymentStatus.FAILED: EventType.PAYMENT_FAILED, PaymentStatus.EXPIRED: EventType.PAYMENT_EXPIRED}
log = logging.getLogger("storefront.payments")


def settle_payment(order_id: str, session_id: str | None = None, give_up_now: bool = False) -> None:
    """Bring the payment of an order to the state that the provider has.

    `session_id` is that of a webhook, for a payment whose own isn't stored because the process died. An unpaid order is
    given up when its time is over, or with `give_up_now`. Raises `ProviderUnavailable`; nothing is changed then.
    """
    payment = find_payment(order_id)
    if payment is None or payment.next_check_at is None:
        return
    is_over = give_up_now or payment.is_expired or not payment.is_pending
    if payment.session_id is None and session_id is not None:
        payment = adopt_session(payment, session_id)
    if payment.session_id is None:
        # Nobody has a page to pay on. If one is being opened at this moment, `store` in start.py finds this done.
        if is_over:
            apply_state(order_id, ProviderState(Phase.EXPIRED))
        return
    state = provider_of(payment.method).confirm(payment, close=is_over)
    apply_state(order_id, state)


def adopt_session(payment: PaymentView, session_id: str) -> PaymentView:
    """Return the payment with this session, stored, if the provider says that it is this order's."""
    found = PaymentView(**{**vars(payment), "session_id": session_id})
    if provider_of(payment.method).confirm(found).order_id != payment.order_id:
        log.warning("a webhook names a session of another order")
        return payment
    with write():
        lock_payment(payment.order_id)
        change_payment(payment.order_id, session_id=session_id)
    return found


def apply_state(order_id: str, state: ProviderState) -> None:
    """Take the step to this state, if it is one from the state that the payment has now."""
    if state.phase == Phase.PAID:
        apply_paid(order_id, state)
    elif state.phase == Phase.EXPIRED:
        give_up(order_id, PaymentStatus.EXPIRED)
    elif state.phase == Phase.FAILED:
        give_up(order_id, PaymentStatus.FAILED)
    elif state.phase == Phase.PROCESSING:
        apply_processing(order_id)


def apply_paid(order_id: str, state: ProviderState) -> None:
    """Record the payment. Of an order that was cancelled meanwhile it is paid back, whatever its amount and currency:
    the stock may have been sold again."""
    with write(durable=True):
        locked = lock_payment(order_id)
        if locked is None or locked[1].paid:
            return
        order_status, payment = locked
        is_late = order_status == OrderStatus.CANCELLED
        if (state.amount, state.currency) != (payment.amount, payment.currency) and not is_late:
            leave_to_staff(payment, state)
            return
        change_payment(
            order_id,
            status=PaymentStatus.PAID,
            paid=state.amount,
            session_id=state.session_id,
            intent_id=state.intent_id,
            paid_at=now(),
            url=None,
            next_check_at=None,
        )
        data = {"amount": state.amount, "method": payment.method}
        change = ({"payment": payment.status}, {"payment": PaymentStatus.PAID})
        kind = EventType.PAYMENT_LATE if is_late else EventType.ORDER_PAID
        record_events([Change(kind, order_id, data, *change)])
        if is_late:
            refund_due.send(order=load_order(order_id))
        else:
            mail_buyer(MailKind.ORDER_PAID, load_order(order_id))
            forget_sales([payment.created_at])
    if is_late:
        late_payment_received.send(order_id=order_id)


def leave_to_staff(payment: PaymentView, state: ProviderState) -> None:
    """Leave an order unpaid of which another amount was paid, or in another currency, and ask no more: the provider was
    told the order's, so somebody has to look at it. If they cancel the order, the money is paid back like a late
    payment."""
    if payment.has_other_amount:
        return
    was_paid, expected = f"{state.amount} {state.currency}", f"{payment.amount} {payment.currency}"
    log.error("order %s: %s was paid instead of %s", payment.order_id, was_paid, expected)
    ids = {"session_id": state.session_id, "intent_id": state.intent_id}
    change_payment(payment.order_id, **ids, url=None, expires_at=None, next_check_at=None)
    data = {"amount": state.amount, "currency": state.currency, "expected": payment.amount, "method": payment.method}
    record_events([Change(EventType.PAYMENT_MISMATCH, payment.order_id, data)])


def give_up(order_id: str, status: PaymentStatus, reason: str | None = None) -> None:
    """Cancel an order whose payment has failed or expired: its stock comes back, and its cart is open again. Once.
    `reason` is the provider's code of why it refuses the payment."""
    with write(durable=True):
        locked = lock_payment(order_id)
        if locked is None or locked[1].paid:
            return
        payment = locked[1]
        if not payment.is_pending:
            change_payment(order_id, next_check_at=None, url=None)
            return
        change_payment(order_id, status=status, url=None, next_check_at=None)
        change = ({"payment": payment.status}, {"payment": status})
        data = {"method": payment.method} | ({"reason": reason} if reason else {})
        told = Change(PAYMENT_EVENTS[status], order_id, data, *change)
        order = cancel_placed_order(order_id, also=[told])
        if order is not None:
            reopen_cart(order_id, payment.cart_id)
            if payment.expires_at is None:  # the buyer has done their part, by a slow method that failed
                mail_buyer(MailKind.ORDER_CANCELLED, order)
    orders_changed.send()


def apply_processing(order_id: str) -> None:
    """The buyer has done their part, so the order waits for as long as the slow method takes."""
    with write(durable=True):
        locked = lock_payment(order_id)
        if locked is not None and locked[1].is_pending:
            change_payment(order_id, url=None, expires_at=None)
