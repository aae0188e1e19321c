"""What the mail about a refund says was refunded."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from storefront.i18n.formatting import format_integer, format_money
from storefront.i18n.gettext import _
from storefront.i18n.price_steps import other_step

if TYPE_CHECKING:
    from storefront.orders.queries import OrderView
    from storefront.orders.refund_queries import RefundView


def refund_steps(order: "OrderView", refund: "RefundView") -> Iterator[tuple[str, str]]:
    """Yield label and amount of each refunded item, of the shipping, and of what staff refunded more or less than these
    cost. They add up to the refund."""
    refunded = {line.variant_id: line for line in refund.lines}
    for line in order.lines:
        if part := refunded.get(line.variant_id):
            options = f" ({', '.join(line.option_values)})" if line.options else ""
            yield f"{format_integer(part.quantity)} × {line.name}{options}", format_money(part.amount)
    if refund.shipping:
        yield _("Shipping"), format_money(refund.shipping)
    other = refund.amount - refund.shipping - sum(part.amount for part in refund.lines)
    if other:
        yield other_step(other)


def refund_facts(refund: "RefundView") -> Iterator[tuple[str, str]]:
    if refund.number:
        yield _("Credit note"), refund.number
    if refund.reason:
        yield _("Reason"), refund.reason
