"""The staff's call about payments: mark as paid."""

from typing import Annotated

from pydantic import Field

from storefront.orders.api import Order, order_fields
from storefront.orders.queries import load_order
from storefront.payments.by_hand import MAX_REFERENCE_LENGTH, mark_paid
from storefront.staff.access import requires
from storefront.staff.permissions import Permission
from storefront.web.openapi import RequestModel, api_blueprint, responses, spec

api = api_blueprint("payments_staff_api", __name__)


class ReceivedPayment(RequestModel):
    reference: Annotated[
        str | None, Field(description="for the staff", json_schema_extra={"maxLength": MAX_REFERENCE_LENGTH})
    ] = None


@api.post("/orders/<order_id>/paid")
@requires(Permission.ORDERS_WRITE)
@spec.validate(resp=responses(200, Order, 400, 401, 403, 404, 409, 415, 422), tags=["staff"])
def paid(order_id: str, json: ReceivedPayment) -> Order:
    """Mark an order as paid, by bank transfer or on delivery. Again is the same answer; for an order that is cancelled,
    paid online or has nothing to pay a 409 of the type /wrong-state."""
    mark_paid(order_id, json.reference or "")
    return Order.model_construct(**order_fields(load_order(order_id)))
