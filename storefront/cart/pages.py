"""The cart, for shoppers. The browser's cart hangs on the shop's signed cookie."""

from flask import Blueprint, Response, flash, g, redirect, request, session, url_for
from werkzeug.wrappers import Response as AnyResponse

from storefront.cart import actions
from storefront.cart.limits import parse_quantity
from storefront.cart.queries import CartSnapshot, PricedCart, count_items, find_cart
from storefront.catalog.queries import ProductView, get_product_view
from storefront.errors import CartOrdered, Invalid, NotFound
from storefront.i18n.formatting import format_money
from storefront.i18n.gettext import _
from storefront.ids import new_token
from storefront.tenants.context import current_tenant
from storefront.upsell.attribution import is_attributable
from storefront.web.htmx import render_page
from storefront.web.rate_limits import CART_CHANGES_LIMIT, CARTS_LIMIT, limit_promo_guesses, limiter

pages = Blueprint("cart", __name__)


def current_cart() -> CartSnapshot | None:
    """This browser's open cart, None before something is put into one."""
    cart = find_cart(session.get("cart"))
    return cart if cart and cart.is_open else None


def cart_item_count() -> int:
    """How many pieces are in this browser's cart, for the badge; asked for once a request. An error's page shows no
    number, as the database may be what failed."""
    if "problem" in g:
        return 0
    if "cart_count" not in g:
        cart_id = session.get("cart")
        g.cart_count = count_items(cart_id) if cart_id and g.tenant else 0
    count: int = g.cart_count
    return count


@pages.get("/cart")
def view_cart() -> Response:
    return show_cart()


def show_cart(status: int = 200, promo_error: str | None = None) -> Response:
    return render_page(
        "cart/cart.html",
        extra_partials=("cart_badge", "messages"),
        http_status=status,
        cart=PricedCart.of(current_cart(), current_tenant()),
        promo_error=promo_error,
        has_promotions=bool(current_tenant().promotions),
    )


@pages.post("/cart/items")
@limiter.limit(CARTS_LIMIT)
def add() -> AnyResponse:
    """Put a product into this browser's cart, which is made when there is none."""
    product = get_product_view(request.form.get("product_id", ""))
    quantity = parse_quantity(request.form.get("quantity", "1"))
    suggested = request.form.get("next") == "checkout"
    if suggested and not is_suggestion_available(product):
        return redirect(url_for("orders.checkout"), 303)
    cart_id = session.get("cart")
    if cart_id is None or not add_to_cart(cart_id, product.id, quantity):
        shopper = session.setdefault("shopper", new_token())
        session["cart"] = actions.open_cart([(product.id, quantity)], shopper)
        session.permanent = True
    if suggested:
        return redirect(url_for("orders.checkout", added=product.id), 303)
    flash(_("Added %(name)s to your cart.", name=product.name), "notice")
    return redirect(url_for("cart.view_cart"), 303)


def is_suggestion_available(product: ProductView) -> bool:
    """Whether a suggestion can still be had. What is sold out would only stand in the order's way; a price that has
    changed since it was shown is said."""
    if product.sold_out:
        flash(_("%(name)s has just sold out. Your order is as it was.", name=product.name), "error")
        return False
    if request.form.get("price", str(product.price)) != str(product.price):
        flash(_("%(name)s costs %(price)s now.", name=product.name, price=format_money(product.price)), "notice")
    return True


def add_to_cart(cart_id: str, product_id: str, quantity: int) -> bool:
    """Add to this cart; False when it isn't there any more or became an order, and a new one is due."""
    from_upsell = is_attributable(request.form.get("upsell"), cart_id, product_id)
    try:
        actions.add_item(cart_id, product_id, quantity, from_upsell)
    except (CartOrdered, NotFound):
        return False
    return True


@pages.post("/cart/items/<product_id>")
@limiter.limit(CART_CHANGES_LIMIT)
def set_item(product_id: str) -> AnyResponse:
    """Set the quantity of a line; 0 removes it."""
    quantity = parse_quantity(request.form.get("quantity", ""), least=0)
    actions.set_quantity(session_cart_id(), product_id, quantity)
    return redirect(url_for("cart.view_cart"), 303)


@pages.post("/cart/promo")
@limiter.limit(CART_CHANGES_LIMIT)
@limit_promo_guesses
def promo() -> AnyResponse:
    """Apply a promo code, or remove it when none is given. A code that can't be used is said beside its field."""
    code = request.form.get("code", "").strip()
    if not code:
        actions.remove_promo(session_cart_id())
        return redirect(url_for("cart.view_cart"), 303)
    try:
        actions.apply_promo(current_tenant(), session_cart_id(), code)
    except Invalid as refusal:
        return show_cart(refusal.status, refusal.detail)
    return redirect(url_for("cart.view_cart"), 303)


def session_cart_id() -> str:
    """The id of this browser's cart; raises `NotFound`."""
    cart_id: str | None = session.get("cart")
    if cart_id is None:
        raise NotFound(_("Your cart is empty."))
    return cart_id
