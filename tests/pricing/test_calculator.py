"""Subtotal, minus discount, plus tax, is the total: each step rounds half up to the minor unit."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storefront.errors import Invalid
from storefront.pricing.calculator import Price, calculate_price, usable_promotion
from storefront.tenants.settings import Promotion, Tax, TenantSettings

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)


def shop(tax: Tax | None = None, *promotions: Promotion) -> TenantSettings:
    return TenantSettings("north", "North", "EUR", "en-IE", {}, tax, promotions, upsell_enabled=False)


def added(rate: str) -> Tax:
    return Tax(Decimal(rate), included=False)


def included(rate: str) -> Tax:
    return Tax(Decimal(rate), included=True)


def offer(percent: str, until: date | None = None) -> Promotion:
    return Promotion("SUMMER", Decimal(percent), until)


def steps(found: Price) -> tuple[int, int, int, int]:
    return found.subtotal, found.discount, found.tax, found.total


def test_tax_is_added_on_top() -> None:
    assert steps(calculate_price(shop(added("20")), [1850, 1400], None, NOW)) == (3250, 0, 650, 3900)


def test_tax_that_is_included_adds_nothing() -> None:
    assert steps(calculate_price(shop(included("10")), [12400], None, NOW)) == (12400, 0, 1127, 12400)


def test_a_shop_without_tax_charges_none() -> None:
    assert steps(calculate_price(shop(), [1250], None, NOW)) == (1250, 0, 0, 1250)
    assert steps(calculate_price(shop(added("0")), [1250], None, NOW)) == (1250, 0, 0, 1250)


def test_the_discount_comes_off_before_tax() -> None:
    assert steps(calculate_price(shop(added("20"), offer("10")), [1000], "SUMMER", NOW)) == (1000, 100, 180, 1080)
    assert steps(calculate_price(shop(included("20"), offer("10")), [1000], "SUMMER", NOW)) == (1000, 100, 150, 900)


def test_the_discount_is_of_the_subtotal_and_not_of_each_line() -> None:
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


def test_a_hundred_per_cent_off_is_free() -> None:
    assert steps(calculate_price(shop(added("20"), offer("100")), [999], "SUMMER", NOW)) == (999, 999, 0, 0)


def test_an_empty_cart_costs_nothing() -> None:
    assert steps(calculate_price(shop(added("20"), offer("10")), [], "SUMMER", NOW)) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("moment", "holds"),
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
def test_a_code_holds_through_the_whole_day_that_it_names(moment: datetime, holds: bool) -> None:
    tenant = shop(added("20"), offer("10", date(2026, 9, 1)))
    found = calculate_price(tenant, [1000], "SUMMER", moment)
    assert (found.discount, found.promo_expired) == ((100, False) if holds else (0, True))
    assert found.promo_code == "SUMMER", "a code that ran out stays in sight"
    if holds:
        assert usable_promotion(tenant, "SUMMER", moment).percent == 10
    else:
        with pytest.raises(Invalid, match="expired"):
            usable_promotion(tenant, "SUMMER", moment)


def test_a_code_without_an_end_holds_for_ever() -> None:
    far = datetime(9999, 12, 31, tzinfo=UTC)
    assert calculate_price(shop(None, offer("10")), [1000], "SUMMER", far).discount == 100


@pytest.mark.parametrize("typed", ["SUMMER", "summer", "SuMmEr", "  summer "])
def test_the_case_of_a_code_does_not_matter(typed: str) -> None:
    assert usable_promotion(shop(None, offer("10")), typed, NOW).code == "SUMMER"
    assert calculate_price(shop(None, offer("10")), [1000], typed, NOW).discount == 100


@pytest.mark.parametrize("typed", ["WINTER", "", "SUMMER1", "SUM MER"])
def test_an_unknown_code_is_refused_with_a_word(typed: str) -> None:
    with pytest.raises(Invalid) as refusal:
        usable_promotion(shop(None, offer("10")), typed, NOW)
    assert refusal.value.field_errors[0].field == "code"


percents = st.decimals(0, 100, places=4)
taxes = st.none() | st.builds(Tax, percents, st.booleans())
codes = st.sampled_from([None, "SUMMER", "GONE", "UNKNOWN"])


@given(st.lists(st.integers(0, 999 * 10**12), max_size=100), taxes, percents, codes)
def test_the_steps_always_add_up(lines: list[int], tax: Tax | None, percent: Decimal, code: str | None) -> None:
    gone = Promotion("GONE", percent, date(2020, 1, 1))
    found = calculate_price(shop(tax, offer(f"{percent}"), gone), lines, code, NOW)
    net = found.subtotal - found.discount
    assert found.subtotal == sum(lines)
    assert 0 <= found.discount <= found.subtotal
    assert 0 <= found.tax <= max(net, 0)
    assert found.total == (net if found.tax_included else net + found.tax)
    assert found.discount == 0 or code == "SUMMER"
    assert found.promo_expired == (code in ("GONE", "UNKNOWN"))


@given(st.integers(0, 10**15), percents)
def test_an_included_tax_leaves_a_net_price_that_it_is_the_tax_of(total: int, rate: Decimal) -> None:
    """What is left without the tax, taxed again, is the price to within the rounding."""
    found = calculate_price(shop(Tax(rate, included=True)), [total], None, NOW)
    without = found.total - found.tax
    assert abs(without * rate / 100 - found.tax) <= 1
