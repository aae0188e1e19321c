"""Times of demo checkouts in a small shop: by weekday and hour, with a slight growth."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from math import exp
from random import Random
from zoneinfo import ZoneInfo

WEEKDAYS = (0.95, 0.85, 0.9, 1.0, 1.1, 1.05, 1.25)
"""Weights of Monday to Sunday, relative to the average day."""
HOURS = (2, 1, 0, 0, 0, 1, 2, 4, 6, 7, 8, 8, 9, 8, 7, 7, 7, 8, 9, 11, 13, 12, 8, 4)
"""Weights of the hours of a day."""
GROWTH = 0.3
"""Growth from the first to the last day, relative to the average day."""


def checkout_times(first: date, last: date, per_day: float, timezone: ZoneInfo, rng: Random) -> Iterator[datetime]:
    """Yield sorted times in UTC, on average `per_day` a day, from the first day through the last in this time zone."""
    days = (last - first).days
    for number in range(days + 1):
        day = first + timedelta(days=number)
        trend = 1 + GROWTH * (number / max(days, 1) - 0.5)
        count = poisson(per_day * WEEKDAYS[day.weekday()] * trend, rng)
        hours = rng.choices(range(24), HOURS, k=count)
        moments = [time(hour, rng.randrange(60), rng.randrange(60)) for hour in hours]
        yield from (datetime.combine(day, moment, timezone).astimezone(UTC) for moment in sorted(moments))


def poisson(mean: float, rng: Random) -> int:
    """Return a Poisson-distributed random number (Knuth's method, for small means)."""
    limit, product, count = exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count
