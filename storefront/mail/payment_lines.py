"""What an order's mail says of a payment that is still to come."""

from typing import TYPE_CHECKING

from storefront.i18n.formatting import format_day, format_money
from storefront.i18n.gettext import _
from storefront.state import current_state

if TYPE_CHECKING:
    from storefront.orders.queries import OrderView


def payment_request(order: "OrderView") -> str:
    """Return what the buyer of a bank transfer is asked to do; empty if no transfer is awaited."""
    payment = order.payment
    if payment is None or not order.awaits_transfer or payment.due_at is None:
        return ""
    amount, date = format_money(payment.amount), format_day(payment.due_at)
    asked = _("Please transfer %(amount)s by %(date)s and give this reference:", amount=amount, date=date)
    return f"{asked} {payment.reference}"


def payment_facts(order: "OrderView") -> tuple[tuple[str, str], ...]:
    """Return how the order is paid, and the shop's account, in lines, if a transfer is awaited."""
    account = current_state().bank_account_for(order)
    facts = ((_("Payment"), method_name(order)), (_("Bank account"), account))
    return tuple((label, value) for label, value in facts if value)


def method_name(order: "OrderView") -> str:
    """Return the name of a method that is paid after the order, as the checkout shows it; `payments` is above this
    package."""
    if order.payment_method == "bank_transfer":
        return _("Bank transfer")
    return _("Pay on delivery") if order.payment_method == "on_delivery" else ""
