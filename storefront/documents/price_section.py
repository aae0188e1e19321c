"""The amounts of an invoice or a credit note: those that are stored, and sums of them. Nothing is calculated anew."""

from collections.abc import Iterator
from decimal import Decimal

from storefront.documents.document import PriceSection, TaxRow
from storefront.i18n.formatting import format_money, format_percent
from storefront.i18n.gettext import _
from storefront.i18n.price_steps import price_steps
from storefront.pricing.price import Price, TaxLine


def price_section(price: Price, shipping_name: str | None) -> PriceSection:
    steps, taxes = price_steps(price, shipping_name), map(tax_row, price.tax_lines)
    return PriceSection(tuple(steps), tuple(taxes), tuple(price_notes(price)))


def tax_row(line: TaxLine) -> TaxRow:
    return TaxRow(
        format_percent(line.rate),
        format_money(line.base),
        format_money(line.amount),
        format_money(line.base + line.amount),
    )


def price_notes(price: Price) -> Iterator[str]:
    if price.reverse_charge:
        yield _("Reverse charge: the recipient owes the VAT.")
    elif price.tax and price.tax_included:
        yield _("Prices include tax.")


def rate_text(rate: str | Decimal | None) -> str:
    """Return a rate in per cent in words; empty without tax."""
    return "" if rate is None else format_percent(Decimal(rate))
