"""What a credit note amounts to. Plain values; amounts are in minor units.

The parts of items and shipping are those that the refund has stored. Staff may refund another amount than what these
give, such as a goodwill payment without any item. The difference lowers or raises the tax as well: it is divided among
the rates of what is refunded, or else of the order, by what each cost, and the tax of each rate is rounded half up."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from storefront.documents.price_section import tax_lines
from storefront.money import tax_included_in
from storefront.orders.queries import OrderView
from storefront.orders.refund_queries import RefundView
from storefront.pricing.allocation import allocate
from storefront.pricing.price import Price, TaxLine


@dataclass(frozen=True)
class Taxed:
    """An amount with its tax, which is at `rate` per cent (None without tax)."""

    rate: Decimal | None
    gross: int
    tax: int = 0


def credited_price(order: OrderView, refund: RefundView) -> Price:
    """Return the steps of what was refunded: positive amounts, of which the total is the refund's amount."""
    included = order.price.tax_included
    parts = [*line_parts(order, refund), Taxed(order.price.tax_rate, refund.shipping, refund.shipping_tax)]
    other = other_parts(order, refund, parts)
    return Price(
        subtotal=goods_of(order, refund) + sum(part.gross if included else part.gross - part.tax for part in other),
        discount=sum(line.discount for line in refund.lines),
        tax=sum(part.tax for part in (*parts, *other)),
        total=refund.amount,
        tax_rate=order.price.tax_rate,
        tax_included=included,
        shipping=refund.shipping if included else refund.shipping - refund.shipping_tax,
        shipping_tax=refund.shipping_tax,
        tax_lines=tuple(
            TaxLine(part.rate, part.gross - part.tax, part.tax)
            for part in by_rate((*parts, *other))
            if part.rate is not None
        ),
        reverse_charge=order.price.reverse_charge,
    )


def goods_of(order: OrderView, refund: RefundView) -> int:
    """Return what the refunded items cost, before discount."""
    prices = {line.variant_id: line.unit_price for line in order.lines}
    return sum(prices[line.variant_id] * line.quantity for line in refund.lines)


def line_parts(order: OrderView, refund: RefundView) -> list[Taxed]:
    rates = {line.variant_id: line.tax_percent for line in order.lines}
    return [Taxed(rates[line.variant_id], line.amount, line.tax) for line in refund.lines]


def other_parts(order: OrderView, refund: RefundView, parts: Iterable[Taxed]) -> list[Taxed]:
    """Return by rate what was refunded beyond these parts; negative if less was refunded than they cost."""
    difference = refund.amount - sum(part.gross for part in parts)
    if not difference:
        return []
    own = by_rate(parts)
    of_order = [Taxed(line.rate, line.base + line.amount) for line in tax_lines(order.price)]
    basis = own or of_order or [Taxed(None, 1)]
    sign = 1 if difference > 0 else -1
    shares = allocate(abs(difference), [part.gross for part in basis])
    before = {part.rate: part for part in own}
    return [
        taxed_beside(before.get(part.rate, Taxed(part.rate, 0)), sign * share)
        for part, share in zip(basis, shares, strict=True)
    ]


def taxed_beside(before: Taxed, gross: int) -> Taxed:
    """Return an amount at a rate with what it changes of the tax, which is that of the sum of both."""
    tax = tax_included_in(before.gross + gross, before.rate) if before.rate else 0
    return Taxed(before.rate, gross, tax - before.tax)


def by_rate(parts: Iterable[Taxed]) -> list[Taxed]:
    """Return the sums of each rate, the highest first. Those of nothing are left out."""
    sums: dict[Decimal | None, Taxed] = {}
    for part in sorted(parts, key=lambda part: part.rate or 0, reverse=True):
        before = sums.get(part.rate, Taxed(part.rate, 0))
        sums[part.rate] = Taxed(part.rate, before.gross + part.gross, before.tax + part.tax)
    return [part for part in sums.values() if part.gross]
