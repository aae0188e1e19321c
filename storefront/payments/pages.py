"""What a shopper does with a payment: go to the provider's page, come back from it, give up."""

from flask import Blueprint, flash, redirect, session, url_for
from werkzeug.wrappers import Response as AnyResponse

from storefront.i18n.gettext import _
from storefront.orders.queries import OrderView, load_order
from storefront.payments.provider import ProviderRejected, ProviderUnavailable
from storefront.payments.providers import payment_pages
from storefront.payments.settlement import settle_payment
from storefront.payments.start import start_payment
from storefront.web.rate_limits import CHECKOUT_LIMIT, limiter

pages = Blueprint("payments", __name__)
GIVEN_UP_ORDER = "given_up_order"
"""In the session: the order that the shopper gave up, for the next checkout, which needn't be typed again."""


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
    return show_order(order_id)


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
    return show_order(order_id)


@pages.post("/orders/<order_id>/payment/cancel")
@limiter.limit(CHECKOUT_LIMIT)
def give_up_payment(order_id: str) -> AnyResponse:
    """The buyer doesn't want to pay like this: cancel the unpaid order, and lead back to its cart."""
    order = load_order(order_id)
    if not is_own(order):
        return show_order(order_id)
    try:
        settle_payment(order_id, give_up_now=True)
    except (ProviderUnavailable, ProviderRejected):
        flash(_("We couldn't cancel the payment just now. Please try again in a moment."), "error")
        return show_order(order_id)
    return lead_to_cart(order_id)


@pages.post("/orders/<order_id>/cart")
def retry(order_id: str) -> AnyResponse:
    """Lead back to the cart of an order whose payment has failed or expired."""
    return lead_to_cart(order_id)


def is_own(order: OrderView) -> bool:
    """Whether this browser has placed the order. Its link shows it to others, but doesn't give it away."""
    return session.get("shopper") == order.shopper


def lead_to_cart(order_id: str) -> AnyResponse:
    """Give the browser the cart of its order back, if that is open again; else show the order."""
    order = load_order(order_id)
    if order.payment is None or not order.was_given_up or not is_own(order):
        return show_order(order_id)
    session["cart"], session[GIVEN_UP_ORDER] = order.payment.cart_id, order_id
    flash(_("The order was cancelled and nothing was charged. Your items are back in your cart."), "notice")
    return redirect(url_for("cart.view_cart"), 303)


def show_order(order_id: str) -> AnyResponse:
    return redirect(url_for("orders.confirmation", order_id=order_id), 303)
