"""What the form of a refund offers."""

from dataclasses import dataclass

from storefront.ids import new_token
from storefront.orders.queries import OrderLineView, OrderView
from storefront.refunds.changes import may_restock, paid_order, refundable


@dataclass(frozen=True)
class RefundForm:
    """What the form offers: lines with how many are left, and amounts in minor units. Sending the form twice is one
    refund, by its `id`."""

    id: str
    lines: list[tuple[OrderLineView, int]]
    shipping: int
    available: int
    may_restock: bool


def refund_form(order: OrderView) -> RefundForm | None:
    """Return the form for an order of which something can be refunded."""
    if order.payment is None or not refundable(order):
        return None
    paid = paid_order(order, order.payment)
    left = [(line, line.quantity - paid.refunded.get(line.variant_id, 0)) for line in order.lines]
    lines = [(line, most) for line, most in left if most]
    return RefundForm(new_token(), lines, paid.shipping_left, paid.available, may_restock(order))
