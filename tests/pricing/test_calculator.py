"""Subtotal minus discount plus tax is the total: each step rounds half up to the minor unit."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storefront.errors import Invalid
from storefront.pricing import calculator
from storefront.pricing.price import Price, PriceLine, PromoProblem
from storefront.pricing.promotions import usable_promotion
from storefront.tenants.promotions import Promotion
from storefront.tenants.settings import TenantSettings
from storefront.tenants.tax import Tax

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)


def shop(tax: Tax | None = None, *promotions: Promotion) -> TenantSettings:
    return TenantSettings("north", "North", "EUR", "en-IE", {}, tax, promotions, upsell_enabled=False)


def added(rate: str) -> Tax:
    return Tax(Decimal(rate), included=False)


def included(rate: str) -> Tax:
    return Tax(Decimal(rate), included=True)


def offer(percent: str, until: date | None = None) -> Promotion:
    return Promotion("SUMMER", Decimal(percent), until)


def calculate_price(tenant: TenantSettings, totals: list[int], code: str | None, now: datetime) -> Price:
    return calculator.calculate_price(tenant, [PriceLine(total) for total in totals], code, now)


def steps(found: Price) -> tuple[int, int, int, int]:
    return found.subtotal, found.discount, found.tax, found.total


def test_tax_is_added_on_top() -> None:
    assert steps(calculate_price(shop(added("20")), [1850, 1400], None, NOW)) == (3250, 0, 650, 3900)


def test_included_tax_does_not_change_the_total() -> None:
    assert steps(calculate_price(shop(included("10")), [12400], None, NOW)) == (12400, 0, 1127, 12400)


def test_shop_without_tax_charges_none() -> None:
    assert steps(calculate_price(shop(), [1250], None, NOW)) == (1250, 0, 0, 1250)
    assert steps(calculate_price(shop(added("0")), [1250], None, NOW)) == (1250, 0, 0, 1250)


def test_discount_is_subtracted_before_tax() -> None:
    assert steps(calculate_price(shop(added("20"), offer("10")), [1000], "SUMMER", NOW)) == (1000, 100, 180, 1080)
    assert steps(calculate_price(shop(included("20"), offer("10")), [1000], "SUMMER", NOW)) == (1000, 100, 150, 900)


def test_discount_is_rounded_once_for_the_subtotal() -> None:
    assert calculate_price(shop(None, offer("10")), [4, 4, 4], "SUMMER", NOW).discount == 1
    assert calculate_price(shop(None, offer("10")), [5, 5, 5], "SUMMER", NOW).discount == 2


@pytest.mark.parametrize(
    ("subtotal", "percent", "rate", "expected"),
    [
        (5, "10", "0", (5, 1, 0, 4)),  # 0.5 off is 1 off
        (15, "10", "0", (15, 2, 0, 13)),  # 1.5 is 2
        (25, "10", "0", (25, 3, 0, 22)),  # 2.5 is 3, not the even 2
        (10, "0", "5", (10, 0, 1, 11)),  # a tax of 0.5 is 1
        (30, "0", "5", (30, 0, 2, 32)),
        (50, "0", "5", (50, 0, 3, 53)),
        (5, "10", "12.5", (5, 1, 1, 5)),  # each step rounds: 4 * 12.5 % is 0.5
        (999, "0", "8.875", (999, 0, 89, 1088)),
    ],
)
def test_each_step_rounds_half_up(subtotal: int, percent: str, rate: str, expected: tuple[int, ...]) -> None:
    assert steps(calculate_price(shop(added(rate), offer(percent)), [subtotal], "SUMMER", NOW)) == expected


def test_discount_of_100_percent_is_free() -> None:
    assert steps(calculate_price(shop(added("20"), offer("100")), [999], "SUMMER", NOW)) == (999, 999, 0, 0)


def test_empty_cart_costs_nothing() -> None:
    assert steps(calculate_price(shop(added("20"), offer("10")), [], "SUMMER", NOW)) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("moment", "is_valid"),
    [
        (datetime(2026, 8, 31, tzinfo=UTC), True),
        (datetime(2026, 9, 1, tzinfo=UTC), True),
        (datetime(2026, 9, 1, 23, 59, 59, 999999, tzinfo=UTC), True),
        (datetime(2026, 9, 2, tzinfo=UTC), False),
        (datetime(2027, 9, 1, tzinfo=UTC), False),
        (datetime(2026, 9, 2, 1, tzinfo=timezone(timedelta(hours=2))), True),  # in UTC it is still the day before
        (datetime(2026, 9, 1, 23, tzinfo=timezone(timedelta(hours=-5))), False),  # in UTC it is the day after
    ],
)
def test_code_is_valid_until_the_end_of_its_last_day(moment: datetime, is_valid: bool) -> None:
    tenant = shop(added("20"), offer("10", date(2026, 9, 1)))
    found = calculate_price(tenant, [1000], "SUMMER", moment)
    assert (found.discount, found.promo_problem) == ((100, None) if is_valid else (0, PromoProblem.EXPIRED))
    assert found.promo_code == "SUMMER", "an expired code isn't shown"
    if is_valid:
        assert usable_promotion(tenant, "SUMMER", moment).percent == 10
    else:
        with pytest.raises(Invalid, match="expired"):
            usable_promotion(tenant, "SUMMER", moment)


def test_code_without_an_end_date_never_expires() -> None:
    far = datetime(9999, 12, 31, tzinfo=UTC)
    assert calculate_price(shop(None, offer("10")), [1000], "SUMMER", far).discount == 100


@pytest.mark.parametrize("typed", ["SUMMER", "summer", "SuMmEr", "  summer "])
def test_code_is_case_insensitive(typed: str) -> None:
    assert usable_promotion(shop(None, offer("10")), typed, NOW).code == "SUMMER"
    assert calculate_price(shop(None, offer("10")), [1000], typed, NOW).discount == 100


@pytest.mark.parametrize("typed", ["WINTER", "", "SUMMER1", "SUM MER"])
def test_unknown_code_is_refused(typed: str) -> None:
    with pytest.raises(Invalid) as refusal:
        usable_promotion(shop(None, offer("10")), typed, NOW)
    assert refusal.value.field_errors[0].field == "code"


percents = st.decimals(0, 100, places=4)
taxes = st.none() | st.builds(Tax, rate=percents, included=st.booleans())
codes = st.sampled_from([None, "SUMMER", "GONE", "UNKNOWN"])


@given(st.lists(st.integers(0, 999 * 10**12), max_size=100), taxes, percents, codes)
def test_steps_always_add_up(lines: list[int], tax: Tax | None, percent: Decimal, code: str | None) -> None:
    gone = Promotion("GONE", percent, date(2020, 1, 1))
    found = calculate_price(shop(tax, offer(f"{percent}"), gone), lines, code, NOW)
    net = found.subtotal - found.discount
    assert found.subtotal == sum(lines)
    assert 0 <= found.discount <= found.subtotal
    assert 0 <= found.tax <= max(net, 0)
    assert found.total == (net if found.tax_included else net + found.tax)
    assert found.discount == 0 or code == "SUMMER"
    assert (found.promo_problem is not None) == (code in ("GONE", "UNKNOWN"))


@given(st.integers(0, 10**15), percents)
def test_included_tax_is_the_tax_of_the_net_price(total: int, rate: Decimal) -> None:
    """The net price plus its tax is the price, except for rounding."""
    found = calculate_price(shop(Tax(rate, included=True)), [total], None, NOW)
    without = found.total - found.tax
    assert abs(without * rate / 100 - found.tax) <= 1
