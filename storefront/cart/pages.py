"""HTML views of the cart. The browser's cart id is in the shop's signed session cookie."""

from flask import Blueprint, Flask, Response, flash, g, redirect, request, session, url_for
from werkzeug.wrappers import Response as AnyResponse

from storefront.cart import actions
from storefront.cart.attribution import is_attributable
from storefront.cart.limits import parse_quantity
from storefront.cart.queries import CartSnapshot, PricedCart, count_items, find_cart
from storefront.catalog.choices import has_option_parameters, read_choice
from storefront.catalog.queries import ProductView, get_product_view, name_with_options
from storefront.catalog.variants import VariantView
from storefront.errors import CartOrdered, FieldError, Invalid, NotFound
from storefront.i18n.formatting import format_money
from storefront.i18n.gettext import _
from storefront.ids import new_token
from storefront.pricing.promotions import promo_message
from storefront.tenants.context import current_tenant
from storefront.web.fragment_cache import vary_pages_by
from storefront.web.htmx import render_page, requested_partial
from storefront.web.rate_limits import CART_CHANGES_LIMIT, CARTS_LIMIT, limit_promo_guesses, limiter

pages = Blueprint("cart", __name__)


def init_app(app: Flask) -> None:
    """Every page shows the cart's badge in its frame."""
    app.jinja_env.globals["cart_item_count"] = cart_item_count
    app.jinja_env.globals["promo_message"] = promo_message
    vary_pages_by(app, cart_item_count)


def current_cart() -> CartSnapshot | None:
    """Return this browser's open cart; None if there is none."""
    cart = find_cart(session.get("cart"))
    return cart if cart and cart.is_open else None


def cart_item_count() -> int:
    """Return the number of items in this browser's cart, for the badge. Cached per request.

    0 on error pages, because the database may be what failed."""
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
    """Add a variant of a product to this browser's cart, which is created if there is none."""
    product = get_product_view(request.form.get("product_id") or product_of_sent_variant())
    variant = chosen_variant(product)
    suggested = request.form.get("next") == "checkout"
    if variant is None or (variant.options and variant.sold_out and not suggested):
        return refuse_choice(product, variant)
    quantity = parse_quantity(request.form.get("quantity", "1"))
    if suggested and not is_suggestion_available(product, variant):
        return redirect(url_for("checkout.review"), 303)
    cart_id, item = session.get("cart"), actions.WantedVariant(product.id, variant.id)
    if cart_id is None or not add_to_cart(cart_id, item, quantity):
        shopper = session.setdefault("shopper", new_token())
        session["cart"] = actions.open_cart([(item, quantity)], shopper)
        session.permanent = True
    if suggested:
        return redirect(url_for("checkout.review", added=product.id), 303)
    flash(_("Added %(name)s to your cart.", name=name_with_options(product, variant)), "notice")
    return redirect(url_for("cart.view_cart"), 303)


def product_of_sent_variant() -> str:
    """Return the product's id of a form with a variant only; empty if it has neither."""
    variant_id = request.form.get("variant_id", "")
    return actions.product_of_variant(variant_id) if variant_id else ""


def chosen_variant(product: ProductView) -> VariantView | None:
    """Return the variant that the form names by its id or by its options, or the only one; None if the shopper has yet
    to choose. Raises `NotFound`."""
    if has_option_parameters(product, request.form):
        return read_choice(product, request.form).variant
    variant_id = request.form.get("variant_id", "")
    if not variant_id:
        return product.variants[0] if len(product.variants) == 1 else None
    found = next((variant for variant in product.variants if variant.id == variant_id), None)
    if found is None:
        raise NotFound(_("We couldn't find this product."))
    return found


def refuse_choice(product: ProductView, variant: VariantView | None) -> AnyResponse:
    """Say why nothing was added. Without htmx, lead to the product's page, where the choice is made. Raises
    `Invalid`."""
    choice = read_choice(product, request.form)
    if variant:
        message = _("%(name)s is sold out.", name=name_with_options(product, variant))
    elif choice.is_not_sold:
        message = _("%(name)s isn't available in this combination.", name=product.name)
    else:
        message = _("Choose one of the options of %(name)s first.", name=product.name)
    if requested_partial():
        raise Invalid(FieldError("variant_id", message))
    flash(message, "notice")
    return redirect(url_for("catalog.product", product_id=product.id, **choice.query), 303)


def is_suggestion_available(product: ProductView, variant: VariantView) -> bool:
    """Whether a suggestion is still in stock: a sold-out product would block the order. Flashes a message if it is sold
    out or if its price has changed since it was shown."""
    name = name_with_options(product, variant)
    if variant.sold_out:
        flash(_("%(name)s has just sold out and wasn't added to your order.", name=name), "error")
        return False
    if request.form.get("price", str(variant.price)) != str(variant.price):
        flash(
            _("The price of %(name)s has changed to %(price)s.", name=name, price=format_money(variant.price)),
            "notice",
        )
    return True


def add_to_cart(cart_id: str, item: actions.WantedVariant, quantity: int) -> bool:
    """Add to this cart. Return False if it doesn't exist any more or is ordered, so that a new one is needed."""
    from_upsell = is_attributable(request.form.get("upsell"), cart_id, item.product_id or "")
    try:
        actions.add_item(cart_id, item, quantity, from_upsell)
    except (CartOrdered, NotFound):
        return False
    return True


@pages.post("/cart/items/<variant_id>")
@limiter.limit(CART_CHANGES_LIMIT)
def set_item(variant_id: str) -> AnyResponse:
    """Set the quantity of a line; 0 removes it."""
    quantity = parse_quantity(request.form.get("quantity", ""), minimum=0)
    actions.set_quantity(session_cart_id(), variant_id, quantity)
    return redirect(url_for("cart.view_cart"), 303)


@pages.post("/cart/promo")
@limiter.limit(CART_CHANGES_LIMIT)
@limit_promo_guesses
def promo() -> AnyResponse:
    """Apply a promo code, or remove it if none is given. The error for an invalid code is shown beside the field."""
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
    """Return the id of this browser's cart. Raises `NotFound`."""
    cart_id: str | None = session.get("cart")
    if cart_id is None:
        raise NotFound(_("Your cart is empty."))
    return cart_id
