"""Numbers, amounts and moments as who reads them writes them."""

from datetime import datetime
from decimal import Decimal
from functools import lru_cache

from babel.dates import format_date, format_time, get_datetime_format
from babel.numbers import format_decimal, format_percent
from flask import g

from storefront import money
from storefront.languages.pages import shopper_locale


def show_money(amount: int) -> str:
    """An amount in minor units of the shop's currency."""
    return money.format_money(amount, g.tenant.currency, shopper_locale())


def number(value: int) -> str:
    return show_number(value, shopper_locale())


@lru_cache(maxsize=4096)
def show_number(value: int, locale: str) -> str:
    shown: str = format_decimal(value, locale=money.parse_locale(locale))
    return shown


def percent(rate: Decimal) -> str:
    """A rate in per cent, with all the decimals that it has."""
    return show_percent(rate, shopper_locale())


@lru_cache(maxsize=256)
def show_percent(rate: Decimal, locale: str) -> str:
    shown: str = format_percent(rate / 100, locale=money.parse_locale(locale), decimal_quantization=False)
    return shown


def moment(value: datetime) -> str:
    """A day and a time of day in the shop's time zone, with its distance from UTC: who reads may be elsewhere."""
    zone, locale = g.tenant.timezone, money.parse_locale(shopper_locale())
    value = value.astimezone(zone)
    day, time = format_date(value, "long", locale), format_time(value, "short", tzinfo=zone, locale=locale)
    offset = value.isoformat()[-6:].replace("-", "−") if value.utcoffset() else ""
    return str(get_datetime_format("medium", locale=locale)).replace("{0}", time).replace("{1}", day) + f" UTC{offset}"
