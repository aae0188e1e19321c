"""A payment that arrives for an order that was cancelled meanwhile is paid back: the stock may have been sold again."""

import logging

from storefront.clock import now
from storefront.db.transactions import write
from storefront.events.actions import Change, record_events
from storefront.events.models import EventType
from storefront.orders.payment_changes import change_payment, lock_payment
from storefront.orders.payment_models import PaymentStatus
from storefront.orders.payment_queries import find_payment
from storefront.payments.provider import ProviderRejected, ProviderUnavailable, RefundStatus
from storefront.payments.providers import provider_of

log = logging.getLogger("storefront.payments")


def refund_late_payment(order_id: str) -> None:
    """Pay a late payment back, which is one that is paid and still to be checked. Raises `ProviderUnavailable`."""
    payment = find_payment(order_id)
    if payment is None or payment.status != PaymentStatus.PAID or payment.next_check_at is None:
        return
    try:
        refund = provider_of(payment.method).refund(payment, payment.paid, f"late-{order_id}-{payment.attempt}")
        has_failed = refund.status == RefundStatus.FAILED
    except ProviderRejected as refusal:
        has_failed = str(refusal) != "charge_already_refunded"
    except ProviderUnavailable as fault:
        if fault.is_stored:
            with write():
                change_payment(order_id, attempt=payment.attempt + 1)
        raise
    if has_failed:
        log.error("order %s: the late payment couldn't be paid back; do it in the provider's dashboard", order_id)
    record_refund(order_id, has_failed)


def record_refund(order_id: str, has_failed: bool) -> None:
    with write(durable=True):
        locked = lock_payment(order_id)
        if locked is None or locked[1].status != PaymentStatus.PAID:
            return
        payment = locked[1]
        if has_failed:
            change_payment(order_id, next_check_at=None)
            return
        change_payment(order_id, status=PaymentStatus.REFUNDED, refunded=payment.paid, next_check_at=None)
        change = ({"payment": payment.status}, {"payment": PaymentStatus.REFUNDED})
        data = {"amount": payment.paid, "late": True, "at": now().isoformat()}
        record_events([Change(EventType.ORDER_REFUNDED, order_id, data, *change)])
