"""Carts in the JSON API."""

from typing import Annotated

from flask import url_for
from pydantic import AfterValidator, BaseModel, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from storefront.cart import actions
from storefront.cart.limits import MAX_LINES_PER_CART, MAX_QUANTITY_PER_LINE
from storefront.cart.models import CartStatus
from storefront.cart.offers import shipping_offers
from storefront.cart.queries import CartSnapshot, load_cart
from storefront.catalog.api import Product, shop_money
from storefront.catalog.queries import with_variants
from storefront.i18n.gettext import _
from storefront.ids import pasted_id
from storefront.pricing.promotions import promo_message
from storefront.shipping.address_formats import known_countries
from storefront.state import current_state
from storefront.tenants.context import current_tenant
from storefront.web.openapi import Money, RequestModel, ResponseModel, api_blueprint, responses, spec
from storefront.web.rate_limits import CART_CHANGES_LIMIT, CARTS_LIMIT, limit_promo_guesses, limiter

api = api_blueprint("cart_api", __name__)

MAX_TYPED_CODE_LENGTH = 200
"""A code has at most 40 characters; a pasted one may have additional invisible characters."""
COUNTRY_SCHEMA = {"pattern": "^([A-Z]{2})?$"}


def known_country(value: str) -> str:
    """Raises `ValueError` for what isn't a country."""
    country = value.strip().upper()
    if country and country not in known_countries():
        raise ValueError(_("Please choose a country."))
    return country


ProductId = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(pasted_id)]


class ItemRequest(RequestModel):
    variant_id: Annotated[ProductId | None, Field(description="required for a product of several variants")] = None
    product_id: Annotated[
        ProductId | None, Field(validate_default=True, description="may be left out beside `variant_id`")
    ] = None
    quantity: Annotated[int, Field(ge=1, le=MAX_QUANTITY_PER_LINE)]

    @field_validator("product_id")
    @classmethod
    def one_of_both(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.data.get("variant_id", "") is None:  # an invalid one isn't in `data`
            raise PydanticCustomError("missing", "a product_id or a variant_id")
        return value

    @property
    def wanted(self) -> actions.WantedVariant:
        return actions.WantedVariant(self.product_id, self.variant_id)


class AddItemRequest(ItemRequest):
    upsell_call_id: Annotated[
        str | None, Field(max_length=32, description="`call_id` of the suggestions that included this product")
    ] = None


class CreateCartRequest(RequestModel):
    items: Annotated[list[ItemRequest], Field(max_length=MAX_LINES_PER_CART)] = []


class SetQuantityRequest(RequestModel):
    quantity: Annotated[int, Field(ge=0, le=MAX_QUANTITY_PER_LINE)]


class PromoRequest(RequestModel):
    code: Annotated[str, Field(max_length=MAX_TYPED_CODE_LENGTH)]


class CartItem(ResponseModel):
    product: Product
    variant_id: str
    options: Annotated[list[str], Field(description="the variant's values, in the order of the product's options")]
    quantity: int
    line_total: Money
    available: Annotated[bool, Field(description="whether this quantity is in stock now")]


class ShippingQuery(BaseModel):
    country: Annotated[
        str,
        AfterValidator(known_country),
        Field(description="where to, ISO 3166; without it the cart's or the shop's", json_schema_extra=COUNTRY_SCHEMA),
    ] = ""


class ShippingOption(ResponseModel):
    id: str
    name: str
    price: Money
    days: Annotated[list[int] | None, Field(description="the fewest and the most until delivery")]


class ShippingOptions(ResponseModel):
    items: list[ShippingOption]


class Cart(ResponseModel):
    id: str
    status: Annotated[str, Field(json_schema_extra={"enum": [*CartStatus]})]
    items: list[CartItem]
    promo_code: str | None
    promo_note: Annotated[
        str | None, Field(description="why the promo code gives nothing, in the client's language; null if it applies")
    ]
    subtotal: Money
    discount: Money
    shipping: Annotated[Money, Field(description="by the method that was chosen, or by the shop's default")]
    tax: Money
    total: Money

    @classmethod
    def of(cls, cart: CartSnapshot) -> "Cart":
        tenant = current_tenant()
        price = cart.price(tenant)
        products = with_variants([line.product for line in cart.lines])
        return cls.model_construct(
            id=cart.id,
            status=cart.status,
            items=[
                CartItem.model_construct(
                    product=Product.of(product),
                    variant_id=line.variant_id,
                    options=list(line.variant.options),
                    quantity=line.quantity,
                    line_total=shop_money(line.line_total),
                    available=line.available,
                )
                for line, product in zip(cart.lines, products, strict=True)
            ],
            promo_code=cart.promo_code,
            promo_note=promo_message(tenant, cart.promo_code, problem) if (problem := price.promo_problem) else None,
            subtotal=shop_money(price.subtotal),
            discount=shop_money(price.discount),
            shipping=shop_money(price.shipping),
            tax=shop_money(price.tax),
            total=shop_money(price.total),
        )


@api.post("/carts")
@limiter.limit(CARTS_LIMIT)
@spec.validate(resp=responses(201, Cart, 400, 404, 415, 422), tags=["cart"])
def create_cart(json: CreateCartRequest) -> tuple[Cart, int, dict[str, str]]:
    """Create a cart, optionally with items."""
    cart_id = actions.open_cart((item.wanted, item.quantity) for item in json.items)
    return cart_response(cart_id), 201, {"Location": url_for("cart_api.get_cart", cart_id=cart_id)}


@api.get("/carts/<cart_id>")
@spec.validate(resp=responses(200, Cart, 404), tags=["cart"])
def get_cart(cart_id: str) -> Cart:
    """Get a cart, at current prices."""
    return cart_response(cart_id)


@api.get("/carts/<cart_id>/shipping")
@spec.validate(resp=responses(200, ShippingOptions, 404, 422), tags=["cart"])
def list_shipping(cart_id: str, query: ShippingQuery) -> ShippingOptions:
    """List the shipping methods for this cart, with their prices."""
    cart, tenant = load_cart(cart_id), current_tenant()
    country = query.country or cart.country or tenant.country
    return ShippingOptions.model_construct(
        items=[
            ShippingOption.model_construct(
                id=offer.method.id,
                name=offer.method.localized_name(),
                price=shop_money(offer.price),
                days=list(offer.method.days) if offer.method.days else None,
            )
            for offer in shipping_offers(tenant, cart, country)
        ]
    )


@api.post("/carts/<cart_id>/items")
@limiter.limit(CART_CHANGES_LIMIT)
@spec.validate(resp=responses(200, Cart, 400, 404, 409, 415, 422), tags=["cart"])
def add_item(cart_id: str, json: AddItemRequest) -> Cart:
    """Add a quantity of a product, or of one of its variants, to the cart."""
    from_upsell = False
    if json.upsell_call_id:
        product_id = json.product_id or actions.product_of_variant(json.wanted.key)
        from_upsell = current_state().was_suggested(json.upsell_call_id, cart_id, product_id)
    actions.add_item(cart_id, json.wanted, json.quantity, from_upsell)
    return cart_response(cart_id)


@api.put("/carts/<cart_id>/items/<variant_id>")
@limiter.limit(CART_CHANGES_LIMIT)
@spec.validate(resp=responses(200, Cart, 400, 404, 409, 415, 422), tags=["cart"])
def set_item(cart_id: str, variant_id: str, json: SetQuantityRequest) -> Cart:
    """Set the quantity of a variant (that of a product without options has the product's id); 0 removes it."""
    actions.set_quantity(cart_id, variant_id, json.quantity)
    return cart_response(cart_id)


@api.delete("/carts/<cart_id>/items/<variant_id>")
@limiter.limit(CART_CHANGES_LIMIT)
@spec.validate(resp=responses(200, Cart, 404, 409), tags=["cart"])
def remove_item(cart_id: str, variant_id: str) -> Cart:
    """Remove a variant (that of a product without options has the product's id) from the cart."""
    actions.set_quantity(cart_id, variant_id, 0)
    return cart_response(cart_id)


@api.put("/carts/<cart_id>/promo")
@limiter.limit(CART_CHANGES_LIMIT)
@limit_promo_guesses
@spec.validate(resp=responses(200, Cart, 400, 404, 409, 415, 422), tags=["cart"])
def set_promo(cart_id: str, json: PromoRequest) -> Cart:
    """Apply a promo code (case-insensitive)."""
    actions.apply_promo(current_tenant(), cart_id, json.code)
    return cart_response(cart_id)


@api.delete("/carts/<cart_id>/promo")
@limiter.limit(CART_CHANGES_LIMIT)
@spec.validate(resp=responses(200, Cart, 404, 409), tags=["cart"])
def remove_promo(cart_id: str) -> Cart:
    """Remove the promo code."""
    actions.remove_promo(cart_id)
    return cart_response(cart_id)


def cart_response(cart_id: str) -> Cart:
    return Cart.of(load_cart(cart_id))
