"""What a shopper does with a payment: go to the provider's page, come back from it, give up; and the webhook."""

from flask import Blueprint, flash, redirect, request, session, url_for
from werkzeug.wrappers import Response as AnyResponse

from storefront.errors import NotFound
from storefront.i18n.gettext import _
from storefront.orders.payment_models import PaymentMethod
from storefront.orders.queries import OrderView, load_order
from storefront.payments.jobs import schedule_webhooks
from storefront.payments.provider import ProviderRejected, ProviderUnavailable
from storefront.payments.providers import payment_pages, provider_of
from storefront.payments.settlement import settle_payment
from storefront.payments.start import start_payment
from storefront.payments.webhooks import store_webhook
from storefront.web.rate_limits import CHECKOUT_LIMIT, limiter

pages = Blueprint("payments", __name__)


@pages.post("/orders/<order_id>/pay")
@limiter.limit(CHECKOUT_LIMIT)
def pay(order_id: str) -> AnyResponse:
    """Lead to the page on which this order is paid."""
    load_order(order_id)
    return lead_to_payment(order_id)


def lead_to_payment(order_id: str) -> AnyResponse:
    """Redirect to the provider's page, or to the order's if there is nothing to pay there or the provider doesn't
    answer. A page at another address than the usual one, which the Content-Security-Policy of our form doesn't allow,
    is linked from the order's."""
    try:
        url = start_payment(order_id)
    except ProviderUnavailable:
        text = _("We couldn't open the payment page. Your order is saved. Please try again in a moment.")
        flash(text, "error")
        url = None
    if url is not None and url.startswith(payment_pages() + "/"):
        return redirect(url, 303)
    return redirect(url_for("orders.confirmation", order_id=order_id), 303)


@pages.get("/orders/<order_id>/payment")
@limiter.limit(CHECKOUT_LIMIT)
def come_back(order_id: str) -> AnyResponse:
    """The buyer comes back from the provider's page: look whether the order is paid, then show it. If the provider
    doesn't answer now, the order's page shows that the payment is awaited, and a job looks again."""
    load_order(order_id)
    try:
        settle_payment(order_id)
    except (ProviderUnavailable, ProviderRejected):
        flash(_("We're still waiting for confirmation of your payment. This page will update by itself."), "notice")
    return redirect(url_for("orders.confirmation", order_id=order_id), 303)


@pages.post("/orders/<order_id>/payment/cancel")
@limiter.limit(CHECKOUT_LIMIT)
def give_up_payment(order_id: str) -> AnyResponse:
    """The buyer doesn't want to pay like this: cancel the unpaid order, and lead back to its cart."""
    order = own_order(order_id)
    try:
        settle_payment(order_id, give_up_now=True)
    except (ProviderUnavailable, ProviderRejected):
        flash(_("We couldn't cancel the payment just now. Please try again in a moment."), "error")
        return redirect(url_for("orders.confirmation", order_id=order_id), 303)
    return lead_to_cart(order)


@pages.post("/orders/<order_id>/cart")
def retry(order_id: str) -> AnyResponse:
    """Lead back to the cart of an order whose payment has failed or expired."""
    return lead_to_cart(own_order(order_id))


def own_order(order_id: str) -> OrderView:
    """Return an order of this browser. Raises `NotFound` for another's: its link shows the order, but doesn't give it
    away."""
    order = load_order(order_id)
    if order.payment is None or session.get("shopper") != order.shopper:
        raise NotFound(_("We couldn't find this order."))
    return order


def lead_to_cart(order: OrderView) -> AnyResponse:
    order = load_order(order.id)
    if order.payment is None or not order.was_given_up:
        return redirect(url_for("orders.confirmation", order_id=order.id), 303)
    session["cart"] = order.payment.cart_id
    return redirect(url_for("cart.view_cart"), 303)


@pages.post("/payments/stripe")
def stripe_webhook() -> AnyResponse:
    """Take a webhook of Stripe, signed over its raw bytes. It is stored and answered; a job processes it."""
    try:
        notice = provider_of(PaymentMethod.STRIPE).verify_webhook(
            request.get_data(), request.headers.get("Stripe-Signature", "")
        )
    except ProviderUnavailable:
        raise NotFound(_("We couldn't find this page.")) from None
    if store_webhook(notice):
        schedule_webhooks()
    return AnyResponse("", 200, mimetype="text/plain")
