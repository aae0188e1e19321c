"""When the customers of a small shop come: by the day of the week, by the hour, and a few more each week."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from math import exp
from random import Random
from zoneinfo import ZoneInfo

WEEKDAYS = (0.95, 0.85, 0.9, 1.0, 1.1, 1.05, 1.25)
"""How busy Monday to Sunday are, against the average day."""
HOURS = (2, 1, 0, 0, 0, 1, 2, 4, 6, 7, 8, 8, 9, 8, 7, 7, 7, 8, 9, 11, 13, 12, 8, 4)
"""How busy each hour of the day is."""
GROWTH = 0.3
"""By how much more customers come on the last day than on the first."""


def checkout_times(first: date, last: date, per_day: float, timezone: ZoneInfo, rng: Random) -> Iterator[datetime]:
    """Moments in UTC, in their order, `per_day` a day on average, from the first day through the last in this zone."""
    days = (last - first).days
    for number in range(days + 1):
        day = first + timedelta(days=number)
        trend = 1 + GROWTH * (number / max(days, 1) - 0.5)
        many = poisson(per_day * WEEKDAYS[day.weekday()] * trend, rng)
        hours = rng.choices(range(24), HOURS, k=many)
        moments = [time(hour, rng.randrange(60), rng.randrange(60)) for hour in hours]
        yield from (datetime.combine(day, moment, timezone).astimezone(UTC) for moment in sorted(moments))


def poisson(mean: float, rng: Random) -> int:
    """How often something happens that happens `mean` times on average (Knuth's method, for small means)."""
    limit, product, many = exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        many += 1
    return many
