"""Refunding an order.

A refund is committed as `pending` with what it is for; the payment provider is asked afterwards, outside of any
transaction, under the refund's id, so that asking again pays back once. Then it has succeeded or failed. A refund that
waits, because the provider doesn't answer or the process was killed, is continued by a job (`jobs.py`)."""

import logging
from dataclasses import replace
from datetime import datetime, timedelta

from storefront.clock import now
from storefront.db.transactions import write
from storefront.errors import FieldError, Invalid
from storefront.i18n.formatting import format_money
from storefront.i18n.gettext import _
from storefront.orders.fulfilment_validation import check_reason
from storefront.orders.payment_changes import lock_payment
from storefront.orders.payment_models import PaymentMethod
from storefront.orders.payment_queries import PaymentView, find_payment
from storefront.orders.queries import OrderView, load_order
from storefront.orders.refund_queries import RefundView, find_refund, load_refund
from storefront.orders.validation import check_same_request
from storefront.payments.provider import ProviderRefund, ProviderRejected, ProviderUnavailable, RefundStatus
from storefront.payments.providers import provider_of
from storefront.payments.stripe_amounts import to_stripe
from storefront.refunds.calculator import RefundRequest, calculate_refund, rest_of
from storefront.refunds.changes import (
    add_refund,
    change_refund,
    fail_refund,
    fingerprint_of,
    finish_refund,
    may_restock,
    paid_order,
    postpone_refund,
)

KEY_LIFETIME = timedelta(hours=12)
"""How long a provider certainly repeats its answer for an idempotency key; Stripe does for 24 hours."""
UNKNOWN_AT_PROVIDER = "resource_missing"
"""The provider's code for a payment that the shop's key doesn't show: one of another account."""
MIN_PAUSE, MAX_PAUSE = timedelta(minutes=1), timedelta(hours=6)
log = logging.getLogger("storefront.refunds")


def refund_order(order_id: str, wanted: RefundRequest, refund_id: str) -> RefundView:
    """Refund a part of an order or all of it. The same id again is the same refund.

    Returns the refund, which is pending if the provider doesn't answer now. Raises `NotFound`, and `Invalid` for what
    can't be refunded, or for an id that was used with another request; nothing is changed then.
    """
    wanted = replace(wanted, reason=check_reason(wanted.reason))
    load_order(order_id)
    with write(durable=True):
        locked = lock_payment(order_id)
        earlier = find_refund(refund_id)
        if earlier is not None:
            check_same_request(earlier.fingerprint, fingerprint_of(order_id, wanted))
        else:
            if locked is None or not locked[1].paid:
                raise Invalid(FieldError("amount", nothing_paid(locked[1] if locked else None)))
            order = load_order(order_id)
            allowed = wanted if may_restock(order) else replace(wanted, restock=False)
            calculated = calculate_refund(paid_order(order, locked[1]), allowed)
            check_amount(locked[1].method, calculated.amount, order.currency)
            add_refund(refund_id, order, calculated, wanted)
    pay_back(refund_id)
    return load_refund(refund_id)


def nothing_paid(payment: PaymentView | None) -> str:
    if payment is None:
        return _("Nothing was paid for this order through the shop, so it can't be refunded here.")
    return _("This order hasn't been paid yet. Mark it as paid before you refund it.")


def check_amount(method: str, amount: int, currency: str) -> None:
    """Raises `Invalid` if the payment provider can't pay back exactly this amount."""
    if method != PaymentMethod.STRIPE:
        return
    try:
        to_stripe(amount, currency)
    except ValueError:
        shown = format_money(amount, currency)
        message = _("Stripe can't refund %(amount)s. Enter an amount whose last decimal is 0.", amount=shown)
        raise Invalid(FieldError("amount", message)) from None


def refund_rest(order: OrderView, payment: PaymentView, refund_id: str) -> None:
    """Write a refund of all that is left of a cancelled order, inside `write()` and behind `lock_payment`. The
    cancellation has dealt with the stock."""
    paid = paid_order(order, payment)
    if paid.available > 0:
        wanted = rest_of(paid)
        add_refund(refund_id, order, calculate_refund(paid, wanted), wanted)


def pay_back(refund_id: str) -> None:
    """Ask the provider for a pending refund, and record its answer. Once the provider has taken it, ask for its state.
    Does nothing for one that is finished.

    Only a refusal to pay back ends it. If the provider doesn't know the payment or doesn't take the key, the shop has
    another account's key, and the money may have gone already: it waits until the provider can be asked again."""
    refund = find_refund(refund_id)
    payment = find_payment(refund.order_id) if refund is not None and refund.is_pending else None
    if refund is None or payment is None:
        return
    try:
        answer = ask_provider(refund, payment)
    except ProviderRejected as refusal:
        apply_answer(refund_id, ProviderRefund(None, RefundStatus.FAILED), str(refusal))
    except ProviderUnavailable as fault:
        wait(refund, fault)
    else:
        apply_answer(refund_id, answer)


def ask_provider(refund: RefundView, payment: PaymentView) -> ProviderRefund:
    """A key repeats its answer, but not for ever, and an error may have come after the money had gone. So the provider
    is first asked what it has done, unless the refund is new."""
    provider = provider_of(payment.method)
    is_new = refund.provider_id is None and refund.attempt == 1 and now() - refund.created_at < KEY_LIFETIME
    try:
        found = None if is_new else provider.find_refund(payment, f"{refund.id}-")
    except ProviderRejected as refusal:
        raise ProviderUnavailable(str(refusal)) from refusal
    try:
        return found or provider.refund(payment, refund.amount, f"{refund.id}-{refund.attempt}")
    except ProviderRejected as refusal:
        if str(refusal) != UNKNOWN_AT_PROVIDER:
            raise
        # The answer is repeated for its key.
        raise ProviderUnavailable(str(refusal), is_stored=True) from refusal


def apply_answer(refund_id: str, answer: ProviderRefund, code: str = "") -> None:
    """Take the step to this state, if the refund is still pending."""
    with write(durable=True):
        refund = find_refund(refund_id)
        locked = lock_payment(refund.order_id) if refund else None
        refund = find_refund(refund_id)  # as it is behind the lock
        if refund is None or locked is None or not refund.is_pending:
            return
        if answer.status == RefundStatus.SUCCEEDED:
            finish_refund(refund, load_order(refund.order_id), locked[1], answer.id)
        elif answer.status == RefundStatus.FAILED:
            log.error("order %s: a refund has failed at the provider: %s", refund.order_id, code)
            fail_refund(refund, code or "failed", answer.id)
        else:
            change_refund(refund_id, provider_id=answer.id, failure=None, next_check_at=next_check(refund))


def wait(refund: RefundView, fault: ProviderUnavailable) -> None:
    attempt = refund.attempt + (1 if fault.is_stored else 0)
    with write():
        postpone_refund(refund, attempt, str(fault), next_check(refund))


def next_check(refund: RefundView) -> datetime:
    """Return when a pending refund is looked at again: in ever longer intervals."""
    return now() + min(max(MIN_PAUSE, now() - refund.created_at), MAX_PAUSE)
