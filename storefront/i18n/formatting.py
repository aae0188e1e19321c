"""Formats numbers, amounts, percentages and dates for the shopper's locale."""

from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import numbers
from babel.dates import format_date, format_skeleton, format_time, get_datetime_format
from flask import g

from storefront import money
from storefront.clock import now
from storefront.i18n.locale import shopper_locale


def format_money(amount: int, currency: str | None = None) -> str:
    """Format an amount in minor units of the currency, or else of the shop's."""
    return money.format_money(amount, currency or g.tenant.currency, shopper_locale())


def format_price_field(amount: int, currency: str) -> str:
    """Format minor units for a field in which a price is typed: 14.00 or 14,00, without symbol and grouping."""
    places = money.minor_unit_digits(currency)
    pattern = "0." + "0" * places if places else "0"
    value, locale = Decimal(amount).scaleb(-places), money.parse_locale(shopper_locale())
    shown: str = numbers.format_decimal(value, pattern, locale)
    return shown


def format_integer(value: int) -> str:
    return _format_integer_cached(value, shopper_locale())


@lru_cache(maxsize=4096)
def _format_integer_cached(value: int, locale: str) -> str:
    shown: str = numbers.format_decimal(value, locale=money.parse_locale(locale))
    return shown


def format_percent(rate: Decimal) -> str:
    """Format a rate in per cent, with all its decimals."""
    return _format_percent_cached(rate, shopper_locale())


@lru_cache(maxsize=256)
def _format_percent_cached(rate: Decimal, locale: str) -> str:
    shown: str = numbers.format_percent(rate / 100, locale=money.parse_locale(locale), decimal_quantization=False)
    return shown


def format_short_datetime(value: datetime) -> str:
    """Format date and time in the shop's time zone in few characters, for lists: "29 Nov, 14:05"; with the year if it
    isn't this one."""
    zone, locale = g.tenant.timezone, money.parse_locale(shopper_locale())
    value = value.astimezone(zone)
    day = "MMMd" if value.year == now().astimezone(zone).year else "yMMMd"
    shown, time = format_skeleton(day, value, locale=locale), format_time(value, "short", tzinfo=zone, locale=locale)
    return str(get_datetime_format("short", locale=locale)).replace("{0}", time).replace("{1}", shown)


def format_day(value: datetime, zone: ZoneInfo | None = None) -> str:
    """Format the day in this time zone, or else in the shop's: "29 November 2026"."""
    return str(format_date(value.astimezone(zone or g.tenant.timezone), "long", money.parse_locale(shopper_locale())))


def format_short_day(value: date) -> str:
    """Format a day in few characters: "29 Nov 2026"."""
    return format_date(value, "medium", money.parse_locale(shopper_locale()))


def format_datetime(value: datetime) -> str:
    """Format date and time in the shop's time zone, with the offset from UTC, because the reader may be elsewhere."""
    zone, locale = g.tenant.timezone, money.parse_locale(shopper_locale())
    value = value.astimezone(zone)
    day, time = format_date(value, "long", locale), format_time(value, "short", tzinfo=zone, locale=locale)
    offset = value.isoformat()[-6:].replace("-", "−") if value.utcoffset() else ""
    return str(get_datetime_format("medium", locale=locale)).replace("{0}", time).replace("{1}", day) + f" UTC{offset}"
