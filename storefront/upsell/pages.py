"""Suggestions at checkout: a fragment that the page loads by itself, so that the order never waits for it."""

from functools import partial
from typing import Any

from flask import Blueprint, Response, make_response, render_template, request

from storefront.cart.attribution import sign_attribution
from storefront.cart.pages import current_cart
from storefront.i18n.locale import shopper_language
from storefront.tenants.context import current_tenant
from storefront.upsell.actions import UpsellResult, suggest
from storefront.web.htmx import render_page, vary_by_partial
from storefront.web.rate_limits import UPSELL_LIMIT, limiter

pages = Blueprint("upsell", __name__)


@pages.get("/checkout/upsell")
@limiter.limit(UPSELL_LIMIT)
def panel() -> Response:
    """The suggestions as a fragment, or with `?page=1` as a page for browsers without JavaScript."""
    cart = current_cart()
    tenant = current_tenant()
    upsell = (
        suggest(tenant, cart, shopper_language(), by_person=True)
        if cart
        else UpsellResult(enabled=tenant.upsell_enabled)
    )
    attribution = partial(sign_attribution, upsell.call_id or "", cart.id) if cart else None
    context: dict[str, Any] = {"upsell": upsell, "attribution": attribution}
    if request.args.get("page"):
        return render_page("upsell/page.html", **context)
    return vary_by_partial(make_response(render_template("upsell/panel.html", **context)))
