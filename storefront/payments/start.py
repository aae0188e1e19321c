"""Starting an online payment: the provider's page is opened after the order is committed, outside of any transaction.

When the provider doesn't answer, the order stays as it is, and the shopper starts again from its page: the same
idempotency key leads to the same page, so nobody pays twice."""

import logging
from dataclasses import replace

from sqlalchemy import bindparam, update

from storefront.clock import now
from storefront.db.tenancy import execute, tenant_scoped
from storefront.db.transactions import write
from storefront.orders.payment_models import PaymentStatus
from storefront.orders.payment_queries import PaymentView, find_payment, payments
from storefront.orders.queries import load_order
from storefront.payments.provider import ProviderRejected, ProviderUnavailable, StartedPayment
from storefront.payments.providers import provider_of
from storefront.payments.settlement import give_up

log = logging.getLogger("storefront.payments")
this_payment = update(payments).where(payments.c.order_id == bindparam("order"))
STORE_SESSION = tenant_scoped(
    this_payment.where(payments.c.session_id.is_(None))
    .values(session_id=bindparam("session"), url=bindparam("page"))
    .returning(payments.c.status)
)
CHECK_NOW = tenant_scoped(this_payment.values(url=None, next_check_at=bindparam("now")))
NEXT_ATTEMPT = tenant_scoped(
    this_payment.where(payments.c.attempt == bindparam("seen")).values(attempt=payments.c.attempt + 1)
)


def start_payment(order_id: str) -> str | None:
    """Return the provider's page on which the buyer pays; None if there is nothing to pay there, or not any more.

    Raises `ProviderUnavailable`: the payment is still pending. If the provider refuses it for good, the payment has
    failed, and the cart is open again.
    """
    payment = find_payment(order_id)
    if payment is None or not payment.is_pending or payment.is_expired or payment.next_check_at is None:
        return None
    if payment.session_id is not None:
        return payment.url
    try:
        started = provider_of(payment.method).start(payment, load_order(order_id))
    except ProviderRejected as refusal:
        give_up(order_id, PaymentStatus.FAILED, reason=str(refusal))
        return None
    except ProviderUnavailable as fault:
        if fault.is_stored:
            next_attempt(payment)
        raise
    return store(payment, started) if started else None


def store(payment: PaymentView, started: StartedPayment) -> str | None:
    """Store the page. Return its URL, unless the order was given up meanwhile; then the page is closed by the next
    check. If another request has stored its page, return the URL of that one."""
    with write(durable=True):
        values = {"order": payment.order_id, "session": started.session_id, "page": started.url}
        status = execute(STORE_SESSION, values).scalar_one_or_none()
        if status not in (None, PaymentStatus.PENDING):
            execute(CHECK_NOW, {"order": payment.order_id, "now": now()})
            return None
    return started.url if status else stored_page(payment.order_id, started)


def stored_page(order_id: str, lost: StartedPayment) -> str | None:
    """Return the URL of the page that another request has stored. Usually it is the same one. Otherwise the one that
    lost is closed, so that nobody pays twice: nobody has seen it yet."""
    stored = find_payment(order_id)
    if stored is not None and stored.session_id != lost.session_id:
        try:
            provider_of(stored.method).confirm(replace(stored, session_id=lost.session_id), close=True)
        except (ProviderRejected, ProviderUnavailable) as fault:
            log.warning("order %s: a second payment page wasn't closed: %s", order_id, fault)
    return stored.url if stored is not None else None


def next_attempt(payment: PaymentView) -> None:
    with write():
        execute(NEXT_ATTEMPT, {"order": payment.order_id, "seen": payment.attempt})
