"""Until when a buyer can withdraw: 14 days from the delivery. Plain values.

The shop knows when an order was shipped, not when it arrived, so it adds the days that a delivery takes: those of the
shipping method, or a week. Before it is shipped, an order can always be withdrawn from. The last day counts to its end,
in the shop's time zone."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

PERIOD_DAYS = 14
DELIVERY_DAYS = 7


def withdrawal_ends(shipped_at: datetime | None, delivery_days: int | None, timezone: ZoneInfo) -> datetime | None:
    """Return the moment; None while the order isn't shipped. `delivery_days` are the most that the method takes."""
    if shipped_at is None:
        return None
    days = max(DELIVERY_DAYS, delivery_days or 0) + PERIOD_DAYS
    midnight = shipped_at.astimezone(timezone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    return (midnight + timedelta(days=days + 1)).replace(tzinfo=timezone)
