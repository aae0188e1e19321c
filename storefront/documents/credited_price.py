"""What a credit note amounts to, from what the refund has stored. Plain values; amounts are in minor units."""

from storefront.orders.queries import OrderView
from storefront.orders.refund_queries import RefundView
from storefront.pricing.price import Price


def credited_price(order: OrderView, refund: RefundView) -> Price:
    """Return the steps of what was refunded: positive amounts, of which the total is the refund's amount.

    The subtotal is what leads to it. It differs from the items' prices if staff refunded another amount than these. If
    that is less than the shipping, the shipping is part of the subtotal, which else were below zero.
    """
    included = order.price.tax_included
    discount, tax = sum(line.discount for line in refund.lines), sum(line.amount for line in refund.tax_lines)
    shipping = refund.shipping if included else refund.shipping - refund.shipping_tax
    without_shipping = refund.amount - (0 if included else tax) + discount
    if shipping > without_shipping:
        shipping = 0
    return Price(
        subtotal=without_shipping - shipping,
        discount=discount,
        tax=tax,
        total=refund.amount,
        tax_rate=order.price.tax_rate,
        tax_included=included,
        shipping=shipping,
        shipping_tax=refund.shipping_tax,
        tax_lines=refund.tax_lines,
        reverse_charge=order.price.reverse_charge,
    )


def shipping_among_lines(order: OrderView, refund: RefundView, price: Price) -> int:
    """Return the refunded shipping if it is part of the subtotal; else 0."""
    if price.shipping:
        return 0
    return refund.shipping - (0 if order.price.tax_included else refund.shipping_tax)


def goods_of(order: OrderView, refund: RefundView) -> int:
    """Return what the refunded items cost, before discount."""
    prices = {line.variant_id: line.unit_price for line in order.lines}
    return sum(prices[line.variant_id] * line.quantity for line in refund.lines)
