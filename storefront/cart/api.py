"""Carts, for programs."""

from typing import Annotated

from flask import url_for
from pydantic import AfterValidator, Field

from storefront.cart import actions
from storefront.cart.limits import MAX_LINES_PER_CART, MAX_QUANTITY_PER_LINE
from storefront.cart.queries import CartSnapshot, load_cart
from storefront.catalog.api import Product, shop_money
from storefront.ids import pasted_id
from storefront.tenants.context import current_tenant
from storefront.upsell.attribution import was_suggested
from storefront.web.openapi import Money, RequestModel, ResponseModel, api_blueprint, responses, spec
from storefront.web.rate_limits import CART_CHANGES_LIMIT, CARTS_LIMIT, limit_promo_guesses, limiter

api = api_blueprint("cart_api", __name__)

MAX_TYPED_CODE_LENGTH = 200
"""A code has at most 40 characters; what comes along unseen when it is pasted may be as many again."""
ProductId = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(pasted_id)]


class ItemRequest(RequestModel):
    product_id: ProductId
    quantity: Annotated[int, Field(ge=1, le=MAX_QUANTITY_PER_LINE)]


class AddItemRequest(ItemRequest):
    upsell_call_id: Annotated[
        str | None, Field(max_length=32, description="`call_id` of the suggestions that this product was taken from")
    ] = None


class CreateCartRequest(RequestModel):
    items: Annotated[list[ItemRequest], Field(max_length=MAX_LINES_PER_CART)] = []


class SetQuantityRequest(RequestModel):
    quantity: Annotated[int, Field(ge=0, le=MAX_QUANTITY_PER_LINE)]


class PromoRequest(RequestModel):
    code: Annotated[str, Field(max_length=MAX_TYPED_CODE_LENGTH)]


class CartItem(ResponseModel):
    product: Product
    quantity: int
    line_total: Money
    available: Annotated[bool, Field(description="whether there is as much in stock at this moment")]


class Cart(ResponseModel):
    id: str
    status: Annotated[str, Field(json_schema_extra={"enum": ["open", "ordered"]})]
    items: list[CartItem]
    promo_code: str | None
    subtotal: Money
    discount: Money
    tax: Money
    total: Money

    @classmethod
    def of(cls, cart: CartSnapshot) -> "Cart":
        price = cart.price(current_tenant())
        return cls.model_construct(
            id=cart.id,
            status=cart.status,
            items=[
                CartItem.model_construct(
                    product=Product.of(line.product),
                    quantity=line.quantity,
                    line_total=shop_money(line.line_total),
                    available=line.available,
                )
                for line in cart.lines
            ],
            promo_code=cart.promo_code,
            subtotal=shop_money(price.subtotal),
            discount=shop_money(price.discount),
            tax=shop_money(price.tax),
            total=shop_money(price.total),
        )


@api.post("/carts")
@limiter.limit(CARTS_LIMIT)
@spec.validate(resp=responses(201, Cart, 400, 404, 415, 422), tags=["cart"])
def create_cart(json: CreateCartRequest) -> tuple[Cart, int, dict[str, str]]:
    """Make a cart, with items in it if you like."""
    cart_id = actions.open_cart((item.product_id, item.quantity) for item in json.items)
    return cart_response(cart_id), 201, {"Location": url_for("cart_api.get_cart", cart_id=cart_id)}


@api.get("/carts/<cart_id>")
@spec.validate(resp=responses(200, Cart, 404), tags=["cart"])
def get_cart(cart_id: str) -> Cart:
    """The cart, priced as of now."""
    return cart_response(cart_id)


@api.post("/carts/<cart_id>/items")
@limiter.limit(CART_CHANGES_LIMIT)
@spec.validate(resp=responses(200, Cart, 400, 404, 409, 415, 422), tags=["cart"])
def add_item(cart_id: str, json: AddItemRequest) -> Cart:
    """Put so many more of a product into the cart."""
    from_upsell = was_suggested(json.upsell_call_id, cart_id, json.product_id)
    actions.add_item(cart_id, json.product_id, json.quantity, from_upsell)
    return cart_response(cart_id)


@api.put("/carts/<cart_id>/items/<product_id>")
@limiter.limit(CART_CHANGES_LIMIT)
@spec.validate(resp=responses(200, Cart, 400, 404, 409, 415, 422), tags=["cart"])
def set_item(cart_id: str, product_id: str, json: SetQuantityRequest) -> Cart:
    """Set the quantity of a product; 0 takes it out."""
    actions.set_quantity(cart_id, product_id, json.quantity)
    return cart_response(cart_id)


@api.delete("/carts/<cart_id>/items/<product_id>")
@limiter.limit(CART_CHANGES_LIMIT)
@spec.validate(resp=responses(200, Cart, 404, 409), tags=["cart"])
def remove_item(cart_id: str, product_id: str) -> Cart:
    """Take a product out of the cart."""
    actions.set_quantity(cart_id, product_id, 0)
    return cart_response(cart_id)


@api.put("/carts/<cart_id>/promo")
@limiter.limit(CART_CHANGES_LIMIT)
@limit_promo_guesses
@spec.validate(resp=responses(200, Cart, 400, 404, 409, 415, 422), tags=["cart"])
def set_promo(cart_id: str, json: PromoRequest) -> Cart:
    """Apply a promo code, in any case of letters."""
    actions.apply_promo(current_tenant(), cart_id, json.code)
    return cart_response(cart_id)


@api.delete("/carts/<cart_id>/promo")
@limiter.limit(CART_CHANGES_LIMIT)
@spec.validate(resp=responses(200, Cart, 404, 409), tags=["cart"])
def remove_promo(cart_id: str) -> Cart:
    """Price the cart without a promo code."""
    actions.remove_promo(cart_id)
    return cart_response(cart_id)


def cart_response(cart_id: str) -> Cart:
    return Cart.of(load_cart(cart_id))
