"""Until when a buyer can withdraw."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from storefront.withdrawals.deadline import withdrawal_ends

DUBLIN, TOKYO = ZoneInfo("Europe/Dublin"), ZoneInfo("Asia/Tokyo")


def test_order_that_is_not_shipped_has_no_end() -> None:
    assert withdrawal_ends(None, 3, DUBLIN) is None


def test_period_begins_after_the_delivery_and_ends_with_a_day() -> None:
    shipped = datetime(2026, 3, 2, 15, tzinfo=UTC)
    ends = withdrawal_ends(shipped, 4, DUBLIN)
    assert ends == datetime(2026, 3, 24, tzinfo=DUBLIN), "a week for the delivery and 14 days, the last one whole"
    assert withdrawal_ends(shipped, None, DUBLIN) == ends
    assert withdrawal_ends(shipped, 20, DUBLIN) == datetime(2026, 4, 6, tzinfo=DUBLIN)


def test_day_is_that_of_the_shop() -> None:
    late = datetime(2026, 3, 2, 23, tzinfo=UTC)
    assert withdrawal_ends(late, None, TOKYO) == datetime(2026, 3, 25, tzinfo=TOKYO)
