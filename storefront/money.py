"""Amounts of money: integers in the currency's minor unit. The only place that parses, rounds and formats them."""

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
"""The largest price, in minor units: a hundred lines of 999 of it still fit a 64-bit column."""


def minor_unit_digits(currency: str) -> int:
    """How many decimals the currency has: 2 for EUR, 0 for JPY, 3 for KWD."""
    return _DIGITS.get(currency, 2)


def check_currency(currency: str) -> str:
    """The ISO 4217 code as given; raises ValueError for anything else."""
    if not is_currency(currency):
        raise ValueError(f"{currency!r} is not an ISO 4217 currency code")
    return currency


def parse(text: str, currency: str) -> int:
    """Minor units from a decimal string such as "34.90". Raises ValueError that says what is wrong with it."""
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
    """`percent` per cent of `amount`, rounded half up to the minor unit."""
    return int((amount * percent / 100).quantize(Decimal(1), ROUND_HALF_UP))


def tax_included_in(amount: int, percent: Decimal) -> int:
    """How much of `amount` is a tax of `percent` per cent that it already contains, rounded half up."""
    return int((amount * percent / (100 + percent)).quantize(Decimal(1), ROUND_HALF_UP))


@lru_cache(maxsize=8192)
def format_money(amount: int, currency: str, locale: str) -> str:
    """The amount as people of that locale write it, with the currency's own number of decimals."""
    places = minor_unit_digits(currency)
    where = parse_locale(locale)
    pattern = parse_pattern(where.currency_formats["standard"].pattern)
    pattern.frac_prec = (places, places)
    symbol = get_currency_symbol(currency, where)
    shown: str = pattern.apply(Decimal(amount).scaleb(-places), where, currency=currency, currency_digits=False)
    return shown.replace("¤", symbol).replace("￥", "¥")  # the full-width sign is in few fonts, ours not among them


@lru_cache(maxsize=256)
def parse_locale(tag: str) -> Locale:
    """The locale of a tag such as "en-IE", or of its language when that region has no ways of its own.

    Raises ValueError when the language is unknown.
    """
    for candidate in (tag, tag.split("-", maxsplit=1)[0]):
        try:
            return Locale.parse(candidate, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    raise ValueError(f"{tag!r} is not a known locale such as en-IE")
