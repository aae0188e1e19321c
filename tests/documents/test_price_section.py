"""The tax by rate, as documents show it."""

from decimal import Decimal

from storefront.documents.price_section import tax_lines
from storefront.pricing.price import Price, TaxLine


def test_order_of_an_earlier_version_has_one_rate() -> None:
    rate = Decimal(20)
    line = TaxLine(rate, 1000, 200)
    assert tax_lines(Price(1000, 0, 200, 1200, tax_rate=rate)) == (line,)
    assert tax_lines(Price(1300, 100, 200, 1200, tax_rate=rate, tax_included=True)) == (line,)


def test_order_without_tax_has_no_rates() -> None:
    assert tax_lines(Price(1000, 0, 0, 1000)) == ()
    assert tax_lines(Price(1000, 0, 0, 1000, tax_rate=Decimal(20))) == ()
