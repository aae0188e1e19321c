"""The staff's calls about orders: list, fulfil, cancel."""

from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from storefront.i18n.gettext import _
from storefront.orders import fulfilment
from storefront.orders.api import Order, order_fields
from storefront.orders.fulfilment_validation import (
    MAX_CARRIER_LENGTH,
    MAX_REASON_LENGTH,
    MAX_TRACKING_LENGTH,
    check_shipment,
)
from storefront.orders.models import OrderStatus
from storefront.orders.payment_models import PaymentStatus
from storefront.orders.queries import load_order
from storefront.orders.search import OrderQuery, list_orders
from storefront.staff.access import requires
from storefront.staff.permissions import Permission
from storefront.web.openapi import (
    Cursor,
    RequestModel,
    ResponseModel,
    api_blueprint,
    decode_cursor,
    encode_cursor,
    parse_integer,
    responses,
    spec,
)

api = api_blueprint("orders_staff_api", __name__)
MAX_QUERY_LENGTH = 200


class OrderList(ResponseModel):
    items: list[Order]
    next_cursor: str | None


def check_status(value: str) -> str:
    if value and value not in list(OrderStatus):
        raise ValueError(_("Please choose one of: %(choices)s.", choices=", ".join(OrderStatus)))
    return value


def read_moment(value: object) -> object:
    """Return a parameter's text for `AwareDatetime`, which would also read a bare number, as seconds; None if it is
    empty."""
    if isinstance(value, str) and value and "-" not in value[1:]:
        raise PydanticCustomError("datetime_parsing", "not a date and time")
    return value or None


def check_payment_status(value: str) -> str:
    if value and value not in list(PaymentStatus):
        raise ValueError(_("Please choose one of: %(choices)s.", choices=", ".join(PaymentStatus)))
    return value


class OrdersQuery(BaseModel):
    status: Annotated[str, AfterValidator(check_status), Field(json_schema_extra={"enum": ["", *OrderStatus]})] = ""
    payment: Annotated[
        str, AfterValidator(check_payment_status), Field(json_schema_extra={"enum": ["", *PaymentStatus]})
    ] = ""
    q: Annotated[
        str,
        Field(
            max_length=MAX_QUERY_LENGTH,
            description="the beginning of a number, an email address or a word of a name; or words of a product",
        ),
    ] = ""
    since: Annotated[
        AwareDatetime | None,
        BeforeValidator(read_moment),
        Field(
            description="placed then or later",
            json_schema_extra={
                "anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "maxLength": 0}]
            },
        ),
    ] = None
    limit: Annotated[int, Field(ge=1, le=100), BeforeValidator(parse_integer)] = 20
    cursor: Cursor = ""


class Fulfilment(RequestModel):
    carrier: Annotated[str | None, Field(json_schema_extra={"maxLength": MAX_CARRIER_LENGTH})] = None
    tracking: Annotated[str | None, Field(json_schema_extra={"maxLength": MAX_TRACKING_LENGTH})] = None


class Cancellation(RequestModel):
    reason: Annotated[
        str | None, Field(description="for the staff", json_schema_extra={"maxLength": MAX_REASON_LENGTH})
    ] = None
    restock: Annotated[bool, Field(description="whether the stock comes back")] = True


@api.get("/orders")
@requires(Permission.ORDERS_READ)
@spec.validate(resp=responses(200, OrderList, 401, 403, 422), tags=["staff"])
def list_all(query: OrdersQuery) -> OrderList:
    """The shop's orders, the newest first."""
    before = decode_cursor(query.cursor, 0) if query.cursor else None
    page = list_orders(OrderQuery(query.q, query.status, query.payment, query.since, before), query.limit)
    return OrderList.model_construct(
        items=[Order.model_construct(**order_fields(order)) for order in page.orders],
        next_cursor=encode_cursor(page.orders[-1].position) if page.has_older else None,
    )


@api.post("/orders/<order_id>/fulfil")
@requires(Permission.ORDERS_WRITE)
@spec.validate(resp=responses(200, Order, 400, 401, 403, 404, 409, 415, 422), tags=["staff"])
def fulfil(order_id: str, json: Fulfilment) -> Order:
    """Mark an order as shipped. Again is the same answer; for a cancelled order a 409 of the type /wrong-state."""
    fulfilment.fulfil_order(order_id, check_shipment(json.carrier or "", json.tracking or ""))
    return Order.model_construct(**order_fields(load_order(order_id)))


@api.post("/orders/<order_id>/cancel")
@requires(Permission.ORDERS_WRITE)
@spec.validate(resp=responses(200, Order, 400, 401, 403, 404, 409, 415, 422), tags=["staff"])
def cancel(order_id: str, json: Cancellation) -> Order:
    """Cancel an order. Again is the same answer; for one that was shipped a 409 of the type /wrong-state."""
    fulfilment.cancel_order(order_id, json.reason or "", json.restock)
    return Order.model_construct(**order_fields(load_order(order_id)))
