"""Price calculation in named steps: subtotal, minus discount, plus shipping, plus tax, is the total. The only place
that adds amounts. docs/pricing.md explains how each step is rounded."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from storefront.money import percentage_of, tax_included_in
from storefront.pricing.allocation import allocate
from storefront.pricing.price import NOWHERE, Destination, LinePrice, Price, PriceLine, PromoProblem, TaxLine
from storefront.pricing.promotions import ALL_AVAILABLE, Unavailable, discount_of, problem_of
from storefront.tenants.promotions import Promotion
from storefront.tenants.settings import TenantSettings
from storefront.tenants.shipping_methods import ShippingMethod
from storefront.tenants.tax import TaxRates

NO_TAX = Decimal(0)


def calculate_price(
    tenant: TenantSettings,
    lines: Iterable[PriceLine],
    promo_code: str | None,
    now: datetime,
    to: Destination = NOWHERE,
    unavailable: Unavailable = ALL_AVAILABLE,
) -> Price:
    """Calculate the price of these lines at the time `now`.

    A code that gives nothing sets `promo_problem`; then the automatic promotion with the lowest total applies."""
    basis = Basis.of(tenant, lines, to)
    promotion = tenant.promotion(promo_code) if promo_code else None
    problem = problem_of(tenant, promotion, basis.subtotal, now, unavailable) if promo_code else None
    if promotion and problem is None:
        return price_with(basis, promotion, promo_code)
    automatic = (
        offer
        for offer in tenant.promotions
        if offer.automatic and problem_of(tenant, offer, basis.subtotal, now, unavailable) is None
    )
    prices = [price_with(basis, offer, promo_code, problem) for offer in (None, *automatic)]
    return min(prices, key=lambda price: price.total)


class Basis(NamedTuple):
    """What doesn't depend on the promotion. `rates` are those of each line in per cent, None without tax."""

    lines: tuple[PriceLine, ...]
    rates: tuple[Decimal | None, ...]
    main_rate: Decimal | None
    tax_included: bool
    method: ShippingMethod | None
    tax_taken_off_shipping: Decimal
    """In per cent: of a price that includes tax which the buyer doesn't owe to this shop."""
    reverse_charge: bool

    @classmethod
    def of(cls, tenant: TenantSettings, lines: Iterable[PriceLine], to: Destination) -> "Basis":
        given, tax = tuple(lines), tenant.tax
        method = to.method if given else None
        if tax is None:
            return cls(given, (None,) * len(given), None, False, method, NO_TAX, False)
        rates = tax.rates_in(to.country)
        if not to.reverse_charge:
            of_lines = tuple(rates.rate_of(line.tax_class) for line in given)
            return cls(given, of_lines, rates.rate, tax.included, method, NO_TAX, False)
        if tax.included:
            given = tuple(without_tax(line, rates) for line in given)
        off = rates.rate if tax.included else NO_TAX
        return cls(given, (NO_TAX,) * len(given), NO_TAX, False, method, off, True)

    @property
    def subtotal(self) -> int:
        return sum(line.total for line in self.lines)

    def shipping(self, goods: int, promotion: Promotion | None) -> int:
        """Return the price of shipping for goods of this amount, discount taken off."""
        if self.method is None or (promotion and promotion.free_shipping):
            return 0
        weight = sum((line.weight or 0) * line.quantity for line in self.lines)
        price = self.method.price_of(goods, weight)
        return price - tax_included_in(price, self.tax_taken_off_shipping)


def without_tax(line: PriceLine, rates: TaxRates) -> PriceLine:
    """Return a line at its price without the tax that this includes."""
    return line._replace(unit_price=line.unit_price - tax_included_in(line.unit_price, rates.rate_of(line.tax_class)))


def price_with(
    basis: Basis, promotion: Promotion | None, promo_code: str | None, problem: PromoProblem | None = None
) -> Price:
    """Return the price with this promotion, whose conditions are met. The cart's code may be another one, which gives
    nothing because of the problem."""
    subtotal, totals = basis.subtotal, [line.total for line in basis.lines]
    discount = discount_of(promotion, subtotal)
    discounts = allocate(discount, totals)
    shipping = basis.shipping(subtotal - discount, promotion)
    taxed = [*(total - off for total, off in zip(totals, discounts, strict=True)), shipping]
    rates = [*basis.rates, basis.main_rate]
    tax_lines, taxes = split_tax(taxed, rates, basis.tax_included)
    tax = sum(line.amount for line in tax_lines)
    *line_taxes, shipping_tax = taxes
    parts = zip(basis.lines, discounts, line_taxes, basis.rates, strict=True)
    return Price(
        subtotal=subtotal,
        discount=discount,
        tax=tax,
        total=subtotal - discount + shipping + (0 if basis.tax_included else tax),
        tax_rate=basis.main_rate,
        tax_included=basis.tax_included,
        promo_code=promo_code,
        promo_problem=problem,
        applied_code=promotion.code if promotion else None,
        shipping=shipping,
        shipping_tax=shipping_tax,
        method=basis.method,
        tax_lines=tuple(tax_lines),
        reverse_charge=basis.reverse_charge,
        lines=tuple(LinePrice(line.unit_price, line.quantity, off, own, rate) for line, off, own, rate in parts),
    )


def split_tax(
    amounts: Sequence[int], rates: Sequence[Decimal | None], included: bool
) -> tuple[list[TaxLine], list[int]]:
    """Return the tax of each rate, the highest first, and of each amount.

    The tax of a rate is rounded once, half up, for the sum of its amounts, and allocated to them."""
    found, taxes = [], [0] * len(amounts)
    for rate in sorted({rate for rate in rates if rate is not None}, reverse=True):
        members = [i for i in range(len(amounts)) if rates[i] == rate]
        own = [amounts[i] for i in members]
        taxable = sum(own)
        if not taxable:
            continue
        tax = tax_included_in(taxable, rate) if included else percentage_of(taxable, rate)
        found.append(TaxLine(rate, taxable - tax if included else taxable, tax))
        for i, part in zip(members, allocate(tax, own), strict=True):
            taxes[i] = part
    return found, taxes
