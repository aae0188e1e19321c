"""Checkout, order confirmation."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, g, redirect, request, session, url_for
from werkzeug.wrappers import Response as AnyResponse

from storefront.cart.actions import choose_delivery as choose_cart_delivery
from storefront.cart.pages import current_cart, session_cart_id
from storefront.cart.queries import CartSnapshot, PricedCart, find_cart
from storefront.checkout.delivery_form import DeliveryForm, chosen_method
from storefront.checkout.draft import FIELDS, discard_draft, draft_of_order, keep_draft, read_draft, take_draft
from storefront.checkout.validation import check_checkout, delivery_in_form
from storefront.errors import CartOrdered, Conflict, FieldError, Invalid, NotFound, OutOfStock
from storefront.i18n.gettext import _
from storefront.i18n.locale import set_language_cookie
from storefront.orders import actions
from storefront.orders.payment_choice import PaymentChoice
from storefront.orders.payment_models import PaymentMethod
from storefront.orders.pricing import unavailable_to
from storefront.orders.queries import find_order_of_cart, load_order
from storefront.orders.validation import Buyer
from storefront.payments.pages import GIVEN_UP_ORDER, lead_to_payment
from storefront.payments.providers import fault_of, methods_offered, payment_choice, payment_pages
from storefront.payments.words import METHOD_NAMES, METHOD_NOTES
from storefront.shipping.address_formats import countries_of
from storefront.tenants.context import current_tenant
from storefront.tenants.settings import TenantSettings
from storefront.upsell.actions import reserves_panel_space
from storefront.web.htmx import render_page, requested_partial
from storefront.web.rate_limits import CART_CHANGES_LIMIT, CHECKOUT_LIMIT, limiter

pages = Blueprint("checkout", __name__)


@pages.get("/checkout")
def review() -> AnyResponse:
    """Show the checkout; redirect to the cart if it is empty."""
    cart = current_cart()
    if cart is None or not cart.lines:
        return redirect(url_for("cart.view_cart"), 303)
    typed = read_draft() if requested_partial() else take_draft() or draft_of_given_up_order()
    return show_checkout(cart, added=request.args.get("added"), typed=typed)


def draft_of_given_up_order() -> Mapping[str, str]:
    """Return what the shopper typed for the order whose payment they gave up just now; nothing if there is none."""
    order_id = session.pop(GIVEN_UP_ORDER, None) if GIVEN_UP_ORDER in session else None
    return draft_of_order(load_order(order_id)) if order_id else {}


@pages.post("/checkout/draft")
def keep() -> AnyResponse:
    """Store the checkout draft and redirect to the page of the pressed button, in the language that it names."""
    keep_draft(request.form)
    response = redirect(next_page(request.form.get("to", "")), 303)
    set_language_cookie(response, request.form.get("lang", ""))
    return response


def next_page(button: str) -> str:
    """Return the URL for a button of the checkout form that doesn't place the order."""
    if button == "cart":
        return url_for("cart.view_cart")
    if button == "suggestions":
        return url_for("upsell.panel", page=1)
    return url_for("checkout.review")


@pages.post("/checkout/delivery")
@limiter.limit(CART_CHANGES_LIMIT)
def choose_delivery() -> AnyResponse:
    """Keep the country and the shipping method, so that the page shows what the order costs then."""
    keep_draft(request.form)
    method = current_tenant().shipping_method(chosen_method(request.form))
    country = request.form.get("country", "")
    known = country if country in countries_of(current_tenant().shipping) else None
    choose_cart_delivery(session_cart_id(), known, method.id if method else None)
    return redirect(url_for("checkout.review"), 303)


@pages.post("/checkout")
@limiter.limit(CHECKOUT_LIMIT)
def place_order() -> AnyResponse:
    """Place the order and redirect to its confirmation. The form contains the cart's id, so repeating it redirects
    there, too."""
    cart_id = request.form.get("cart_id") or session.get("cart") or ""
    buyer, sent = None, delivery_in_form(request.form)
    try:
        email, name = request.form.get("email", ""), request.form.get("name", "")
        buyer = check_checkout(current_tenant(), email, name, sent)
        order_id, is_new = actions.place_order(
            current_tenant(),
            cart_id,
            buyer,
            parse_expected_total(),
            shown_lines=request.form.get("shown_lines"),
            sent=sent,
            payment=choice_in_form(),
        )
    except (Conflict, Invalid) as refusal:
        cart = find_cart(cart_id)
        if cart is None:
            raise NotFound(_("We couldn't find this cart.")) from None
        if cart.is_open or (order := find_order_of_cart(cart_id)) is None:
            return show_checkout(cart, refusal, typed=request.form)
        order_id, is_new = order.id, False
    if not is_new:
        check_own_order(order_id, buyer)
    if session.get("cart") == cart_id:
        session.pop("cart")
    discard_draft()
    if current_tenant().payment:
        return lead_to_payment(order_id)
    return redirect(url_for("orders.confirmation", order_id=order_id), 303)


def choice_in_form() -> PaymentChoice:
    """Return how the buyer wants to pay: the page asks only if the shop offers several ways."""
    choice = payment_choice(current_tenant(), request.form.get("payment"))
    if not choice.chosen and len(choice.offered) == 1:
        return replace(choice, chosen=choice.offered[0])
    return choice


def check_own_order(order_id: str, buyer: Buyer | None) -> None:
    """Raise `CartOrdered` unless an existing order belongs to this browser or this buyer.

    Its confirmation has personal data, which must not be shown to a client that knows only the cart's id."""
    order = load_order(order_id)
    if session.get("shopper") != order.shopper and not (buyer and buyer.is_buyer_of(order.email)):
        raise CartOrdered


def parse_expected_total() -> int | None:
    """Parse the total that the page showed, in minor units; None if absent. Raises `Invalid`."""
    text = request.form.get("expected_total", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Invalid(
            FieldError("expected_total", _("We couldn't read the order total. Please reload the page and try again."))
        )
    return int(text)


def show_checkout(
    cart: CartSnapshot,
    refusal: Conflict | Invalid | None = None,
    added: str | None = None,
    typed: Mapping[str, str] = {},
) -> Response:
    tenant, delivery = current_tenant(), DeliveryForm.of(current_tenant(), cart, typed)
    parts = ["order_summary"] if delivery else []
    if delivery and added:  # the cart has changed, and what sending it costs
        parts.append("shipping_methods")
    gone = unavailable_to(tenant, cart.promo_code, typed.get("email", "")) if refusal else None
    priced = PricedCart.of(cart, tenant, delivery.destination if delivery else None, gone)
    payment = payment_context(tenant, priced.price.total)
    asks_payment = len(payment["methods"]) > 1
    if asks_payment:  # but not for a total of 0
        parts.append("payment")
    return render_page(
        "checkout/checkout.html",
        extra_partials=("cart_badge", "messages", *parts),
        http_status=refusal.status if refusal else 200,
        cart=priced,
        form={field: typed.get(field, "") for field in FIELDS},
        added=added if added in {line.product_id for line in cart.lines} else None,
        unfolded=bool(added) or isinstance(refusal, Conflict),
        upsell_enabled=tenant.upsell_enabled,
        reserves_panel_space=reserves_panel_space(tenant, cart),
        delivery=delivery,
        **payment,
        **refusal_context(cart, refusal, asks_payment, delivery.order if delivery else ()),
    )


def payment_context(tenant: TenantSettings, total: int) -> dict[str, Any]:
    """Return the ways to pay, each with a note or with the reason why it can't take this total in minor units."""
    offered = methods_offered(tenant)
    if PaymentMethod.STRIPE in offered:
        g.form_origin = payment_pages()
    faults = {method: fault_of(method, total, tenant.currency) for method in offered}
    return {
        "methods": offered,
        "method_names": METHOD_NAMES,
        "method_notes": {method: faults[method] or _(METHOD_NOTES[method]) for method in offered},
        "first_method": next((method for method in offered if not faults[method]), None),
    }


def refusal_context(
    cart: CartSnapshot, refusal: Conflict | Invalid | None, asks_payment: bool, order: Sequence[str]
) -> dict[str, Any]:
    """Return the messages beside fields, one for the whole form, and what isn't there in the quantity of the cart.
    `order` is that of the fields of the delivery on the page."""
    if isinstance(refusal, Invalid):
        named = [(fault.field.removeprefix("address."), fault.message) for fault in refusal.field_errors]
        hidden = () if asks_payment else ("payment",)
        others = [message for field, message in named if field not in FIELDS or field in hidden]
        errors = dict(named)
        first = next((field for field in ("email", "name", *order) if field in errors), named[0][0])
        message = " ".join(others) or None
    else:
        message, errors, first = refusal.detail if refusal else None, {}, None
    names = {line.variant_id: line.name for line in cart.lines}
    missing = refusal.items if isinstance(refusal, OutOfStock) else ()
    shortages = [
        {"name": names[item.variant_id], "requested": item.requested, "available": item.available} for item in missing
    ]
    return {"refusal": message, "errors": errors, "first_error": first, "shortages": shortages}
