"""Checkout, for programs."""

from typing import Annotated

from flask import request, url_for
from pydantic import BaseModel, Field

from storefront.i18n.locale import shopper_language
from storefront.orders import actions
from storefront.orders.api import Order, order_fields
from storefront.orders.queries import load_order
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
from storefront.web.openapi import MAX_SAFE_INTEGER, RequestModel, api_blueprint, responses, spec
from storefront.web.rate_limits import CHECKOUT_LIMIT, limiter

api = api_blueprint("checkout_api", __name__)


class CheckoutRequest(RequestModel):
    # `check_buyer` decides about both, as for the page's form: here stands what it takes, for the document only.
    email: Annotated[
        str,
        Field(
            description="one address, trimmed; also with an international domain, which needn't be in Punycode as here",
            json_schema_extra={"format": "email", "pattern": EMAIL_PATTERN, "maxLength": MAX_EMAIL_LENGTH},
        ),
    ]
    name: Annotated[
        str, Field(json_schema_extra={"pattern": NAME_PATTERN, "minLength": 1, "maxLength": MAX_NAME_LENGTH})
    ]
    expected_total: Annotated[
        int | None,
        Field(
            ge=-MAX_SAFE_INTEGER, le=MAX_SAFE_INTEGER, description="the total that the buyer was shown, in minor units"
        ),
    ] = None


class CheckoutHeaders(BaseModel):
    idempotency_key: Annotated[
        str | None,
        Field(
            alias="Idempotency-Key",
            max_length=MAX_IDEMPOTENCY_KEY_LENGTH,
            description="sent again, it is the same order",
            json_schema_extra={"pattern": IDEMPOTENCY_KEY_PATTERN},
        ),
    ] = None


class PlacedOrder(Order):
    upsell: Upsell


PERSONAL = ("email", "name")
"""What an order tells of its buyer: kept from a checkout that found the order by its cart and names somebody else."""


@api.post("/carts/<cart_id>/checkout")
@limiter.limit(CHECKOUT_LIMIT)
@spec.validate(resp=responses((200, 201), PlacedOrder, 400, 404, 409, 415, 422), tags=["checkout"])
def checkout(cart_id: str, json: CheckoutRequest, headers: CheckoutHeaders) -> tuple[PlacedOrder, int, dict[str, str]]:
    """Place the order: all of it, or nothing. The same cart, or the same Idempotency-Key, is the same order.

    Who repeats the checkout of a cart with another e-mail address gets the order without `email` and `name`.
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
