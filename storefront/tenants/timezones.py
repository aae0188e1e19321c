"""The time zone of a shop: by name, or the default of its locale's territory."""

from difflib import get_close_matches
from zoneinfo import ZoneInfo, available_timezones

from babel.core import get_global, parse_locale

UTC = "UTC"


def check_timezone(name: str) -> str:
    """Return the name if it is in the IANA database. Raises `ValueError`, with the nearest name if there is one."""
    known = available_timezones()
    if name not in known:
        near = get_close_matches(name, sorted(known), n=1)
        meant = f"did you mean {near[0]!r}?" if near else "use a name such as 'Europe/Dublin'"
        raise ValueError(f"{name!r} is not a time zone of the IANA database; {meant}")
    return name


def default_timezone(locale: str) -> str:
    """Return the time zone of the locale's territory if it has exactly one, else UTC: a guess among several would be
    silently wrong for most shops of a large country."""
    try:
        territory = parse_locale(locale.replace("-", "_"))[1] or ""
    except ValueError:  # such as "en-nowhere": only the language is known
        return UTC
    zones = get_global("territory_zones").get(territory, ())
    return str(zones[0]) if len(zones) == 1 else UTC


def timezone_of(name: str | None, locale: str) -> ZoneInfo:
    return ZoneInfo(name or default_timezone(locale))
