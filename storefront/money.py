"""Amounts of money: integers in the currency's minor unit. Parses, rounds and formats them."""

import re
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.numbers import get_currency_symbol, is_currency, parse_pattern

# ISO 4217, list one: the currencies whose minor unit is not a hundredth.
_DIGITS = dict.fromkeys(
    (
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "UYI",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ),
    0,
)
_DIGITS |= dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3) | dict.fromkeys(("CLF", "UYW"), 4)
_AMOUNT = re.compile(r"[0-9]{1,15}(\.[0-9]+)?")
MAX_AMOUNT = 10**12
"""The maximum price in minor units: a cart of 100 lines of 999 still fits a 64-bit column."""


def minor_unit_digits(currency: str) -> int:
    """Return the number of decimals of the currency: 2 for EUR, 0 for JPY, 3 for KWD."""
    return _DIGITS.get(currency, 2)


def check_currency(currency: str) -> str:
    """Return the ISO 4217 code. Raises `ValueError` for anything else."""
    if not is_currency(currency):
        raise ValueError(f"{currency!r} is not an ISO 4217 currency code")
    return currency


def parse(text: str, currency: str) -> int:
    """Convert a decimal string such as "34.90" to minor units. Raises `ValueError` with the reason."""
    places = minor_unit_digits(currency)
    if not _AMOUNT.fullmatch(text):
        raise ValueError(f"{text!r} is not a decimal number such as {Decimal(1250).scaleb(-places)}")
    if len(text.partition(".")[2]) > places:
        raise ValueError(f"{text!r} has more decimals than {currency} has ({places})")
    minor = int(Decimal(text).scaleb(places))
    if minor > MAX_AMOUNT:
        raise ValueError(f"{text!r} is greater than the maximum price")
    return minor


def percentage_of(amount: int, percent: Decimal) -> int:
    """Return `percent` per cent of `amount`, rounded half up to the minor unit."""
    return int((amount * percent / 100).quantize(Decimal(1), ROUND_HALF_UP))


def tax_included_in(amount: int, percent: Decimal) -> int:
    """Return the tax of `percent` per cent that `amount` already includes, rounded half up."""
    return int((amount * percent / (100 + percent)).quantize(Decimal(1), ROUND_HALF_UP))


@lru_cache(maxsize=8192)
def format_money(amount: int, currency: str, locale: str) -> str:
    """Format an amount in minor units for the locale, with the currency's number of decimals."""
    places = minor_unit_digits(currency)
    parsed = parse_locale(locale)
    pattern = parse_pattern(parsed.currency_formats["standard"].pattern)
    pattern.frac_prec = (places, places)
    symbol = get_currency_symbol(currency, parsed)
    formatted: str = pattern.apply(Decimal(amount).scaleb(-places), parsed, currency=currency, currency_digits=False)
    return formatted.replace("¤", symbol).replace("￥", "¥")  # our fonts lack the full-width sign


@lru_cache(maxsize=256)
def parse_locale(tag: str) -> Locale:
    """Return the locale of a tag such as "en-IE", or of its language if there is no locale for the region.

    Raises `ValueError` if the language is unknown.
    """
    for candidate in (tag, tag.split("-", maxsplit=1)[0]):
        try:
            return Locale.parse(candidate, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    raise ValueError(f"{tag!r} is not a known locale such as en-IE")
