"""What the page of an order shows of its payment. Its template asks for it, as `orders` doesn't know this package."""

from dataclasses import dataclass

from flask import Flask, g

from storefront.events.models import EventType
from storefront.events.queries import events_of
from storefront.events.sse_format import order_digest
from storefront.i18n.gettext import _
from storefront.orders.payment_models import PaymentStatus
from storefront.orders.queries import OrderView
from storefront.payments.pages import is_own
from storefront.payments.providers import payment_pages
from storefront.payments.settings import load_settings
from storefront.payments.words import METHOD_NAMES, STATUS_NAMES, refusal_text

MAX_EVENTS = 20
"""Of an order whose payment was refused: it was placed and cancelled, and mails may have been sent again."""


@dataclass(frozen=True)
class OrderPaymentDetails:
    """`method`, `status` and `refusal` are in words, empty if there is nothing to say; `refusal` is why the provider
    didn't take the payment. `is_own` says whether this browser has ordered."""

    method: str
    status: str
    refusal: str
    bank_account: str
    is_own: bool


def init_app(app: Flask) -> None:
    app.jinja_env.globals.update(payment_details=payment_details, order_digest=order_digest)


def payment_details(order: OrderView) -> OrderPaymentDetails:
    """Return what to show of an order with a payment."""
    if order.waits_for_payment:
        g.form_origin = payment_pages()  # the form that starts the payment leads there
    return OrderPaymentDetails(
        method=_(METHOD_NAMES[str(order.payment_method)]),
        status=status_of(order),
        refusal=refusal_of(order),
        bank_account=bank_account_for(order),
        is_own=is_own(order),
    )


def status_of(order: OrderView) -> str:
    """Return the status of the payment in words; empty if there is nothing to say."""
    if order.waits_for_payment and not order.waits_for_buyer:
        return _("Being processed")
    status = STATUS_NAMES.get(order.payment_status, "")
    return _(status) if status else ""


def refusal_of(order: OrderView) -> str:
    """Return why the provider refused the payment of an order, in words; empty if it didn't."""
    if order.payment_status != PaymentStatus.FAILED:
        return ""
    events = events_of(order.id, MAX_EVENTS)
    reasons = [event.data.get("reason") for event in events if event.type == EventType.PAYMENT_FAILED]
    return refusal_text(reasons[0]) if reasons and reasons[0] else ""


def bank_account_for(order: OrderView) -> str:
    """Return the account to which the buyer is to transfer the money, in lines; empty if none is awaited."""
    return load_settings().bank_account if order.awaits_transfer else ""
