"""The shares of a refund by tax rate, as a credit note states them. Plain values; amounts are in minor units.

A refund of items and shipping has their own tax. Another amount is split in proportion to what these cost, and what is
left of it, such as a free amount, in proportion to what is left of the order at each rate. So no rate gets back more
than the order has at it, and all refunds of an order together have exactly the tax of the order."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from storefront.pricing.allocation import allocate
from storefront.pricing.price import TaxLine


@dataclass(frozen=True)
class Taxed:
    """An amount with its tax, and how much of it is tax."""

    amount: int = 0
    tax: int = 0

    def __add__(self, other: "Taxed") -> "Taxed":
        return Taxed(self.amount + other.amount, self.tax + other.tax)

    def __sub__(self, other: "Taxed") -> "Taxed":
        return Taxed(self.amount - other.amount, self.tax - other.tax)

    def fits_into(self, other: "Taxed") -> bool:
        return self.tax <= other.tax and self.amount - self.tax <= other.amount - other.tax


NOTHING = Taxed()
ByRate = Mapping[Decimal | None, Taxed]
"""By rate in per cent; None is what has no tax."""


def by_rate(total: int, lines: tuple[TaxLine, ...]) -> dict[Decimal | None, Taxed]:
    """Return an amount by rate, given its tax lines; what they don't name has no tax."""
    found: dict[Decimal | None, Taxed] = {}
    for line in lines:
        found[line.rate] = found.get(line.rate, NOTHING) + Taxed(line.base + line.amount, line.amount)
    found[None] = Taxed(total - sum(part.amount for part in found.values()))
    return found


def tax_shares(amount: int, parts: ByRate, left: ByRate) -> tuple[TaxLine, ...]:
    """Return the tax lines of a refund, the highest rate first. `parts` are the items and the shipping in it, `left`
    is what earlier refunds have left of the order."""
    is_sum = amount == sum(part.amount for part in parts.values())
    if is_sum and all(part.fits_into(left.get(rate, NOTHING)) for rate, part in parts.items()):
        shares = parts
    else:
        shares = split(amount, parts, left)
    taxed = sorted(((rate, share) for rate, share in shares.items() if rate is not None and share.amount), reverse=True)
    return tuple(TaxLine(rate, share.amount - share.tax, share.tax) for rate, share in taxed)


def split(amount: int, parts: ByRate, left: ByRate) -> ByRate:
    rates = list(left)
    most = [max(left[rate].amount, 0) for rate in rates]
    own = [min(parts.get(rate, NOTHING).amount, limit) for rate, limit in zip(rates, most, strict=True)]
    first = allocate(min(amount, sum(own)), own)
    others = [limit - share for limit, share in zip(most, first, strict=True)]
    more = allocate(min(amount - sum(first), sum(others)), others)
    return {rate: share_of(left[rate], one + other) for rate, one, other in zip(rates, first, more, strict=True)}


def share_of(whole: Taxed, amount: int) -> Taxed:
    """Return a part of an amount with its part of the tax, rounded half up."""
    return Taxed(amount, (2 * whole.tax * amount + whole.amount) // (2 * whole.amount)) if amount else NOTHING
