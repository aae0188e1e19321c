"""Checkout, in the JSON API."""

from contextlib import suppress
from typing import Annotated

from flask import request, url_for
from pydantic import BaseModel, Field

from storefront.checkout.validation import check_checkout
from storefront.i18n.locale import shopper_language
from storefront.orders import actions
from storefront.orders.api import Order, order_fields
from storefront.orders.payment_models import PaymentMethod
from storefront.orders.queries import load_order
from storefront.orders.validation import (
    EMAIL_PATTERN,
    IDEMPOTENCY_KEY_PATTERN,
    MAX_EMAIL_LENGTH,
    MAX_IDEMPOTENCY_KEY_LENGTH,
    MAX_NAME_LENGTH,
    NAME_PATTERN,
    check_idempotency_key,
)
from storefront.payments.provider import ProviderUnavailable
from storefront.payments.providers import payment_choice
from storefront.payments.start import start_payment
from storefront.shipping.delivery import DeliveryRequest
from storefront.shipping.vat import MAX_VAT_ID_LENGTH
from storefront.tenants.context import current_tenant
from storefront.upsell.actions import suggest_after_order
from storefront.upsell.api import Upsell
from storefront.web.openapi import MAX_SAFE_INTEGER, RequestModel, api_blueprint, responses, spec
from storefront.web.rate_limits import CHECKOUT_LIMIT, limiter

api = api_blueprint("checkout_api", __name__)


class AddressRequest(RequestModel):
    """Which fields a country needs is checked by `check_address`."""

    line1: str
    line2: str | None = None
    postal_code: str | None = None
    city: str | None = None
    region: str | None = None
    country: Annotated[str, Field(description="ISO 3166, two letters")]


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
    address: Annotated[
        AddressRequest | None, Field(description="required for a shipping method other than a pick-up")
    ] = None
    shipping: Annotated[
        str | None,
        Field(max_length=40, description="the id of a shipping method; required if the shop has some and no default"),
    ] = None
    payment: Annotated[
        str | None,
        Field(
            description="how to pay; needed by a shop that asks for payment, unless the total is 0",
            json_schema_extra={"enum": [*PaymentMethod, None]},
        ),
    ] = None
    vat_id: Annotated[
        str | None,
        Field(max_length=MAX_VAT_ID_LENGTH, description="of a business in the EU, which may then owe the tax itself"),
    ] = None

    @property
    def delivery(self) -> DeliveryRequest:
        sent = self.address.model_dump(exclude_none=True) if self.address else None
        return DeliveryRequest(sent, self.shipping or None, self.vat_id, self.payment)


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


class PlacedOrder(Order):
    upsell: Upsell


PERSONAL = ("email", "name", "address")
"""Personal data of an order, null when the checkout of an existing order names another buyer."""


def open_payment_page(order_id: str) -> None:
    """Start the payment. Without an answer of the provider, the order has no `payment.url` yet."""
    with suppress(ProviderUnavailable):
        start_payment(order_id)


@api.post("/carts/<cart_id>/checkout")
@limiter.limit(CHECKOUT_LIMIT)
@spec.validate(resp=responses((200, 201), PlacedOrder, 400, 404, 409, 415, 422), tags=["checkout"])
def checkout(cart_id: str, json: CheckoutRequest, headers: CheckoutHeaders) -> tuple[PlacedOrder, int, dict[str, str]]:
    """Place the order, completely or not at all. The same cart or the same Idempotency-Key returns the same order.

    An order that is paid online waits for 30 minutes; `payment.url` is the page to pay on. If it is null while the
    payment is pending, the payment provider couldn't be reached: repeat the checkout. Repeating the checkout of a cart
    with another email address returns the order without its personal data."""
    tenant = current_tenant()
    buyer = check_checkout(tenant, json.email, json.name, json.delivery)
    key = check_idempotency_key(request.headers.get("Idempotency-Key"))
    choice = payment_choice(tenant, json.payment)
    order_id, is_new = actions.place_order(
        tenant, cart_id, buyer, json.expected_total, key, sent=json.delivery, payment=choice
    )
    if choice.is_required:
        open_payment_page(order_id)
    order = load_order(order_id)
    fields = order_fields(order)
    if not buyer.is_buyer_of(order.email):
        fields |= dict.fromkeys(PERSONAL)
        fields["payment"].url = None  # the page shows the buyer's email address
    bought = [line.product_id for line in order.lines]
    upsell = Upsell.of(suggest_after_order(tenant, order.cart_id, order.shopper, bought, shopper_language()))
    location = url_for("orders_api.get_order", order_id=order_id)
    return (
        PlacedOrder.model_construct(**fields, upsell=upsell),
        201 if is_new else 200,
        {"Location": location},
    )
