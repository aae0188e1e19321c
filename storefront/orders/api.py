"""Orders, in the JSON API."""

from typing import Annotated, Any

from pydantic import Field

from storefront.clock import rfc3339
from storefront.orders.models import OrderStatus
from storefront.orders.payment_models import PaymentMethod, PaymentStatus
from storefront.orders.queries import OrderView, load_order
from storefront.orders.refund_models import RefundStatus
from storefront.orders.refund_queries import RefundView
from storefront.web.openapi import Money, ResponseModel, api_blueprint, responses, spec

api = api_blueprint("orders_api", __name__)


class OrderItem(ResponseModel):
    product_id: str
    variant_id: str
    options: Annotated[list[str], Field(description="the variant's values when the order was placed")]
    name: str
    unit_price: Money
    quantity: int
    line_total: Money
    from_upsell: bool


Personal = Annotated[
    str | None, Field(description="null for a checkout that found the order and names another buyer than the order's")
]


class Delivery(ResponseModel):
    method: str | None
    name: str | None
    carrier: str | None
    tracking: str | None


class Address(ResponseModel):
    line1: str
    line2: str | None
    postal_code: str | None
    city: str | None
    region: str | None
    country: str


class OrderPayment(ResponseModel):
    method: Annotated[str | None, Field(json_schema_extra={"enum": [*PaymentMethod, None]})]
    status: Annotated[str, Field(json_schema_extra={"enum": [*PaymentStatus]})]
    paid: Money
    refunded: Money
    url: Annotated[str | None, Field(description="the page to pay on, while the payment is pending")]


class RefundItem(ResponseModel):
    product_id: str
    variant_id: str
    quantity: int
    amount: Annotated[Money, Field(description="with the item's share of the discount and the tax")]
    tax: Annotated[Money, Field(description="how much of that, or on top where prices are without tax, is tax")]


class Refund(ResponseModel):
    id: str
    number: Annotated[str | None, Field(description="of the credit note; null until the refund has succeeded")]
    status: Annotated[str, Field(json_schema_extra={"enum": [*RefundStatus]})]
    amount: Annotated[Money, Field(description="the whole amount, which may be another one than that of its parts")]
    items: list[RefundItem]
    shipping: Annotated[Money, Field(description="what is paid back of the shipping, with its tax")]
    reason: str | None
    restocked: Annotated[bool, Field(description="whether some of the items came back into stock")]
    created_at: Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class Order(ResponseModel):
    id: str
    number: str
    status: Annotated[str, Field(json_schema_extra={"enum": [*OrderStatus]})]
    email: Personal
    name: Personal
    items: list[OrderItem]
    promo_code: str | None
    subtotal: Money
    discount: Money
    shipping: Money
    tax: Money
    total: Money
    address: Annotated[
        Address | None, Field(description="where it is sent; null for a pick-up, and as for `email` and `name`")
    ]
    delivery: Annotated[
        Delivery | None, Field(description="the shipping method; null if the shop has none and it wasn't shipped")
    ]
    payment: Annotated[OrderPayment, Field(description="`none`: nothing to pay online")]
    refunds: list[Refund]
    created_at: Annotated[str, Field(json_schema_extra={"format": "date-time"})]


def order_fields(order: OrderView) -> dict[str, Any]:
    """The members of an `Order`, which a placed order has too."""

    def paid(minor: int) -> Money:
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
                variant_id=line.variant_id,
                options=line.option_values,
                name=line.name,
                unit_price=paid(line.unit_price),
                quantity=line.quantity,
                line_total=paid(line.line_total),
                from_upsell=line.from_upsell,
            )
            for line in order.lines
        ],
        "promo_code": order.price.promo_code,
        "subtotal": paid(order.price.subtotal),
        "discount": paid(order.price.discount),
        "shipping": paid(order.price.shipping),
        "tax": paid(order.price.tax),
        "total": paid(order.price.total),
        "address": address_of(order),
        "delivery": delivery_of(order),
        "payment": payment_of(order),
        "refunds": [refund_of(refund) for refund in order.refunds],
        "created_at": rfc3339(order.created_at),
    }


def delivery_of(order: OrderView) -> Delivery | None:
    if order.shipping_method is None and order.status != OrderStatus.FULFILLED:
        return None
    return Delivery(
        method=order.shipping_method, name=order.shipping_name, carrier=order.carrier, tracking=order.tracking
    )


def address_of(order: OrderView) -> Address | None:
    if order.address is None:
        return None
    stored = order.address
    optional = {name: stored.get(name) for name in ("line2", "postal_code", "city", "region")}
    return Address(line1=stored["line1"], country=stored["country"], **optional)


def payment_of(order: OrderView) -> OrderPayment:
    payment, currency = order.payment, order.currency
    return OrderPayment.model_construct(
        method=order.payment_method,
        status=order.payment_status,
        paid=Money.model_construct(amount=payment.paid if payment else 0, currency=currency),
        refunded=Money.model_construct(amount=payment.refunded if payment else 0, currency=currency),
        url=payment.url if payment else None,
    )


def refund_of(refund: RefundView) -> Refund:
    def money(minor: int) -> Money:
        return Money.model_construct(amount=minor, currency=refund.currency)

    return Refund.model_construct(
        id=refund.id,
        number=refund.number,
        status=refund.status,
        amount=money(refund.amount),
        items=[
            RefundItem.model_construct(
                product_id=line.product_id,
                variant_id=line.variant_id,
                quantity=line.quantity,
                amount=money(line.amount),
                tax=money(line.tax),
            )
            for line in refund.lines
        ],
        shipping=money(refund.shipping),
        reason=refund.reason,
        restocked=refund.is_restocked,
        created_at=rfc3339(refund.created_at),
    )


@api.get("/orders/<order_id>")
@spec.validate(resp=responses(200, Order, 404), tags=["orders"])
def get_order(order_id: str) -> Order:
    """Get an order by its id."""
    return Order.model_construct(**order_fields(load_order(order_id)))
