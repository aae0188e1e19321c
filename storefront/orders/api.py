"""Checkout and orders in the JSON API."""

from typing import Annotated, Any

from flask import request, url_for
from pydantic import BaseModel, Field

from storefront.clock import rfc3339
from storefront.i18n.locale import shopper_language
from storefront.orders import actions
from storefront.orders.queries import OrderView, load_order
from storefront.orders.validation import (
    EMAIL_PATTERN,
    IDEMPOTENCY_KEY_PATTERN,
    MAX_EMAIL_LENGTH,
    MAX_IDEMPOTENCY_KEY_LENGTH,
    MAX_NAME_LENGTH,
    NAME_PATTERN,
    check_buyer,
    check_idempotency_key,
)
from storefront.tenants.context import current_tenant
from storefront.upsell.actions import suggest_after_order
from storefront.upsell.api import Upsell
from storefront.web.openapi import MAX_SAFE_INTEGER, Money, RequestModel, ResponseModel, api_blueprint, responses, spec
from storefront.web.rate_limits import CHECKOUT_LIMIT, limiter

api = api_blueprint("orders_api", __name__)


class CheckoutRequest(RequestModel):
    # `check_buyer` validates both, as for the page's form; these patterns are for the OpenAPI document only.
    email: Annotated[
        str,
        Field(
            description="one email address, trimmed; an international domain need not be in Punycode",
            json_schema_extra={"format": "email", "pattern": EMAIL_PATTERN, "maxLength": MAX_EMAIL_LENGTH},
        ),
    ]
    name: Annotated[
        str, Field(json_schema_extra={"pattern": NAME_PATTERN, "minLength": 1, "maxLength": MAX_NAME_LENGTH})
    ]
    expected_total: Annotated[
        int | None,
        Field(ge=-MAX_SAFE_INTEGER, le=MAX_SAFE_INTEGER, description="the total shown to the buyer, in minor units"),
    ] = None


class CheckoutHeaders(BaseModel):
    idempotency_key: Annotated[
        str | None,
        Field(
            alias="Idempotency-Key",
            max_length=MAX_IDEMPOTENCY_KEY_LENGTH,
            description="a repeated key returns the same order",
            json_schema_extra={"pattern": IDEMPOTENCY_KEY_PATTERN},
        ),
    ] = None


class OrderItem(ResponseModel):
    product_id: str
    name: str
    unit_price: Money
    quantity: int
    line_total: Money
    from_upsell: bool


Personal = Annotated[str | None, Field(description="null when the checkout of an existing order names another buyer")]


class Order(ResponseModel):
    id: str
    number: str
    status: Annotated[str, Field(json_schema_extra={"enum": ["placed", "fulfilled", "cancelled"]})]
    email: Personal
    name: Personal
    items: list[OrderItem]
    promo_code: str | None
    subtotal: Money
    discount: Money
    tax: Money
    total: Money
    created_at: Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class PlacedOrder(Order):
    upsell: Upsell


PERSONAL = ("email", "name")
"""Personal data of an order, null when the checkout of an existing order names another buyer."""


def order_fields(order: OrderView) -> dict[str, Any]:
    """Return the fields that `Order` and `PlacedOrder` share."""

    def money(minor: int) -> Money:
        return Money.model_construct(amount=minor, currency=order.currency)

    return {
        "id": order.id,
        "number": order.number,
        "status": order.status,
        "email": order.email,
        "name": order.name,
        "items": [
            OrderItem.model_construct(
                product_id=line.product_id,
                name=line.name,
                unit_price=money(line.unit_price),
                quantity=line.quantity,
                line_total=money(line.line_total),
                from_upsell=line.from_upsell,
            )
            for line in order.lines
        ],
        "promo_code": order.price.promo_code,
        "subtotal": money(order.price.subtotal),
        "discount": money(order.price.discount),
        "tax": money(order.price.tax),
        "total": money(order.price.total),
        "created_at": rfc3339(order.created_at),
    }


@api.post("/carts/<cart_id>/checkout")
@limiter.limit(CHECKOUT_LIMIT)
@spec.validate(resp=responses((200, 201), PlacedOrder, 400, 404, 409, 415, 422), tags=["checkout"])
def checkout(cart_id: str, json: CheckoutRequest, headers: CheckoutHeaders) -> tuple[PlacedOrder, int, dict[str, str]]:
    """Place the order, completely or not at all. The same cart or the same Idempotency-Key returns the same order.

    Repeating the checkout of a cart with another email address returns the order without `email` and `name`.
    """
    buyer, key = check_buyer(json.email, json.name), check_idempotency_key(request.headers.get("Idempotency-Key"))
    tenant = current_tenant()
    order_id, is_new = actions.place_order(tenant, cart_id, buyer, json.expected_total, key)
    order = load_order(order_id)
    fields = order_fields(order)
    if not buyer.is_buyer_of(order.email):
        fields |= dict.fromkeys(PERSONAL)
    bought = [line.product_id for line in order.lines]
    upsell = Upsell.of(suggest_after_order(tenant, order.cart_id, order.shopper, bought, shopper_language()))
    location = url_for("orders_api.get_order", order_id=order_id)
    return (
        PlacedOrder.model_construct(**fields, upsell=upsell),
        201 if is_new else 200,
        {"Location": location},
    )


@api.get("/orders/<order_id>")
@spec.validate(resp=responses(200, Order, 404), tags=["orders"])
def get_order(order_id: str) -> Order:
    """Get an order by its id."""
    return Order.model_construct(**order_fields(load_order(order_id)))
