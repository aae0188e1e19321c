"""Amounts: parsed, rounded and formatted, in currencies with no, two and three decimals."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storefront import money

CURRENCIES = {"JPY": 0, "EUR": 2, "KWD": 3, "CLF": 4}
currencies = st.sampled_from(sorted(CURRENCIES))
percents = st.decimals(0, 100, places=4)
amounts = st.integers(0, 10**15)


@pytest.mark.parametrize(("currency", "digits"), CURRENCIES.items())
def test_each_currency_has_its_number_of_decimals(currency: str, digits: int) -> None:
    assert money.minor_unit_digits(currency) == digits


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("34.90", "EUR", 3490),
        ("34.9", "EUR", 3490),
        ("34", "EUR", 3400),
        ("0.01", "EUR", 1),
        ("0", "EUR", 0),
        ("007", "EUR", 700),
        ("1200", "JPY", 1200),
        ("1.250", "KWD", 1250),
        ("1.25", "KWD", 1250),
        ("0.001", "KWD", 1),
        ("10000000000.00", "EUR", money.MAX_AMOUNT),
    ],
)
def test_decimal_string_is_parsed_exactly(text: str, currency: str, minor: int) -> None:
    assert money.parse(text, currency) == minor


@pytest.mark.parametrize(
    ("text", "currency", "message"),
    [
        ("34.905", "EUR", "more decimals than EUR has (2)"),
        ("12.5", "JPY", "more decimals than JPY has (0)"),
        ("1.2505", "KWD", "more decimals than KWD has (3)"),
        ("10000000000.01", "EUR", "greater than the maximum price"),
        *(
            (text, "EUR", "is not a decimal number such as 12.50")
            for text in (
                "", " ", "abc", "-1", "+1", "1,50", "1 000", "1e3", ".5", "5.", "NaN", "Infinity", "0x10", "1.2.3",
                "٣", "１２", "1_000", "12\n", " 12", "€12",
            )
        ),
        ("", "JPY", "such as 1250"),
        ("", "KWD", "such as 1.250"),
    ],
)  # fmt: skip
def test_invalid_amount_is_refused_with_its_text(text: str, currency: str, message: str) -> None:
    with pytest.raises(ValueError) as refusal:
        money.parse(text, currency)
    assert message in str(refusal.value)
    assert repr(text) in str(refusal.value)


def test_price_of_a_million_digits_is_refused() -> None:
    with pytest.raises(ValueError, match="decimal"):
        money.parse("9" * 1_000_000, "EUR")


@given(amounts.filter(lambda amount: amount <= money.MAX_AMOUNT), currencies)
def test_formatted_amount_is_parsed_as_the_same_amount(amount: int, currency: str) -> None:
    assert money.parse(f"{Decimal(amount).scaleb(-money.minor_unit_digits(currency)):f}", currency) == amount


@pytest.mark.parametrize(
    ("amount", "percent", "part"),
    [
        (5, "10", 1),
        (4, "10", 0),
        (15, "10", 2),
        (25, "10", 3),
        (1, "50", 1),
        (3, "50", 2),
        (1, "49.9999", 0),
        (999, "0", 0),
    ],
)
def test_percentage_rounds_half_up(amount: int, percent: str, part: int) -> None:
    assert money.percentage_of(amount, Decimal(percent)) == part


@pytest.mark.parametrize(
    ("amount", "percent", "part"), [(120, "20", 20), (1, "100", 1), (3, "100", 2), (100, "20", 17), (0, "20", 0)]
)
def test_included_tax_rounds_half_up(amount: int, percent: str, part: int) -> None:
    assert money.tax_included_in(amount, Decimal(percent)) == part


@given(amounts, percents)
def test_percentages_are_within_half_a_unit_of_the_exact_value(amount: int, percent: Decimal) -> None:
    for part, exact in (
        (money.percentage_of(amount, percent), amount * percent / 100),
        (money.tax_included_in(amount, percent), amount * percent / (100 + percent)),
    ):
        assert part == exact.quantize(Decimal(1), ROUND_HALF_UP)
        assert 0 <= part <= amount


@given(st.integers(0, 999 * 100 * money.MAX_AMOUNT))
def test_percentage_of_the_largest_cart_is_exact(amount: int) -> None:
    """A hundred lines with quantity 999 of the largest price: 18 digits."""
    assert money.percentage_of(amount, Decimal(100)) == amount
    assert money.tax_included_in(amount, Decimal(100)) == (amount + 1) // 2


@pytest.mark.parametrize(
    ("amount", "currency", "locale", "shown"),
    [
        (1250, "EUR", "en-IE", "€12.50"),
        (123456, "EUR", "de-DE", "1.234,56\u00a0€"),
        (12400, "JPY", "ja-JP", "¥12,400"),
        (1250, "JPY", "en", "¥1,250"),
        (0, "EUR", "en-IE", "€0.00"),
        (5, "EUR", "en-IE", "€0.05"),
    ],
)
def test_amount_is_formatted_by_locale(amount: int, currency: str, locale: str, shown: str) -> None:
    assert money.format_money(amount, currency, locale) == shown


def test_three_decimals_are_formatted() -> None:
    assert "1.250" in money.format_money(1250, "KWD", "en-KW")
    assert "1.250" in money.format_money(1250, "KWD", "en-US")


@given(amounts, currencies, st.sampled_from(["en-IE", "de-DE", "ja-JP", "en-US", "fr-FR"]))
def test_every_digit_of_an_amount_is_formatted(amount: int, currency: str, locale: str) -> None:
    digits = "".join(char for char in money.format_money(amount, currency, locale) if char.isdigit())
    assert digits == str(amount).rjust(money.minor_unit_digits(currency) + 1, "0")


def test_unknown_currency_or_locale_is_refused() -> None:
    assert money.check_currency("EUR") == "EUR"
    for wrong in ("EURO", "eur", "XXY", ""):
        with pytest.raises(ValueError, match="ISO 4217"):
            money.check_currency(wrong)
    assert str(money.parse_locale("en-IE")) == "en_IE"
    for wrong in ("klingon", "", "../etc", "e"):
        with pytest.raises(ValueError, match="not a known locale"):
            money.parse_locale(wrong)
