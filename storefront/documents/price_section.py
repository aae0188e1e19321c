"""The amounts of an invoice or a credit note: those that are stored, and sums of them. Nothing is calculated anew."""

from collections.abc import Iterator
from decimal import Decimal

from storefront.documents.document import PriceSection, TaxRow
from storefront.i18n.formatting import format_money, format_percent
from storefront.i18n.gettext import _
from storefront.pricing.price import Price, TaxLine


def price_section(price: Price, shipping_name: str | None) -> PriceSection:
    taxes = tax_lines(price)
    notes = tuple(price_notes(price))
    return PriceSection(tuple(price_steps(price, taxes, shipping_name)), tuple(map(tax_row, taxes)), notes)


def tax_lines(price: Price) -> tuple[TaxLine, ...]:
    """Return the tax by rate. Orders of earlier versions have one rate, and stored no lines."""
    if price.tax_lines or not price.tax or price.tax_rate is None:
        return price.tax_lines
    untaxed = price.total - price.tax
    return (TaxLine(price.tax_rate, untaxed, price.tax),)


def price_steps(price: Price, taxes: tuple[TaxLine, ...], shipping_name: str | None) -> Iterator[tuple[str, str]]:
    yield _("Subtotal"), format_money(price.subtotal)
    if price.discount:
        yield discount_label(price.applied_code), "−" + format_money(price.discount)
    if shipping_name or price.shipping:
        label = _("Shipping") if not shipping_name else f"{_('Shipping')} ({shipping_name})"
        yield label, format_money(price.shipping)
    if not price.tax_included:
        for line in taxes:
            if line.amount:
                yield _("Tax (%(rate)s)", rate=format_percent(line.rate)), format_money(line.amount)
    yield _("Total"), format_money(price.total)


def discount_label(code: str | None) -> str:
    return f"{_('Discount')} ({code})" if code else _("Discount")


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
