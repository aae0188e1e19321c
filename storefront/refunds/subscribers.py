"""Signal handlers: what was paid for a cancelled order is refunded, whether it was paid before or afterwards."""

from typing import Any

from storefront.ids import new_token
from storefront.orders.payment_changes import lock_payment
from storefront.orders.queries import OrderView, load_order
from storefront.refunds.actions import pay_back, refund_rest
from storefront.signals import late_payment_received, order_with_payment_cancelled, refund_due


def write_refund(_sender: Any, order: OrderView) -> None:
    """Write the refund in the transaction of the cancellation or of the late payment, so that there is none without the
    other."""
    locked = lock_payment(order.id)
    if locked is not None:
        refund_rest(order, locked[1], new_token())


def pay_back_cancelled(_sender: Any, order_id: str) -> None:
    """Ask the provider at once, so that who cancels or pays sees the result. If it doesn't answer, the job does it."""
    for refund in load_order(order_id).refunds:
        if refund.is_pending:
            pay_back(refund.id)


def init_app() -> None:
    """Follow the signals. Connecting twice is the same as once."""
    refund_due.connect(write_refund)
    late_payment_received.connect(pay_back_cancelled)
    order_with_payment_cancelled.connect(pay_back_cancelled)
