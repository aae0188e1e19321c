"""What the page of an order shows of its payment. Its template asks for it, as `orders` doesn't know this package."""

from dataclasses import dataclass

from flask import Flask, g

from storefront.events.sse_format import order_digest
from storefront.i18n.gettext import _
from storefront.orders.payment_models import PaymentMethod
from storefront.orders.queries import OrderView
from storefront.payments.pages import is_own
from storefront.payments.providers import payment_pages
from storefront.payments.settings import load_settings
from storefront.payments.words import METHOD_NAMES, STATUS_NAMES


@dataclass(frozen=True)
class OrderPaymentDetails:
    """`method` and `status` are in words, `status` empty if there is nothing to say. `is_own` says whether this browser
    has ordered."""

    method: str
    status: str
    bank_account: str
    is_own: bool


def init_app(app: Flask) -> None:
    app.jinja_env.globals.update(payment_details=payment_details, order_digest=order_digest)


def payment_details(order: OrderView) -> OrderPaymentDetails:
    """Return what to show of an order with a payment."""
    if order.waits_for_payment:
        g.form_origin = payment_pages()  # the form that starts the payment leads there
    awaits_transfer = order.payment_method == PaymentMethod.BANK_TRANSFER and order.payment_status == "pending"
    status = STATUS_NAMES.get(order.payment_status, "")
    return OrderPaymentDetails(
        method=_(METHOD_NAMES[str(order.payment_method)]),
        status=_(status) if status else "",
        bank_account=load_settings().bank_account if awaits_transfer else "",
        is_own=is_own(order),
    )
