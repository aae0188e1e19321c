"""What staff read about the money that goes back with the cancellation of an order."""

from collections.abc import Sequence

from storefront.i18n.formatting import format_money
from storefront.i18n.gettext import _
from storefront.orders.payment_choice import ONLINE_METHODS
from storefront.orders.queries import OrderView
from storefront.orders.refund_models import RefundStatus
from storefront.orders.refund_queries import RefundView
from storefront.refunds.changes import refundable


def payback_text(order: OrderView) -> str:
    """Return what a cancellation pays back, and by which way; empty if nothing."""
    amount = refundable(order)
    if not amount:
        return ""
    if order.payment_method in ONLINE_METHODS:
        return _("%(amount)s will be refunded.", amount=format_money(amount))
    return _("Please pay back %(amount)s yourself: the shop only records it.", amount=format_money(amount))


def cancelled_text(order: OrderView, made: Sequence[RefundView]) -> str:
    """Return the message after a cancellation, which has made these refunds: one, or none if nothing was paid."""
    return " ".join([_("Order cancelled."), *(refund_text(order, refund) for refund in made)])


def refund_text(order: OrderView, refund: RefundView) -> str:
    amount = format_money(refund.amount)
    if refund.status == RefundStatus.FAILED:
        return _("The payment provider couldn't refund %(amount)s.", amount=amount)
    if order.payment_method not in ONLINE_METHODS:
        return _("Please pay back %(amount)s yourself: the shop only records it.", amount=amount)
    if refund.status == RefundStatus.PENDING:
        return _("The refund of %(amount)s is on its way.", amount=amount)
    return _("%(amount)s was refunded.", amount=amount)
