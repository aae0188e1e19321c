"""The staff's call about refunds."""

from hashlib import sha256
from typing import Annotated

from flask import request
from pydantic import BaseModel, Field

from storefront.errors import FieldError, Invalid
from storefront.i18n.gettext import _
from storefront.ids import new_token
from storefront.money import MAX_AMOUNT
from storefront.orders.api import Refund, refund_of
from storefront.orders.fulfilment_validation import MAX_REASON_LENGTH
from storefront.orders.queries import OrderView, load_order
from storefront.orders.validation import IDEMPOTENCY_KEY_PATTERN, MAX_IDEMPOTENCY_KEY_LENGTH, check_idempotency_key
from storefront.refunds.actions import refund_order
from storefront.refunds.calculator import RefundRequest
from storefront.staff.access import requires
from storefront.staff.permissions import Permission
from storefront.web.openapi import RequestModel, api_blueprint, responses, spec

api = api_blueprint("refunds_staff_api", __name__)
MAX_LINES = 100
MinorUnits = Annotated[int, Field(ge=0, le=MAX_AMOUNT * 1000)]


class ReturnedItem(RequestModel):
    product_id: Annotated[str, Field(max_length=64)]
    variant_id: Annotated[
        str | None, Field(max_length=64, description="needed if the order has several variants of the product")
    ] = None
    quantity: Annotated[int, Field(ge=1, le=999)]


class NewRefund(RequestModel):
    items: Annotated[list[ReturnedItem], Field(max_length=MAX_LINES)] = []
    shipping: Annotated[MinorUnits | None, Field(description="what is paid back of the shipping, with its tax")] = None
    amount: Annotated[
        MinorUnits | None,
        Field(description="the whole amount; without it, what the items and the shipping cost the buyer"),
    ] = None
    reason: Annotated[
        str | None, Field(description="the buyer sees it", json_schema_extra={"maxLength": MAX_REASON_LENGTH})
    ] = None
    restock: Annotated[bool, Field(description="whether the items come back into stock")] = False


class RefundHeaders(BaseModel):
    idempotency_key: Annotated[
        str | None,
        Field(
            alias="Idempotency-Key",
            max_length=MAX_IDEMPOTENCY_KEY_LENGTH,
            description="a repeated key returns the same refund",
            json_schema_extra={"pattern": IDEMPOTENCY_KEY_PATTERN},
        ),
    ] = None


@api.post("/orders/<order_id>/refunds")
@requires(Permission.REFUNDS_WRITE)
@spec.validate(resp=responses(201, Refund, 400, 401, 403, 404, 415, 422), tags=["staff"])
def refund(order_id: str, json: NewRefund, headers: RefundHeaders) -> tuple[Refund, int]:
    """Pay back a part of what was paid, or all of it. The refund is `pending` until the payment provider has confirmed
    it."""
    key = check_idempotency_key(request.headers.get("Idempotency-Key"))
    order = load_order(order_id)
    items = quantities(order, json.items)
    wanted = RefundRequest(items, json.shipping or 0, json.amount, json.reason or "", json.restock)
    refund_id = sha256(f"{order_id}\0{key}".encode()).hexdigest() if key else new_token()
    return refund_of(refund_order(order_id, wanted, refund_id)), 201


def quantities(order: OrderView, items: list[ReturnedItem]) -> dict[str, int]:
    """Return the quantities by variant. Raises `Invalid` for an item that the order doesn't have, or names twice."""
    found: dict[str, int] = {}
    for item in items:
        fitting = [
            line.variant_id
            for line in order.lines
            if line.product_id == item.product_id and item.variant_id in (None, line.variant_id)
        ]
        if not fitting:
            raise Invalid(
                FieldError("items", _("This order has no item %(id)s.", id=item.variant_id or item.product_id))
            )
        if len(fitting) > 1:
            raise Invalid(FieldError("items", _("Please name the variant of %(id)s.", id=item.product_id)))
        if fitting[0] in found:
            raise Invalid(FieldError("items", _("%(id)s is given twice.", id=fitting[0])))
        found[fitting[0]] = item.quantity
    return found
