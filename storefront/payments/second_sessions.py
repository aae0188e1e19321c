"""A payment page besides the one that is stored, which a webhook names: two requests have started the payment at once,
and the provider had answered one of them with an error. The one that lost is closed (`start.py`); but if somebody has
paid on it, that counts."""

import logging
from dataclasses import replace

from storefront.db.transactions import write
from storefront.events.actions import Change, record_events
from storefront.events.models import EventType
from storefront.events.queries import events_of
from storefront.orders.payment_queries import PaymentView, find_payment
from storefront.payments.provider import Phase, ProviderRejected, ProviderState
from storefront.payments.providers import provider_of
from storefront.payments.settlement import apply_paid, settle_payment

MAX_EVENTS = 100
"""Of an order, among which its second payments are looked for."""
log = logging.getLogger("storefront.payments")


def settle_session(order_id: str, session_id: str | None) -> None:
    """Settle the payment of which a webhook names this session. Raises `ProviderUnavailable` and `ProviderRejected`."""
    payment = find_payment(order_id)
    if payment and session_id and payment.session_id not in (None, session_id):
        settle_second_session(payment, session_id)
    settle_payment(order_id, session_id)


def settle_second_session(payment: PaymentView, session_id: str) -> None:
    """If the session was paid, it pays the order, or is paid back if another one has paid that. It is closed
    otherwise."""
    provider = provider_of(payment.method)
    state = provider.confirm(replace(payment, session_id=session_id), close=True)
    if state.order_id != payment.order_id:
        log.warning("a webhook names a session of another order")
        return
    if state.phase != Phase.PAID:
        return
    if not payment.paid and not payment.has_other_amount:
        first = provider.confirm(payment, close=True)
        apply_paid(payment.order_id, first if first.phase == Phase.PAID else state)
        payment = find_payment(payment.order_id) or payment
    if payment.session_id != session_id:
        pay_back_second(payment, state)


def pay_back_second(payment: PaymentView, state: ProviderState) -> None:
    """Pay back what was paid for an order besides its payment, once, and tell staff. It was never the shop's revenue,
    so there is no credit note."""
    order_id, session_id = payment.order_id, state.session_id
    if any(event.data.get("session") == session_id for event in events_of(order_id, MAX_EVENTS)):
        return
    second = replace(payment, session_id=session_id, intent_id=state.intent_id, currency=state.currency)
    try:
        provider_of(payment.method).refund(second, state.amount, f"second-{session_id}")
        is_refunded = True
    except ProviderRejected as refusal:
        log.error("order %s was paid twice, and the second payment can't be paid back: %s", order_id, refusal)
        is_refunded = False
    data = {"amount": state.amount, "currency": state.currency, "session": session_id, "refunded": is_refunded}
    with write(durable=True):
        record_events([Change(EventType.PAYMENT_REPEATED, order_id, data)])
