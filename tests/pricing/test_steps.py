"""Discount, shipping and tax of several rates: allocated to the lines, and adding up exactly."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storefront.pricing.allocation import allocate
from storefront.pricing.calculator import calculate_price
from storefront.pricing.price import NOWHERE, Destination, Price, PriceLine, PromoProblem
from storefront.tenants.promotions import Promotion
from storefront.tenants.settings import TenantSettings
from storefront.tenants.shipping_methods import PriceStep, ShippingMethod
from storefront.tenants.tax import Tax, TaxRates

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
IRISH = {"rate": Decimal(20), "classes": {"reduced": Decimal(10)}}
GERMAN = TaxRates(Decimal(19), {"reduced": Decimal(7)})


def shop(tax: Tax | None = None, *promotions: Promotion, **settings: Any) -> TenantSettings:
    return TenantSettings("north", "North", "EUR", "en-IE", {}, tax, promotions, upsell_enabled=False, **settings)


def tax(included: bool = False, **rates: Any) -> Tax:
    return Tax(included=included, **(rates or {**IRISH, "countries": {"DE": GERMAN}}))


def method(price: int = 490, **more: Any) -> ShippingMethod:
    return ShippingMethod("standard", "Standard", (), price, **more)


def promotion(code: str = "CODE", percent: str | None = None, **more: Any) -> Promotion:
    return Promotion(code, None if percent is None else Decimal(percent), **more)


def price(
    tenant: TenantSettings,
    lines: Sequence[PriceLine],
    code: str | None = None,
    to: Destination = NOWHERE,
    now: datetime = NOW,
    **more: Any,
) -> Price:
    found = calculate_price(tenant, lines, code, now, to, **more)
    check(found)
    return found


def check(found: Price) -> None:
    """The steps add up exactly, and so do the parts of the lines."""
    added = 0 if found.tax_included else found.tax
    assert found.subtotal - found.discount + found.shipping + added == found.total
    assert sum(line.total for line in found.lines) == found.subtotal
    assert sum(line.discount for line in found.lines) == found.discount
    assert sum(line.tax for line in found.lines) + found.shipping_tax == found.tax
    assert sum(line.amount for line in found.tax_lines) == found.tax
    assert all(0 <= line.discount <= line.total and 0 <= line.tax <= line.total - line.discount for line in found.lines)
    assert 0 <= found.shipping_tax <= found.shipping
    assert min(found.discount, found.shipping, found.tax, found.total) >= 0


def amounts(found: Price) -> tuple[int, int, int, int, int]:
    return found.subtotal, found.discount, found.shipping, found.tax, found.total


def tax_lines(found: Price) -> list[tuple[str, int, int]]:
    return [(line.as_json()["rate"], line.base, line.amount) for line in found.tax_lines]


@pytest.mark.parametrize(
    ("lines", "percent", "rate", "expected"),
    [
        ([PriceLine(33)] * 3, "100", "19", (99, 99, 0, 0, 0)),
        ([PriceLine(33, 3)], "100", "19", (99, 99, 0, 0, 0)),
        ([PriceLine(1150)] * 2, "100", "15", (2300, 2300, 0, 0, 0)),
        ([PriceLine(99)] * 33, "0", "21", (3267, 0, 0, 686, 3953)),
        ([PriceLine(1)] * 3, "50", "19", (3, 2, 0, 0, 1)),
    ],
)
@pytest.mark.parametrize("included", [True, False])
def test_difficult_sums(lines: list[PriceLine], percent: str, rate: str, expected: tuple[int, ...], included: bool):
    shops = shop(tax(included, rate=Decimal(rate)), promotion(percent=percent))
    found = price(shops, lines, "CODE")
    if included:
        assert (found.subtotal, found.discount, found.total) == (*expected[:2], expected[0] - expected[1])
    else:
        assert amounts(found) == expected


@pytest.mark.parametrize(
    ("lines", "rate", "expected"),
    [
        ([PriceLine(105, 3), PriceLine(33)], "10", (348, 35, 500, 81, 894)),  # yen: no decimals
        ([PriceLine(1250, 3), PriceLine(333)], "5", (4083, 408, 500, 209, 4384)),  # dinars: three decimals
    ],
)
def test_currencies_with_other_decimals(lines: list[PriceLine], rate: str, expected: tuple[int, ...]):
    to = Destination(method=method(500))
    assert amounts(price(shop(tax(rate=Decimal(rate)), promotion(percent="10")), lines, "CODE", to)) == expected


def test_each_class_has_its_own_tax():
    lines = [PriceLine(1000, 2), PriceLine(550, 3, "reduced"), PriceLine(99, 1, "unheard-of")]
    found = price(shop(tax()), lines, to=Destination(method=method()))
    assert tax_lines(found) == [("20", 2589, 518), ("10", 1650, 165)], "shipping is taxed at the main rate"
    assert amounts(found) == (3749, 0, 490, 683, 4922)
    assert [line.tax for line in found.lines] == [400, 165, 20]
    assert found.shipping_tax == 98


def test_destination_decides_the_rates():
    lines = [PriceLine(1000), PriceLine(1000, tax_class="reduced")]
    for country, expected in ((None, 300), ("IE", 300), ("FR", 300), ("DE", 260)):
        assert price(shop(tax()), lines, to=Destination(country)).tax == expected
        found = price(shop(tax(included=True)), lines, to=Destination(country))
        assert found.total == 2000, "the price stays, whatever tax it includes"
    assert [(line.base, line.amount) for line in found.tax_lines] == [(840, 160), (935, 65)]


def test_tax_is_rounded_once_for_each_rate():
    found = price(shop(tax(rate=Decimal("12.5"))), [PriceLine(4)] * 3)
    assert found.tax == 2, "three lines of 0.5 are 1.5"
    assert [line.tax for line in found.lines] == [1, 1, 0], "the first of equal remainders"


def test_reverse_charge_has_no_tax():
    lines, to = [PriceLine(1000, 3), PriceLine(550, 1, "reduced")], Destination("DE", method(1190), reverse_charge=True)
    assert amounts(price(shop(tax()), lines, to=to)) == (3550, 0, 1190, 0, 4740)
    found = price(shop(tax(included=True)), lines, to=to)
    assert [line.unit_price for line in found.lines] == [840, 514], "without the tax that the price includes"
    assert amounts(found) == (3034, 0, 1000, 0, 4034)
    assert tax_lines(found) == [("0", 4034, 0)]
    assert found.reverse_charge


def test_discount_is_allocated_to_lines():
    found = price(shop(None, promotion(amount=1000)), [PriceLine(999), PriceLine(999), PriceLine(2)], "CODE")
    assert [line.discount for line in found.lines] == [500, 499, 1]
    assert price(shop(None, promotion(amount=5000)), [PriceLine(999)], "CODE").total == 0


def test_shipping_can_be_free():
    paid = Destination(method=method(490, free_from=5000))
    free = promotion(free_shipping=True)
    assert price(shop(None, free), [PriceLine(4999)], to=paid).total == 5489
    assert price(shop(None, free), [PriceLine(5000)], to=paid).shipping == 0
    assert price(shop(None, promotion(percent="10")), [PriceLine(5000)], "CODE", paid).shipping == 490, "4500 is left"
    found = price(shop(None, free), [PriceLine(100)], "CODE", paid)
    assert (found.discount, found.shipping, found.applied_code) == (0, 0, "CODE")
    assert price(shop(), [], to=paid).shipping == 0, "an empty cart isn't sent"


@pytest.mark.parametrize(("weight", "expected"), [(None, 490), (999, 490), (1000, 690), (2999, 690), (3000, 990)])
def test_shipping_by_weight(weight: int | None, expected: int):
    steps = (PriceStep(690, from_weight=2000), PriceStep(990, from_weight=6000))
    found = price(shop(), [PriceLine(100, 2, None, weight)], to=Destination(method=method(steps=steps)))
    assert found.shipping == expected


def test_shipping_by_subtotal():
    to = Destination(method=method(steps=(PriceStep(290, from_subtotal=2000),)))
    assert [price(shop(), [PriceLine(goods)], to=to).shipping for goods in (1999, 2000)] == [490, 290]


def test_window_includes_its_first_and_last_day_in_the_time_zone_of_the_shop():
    tenant = shop(
        None,
        promotion(percent="10", starts=date(2026, 9, 1), until=date(2026, 9, 2)),
        timezone=ZoneInfo("Asia/Tokyo"),
    )
    moments = [datetime(2026, 8, 31, 14, 59, tzinfo=UTC), datetime(2026, 8, 31, 15, tzinfo=UTC)]
    moments += [datetime(2026, 9, 2, 14, 59, tzinfo=UTC), datetime(2026, 9, 2, 15, tzinfo=UTC)]
    problems = [price(tenant, [PriceLine(100)], "CODE", now=moment).promo_problem for moment in moments]
    assert problems == [PromoProblem.NOT_STARTED, None, None, PromoProblem.EXPIRED]


def test_minimum_is_of_the_subtotal():
    tenant = shop(None, promotion(percent="50", min_subtotal=2000))
    assert price(tenant, [PriceLine(1999)], "CODE").promo_problem == PromoProblem.MIN_SUBTOTAL
    assert price(tenant, [PriceLine(2000)], "CODE").total == 1000


def test_code_that_is_used_up_gives_nothing():
    used_up = {"CODE": PromoProblem.USED_UP}
    found = price(shop(None, promotion(percent="50")), [PriceLine(100)], "CODE", unavailable=used_up)
    assert (found.discount, found.promo_problem, found.applied_code) == (0, PromoProblem.USED_UP, None)


def test_best_automatic_promotion_applies_unless_the_code_does():
    tenant = shop(
        None,
        promotion("A", "10", automatic=True),
        promotion("B", amount=150, automatic=True),
        promotion("CODE", "5"),
        promotion("LATE", "90", min_subtotal=9000),
    )
    codes = {code: price(tenant, [PriceLine(1000)], code).applied_code for code in (None, "CODE", "LATE")}
    assert codes == {None: "B", "CODE": "CODE", "LATE": "B"}
    assert price(tenant, [PriceLine(2000)]).applied_code == "A"


weights = st.lists(st.integers(0, 10**15), min_size=1, max_size=100)


@given(weights, st.data())
def test_parts_add_up_and_none_is_further_than_one_from_its_share(weights: list[int], data: st.DataObject):
    total = sum(weights)
    amount = data.draw(st.integers(0, total))
    parts = allocate(amount, weights)
    assert sum(parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        assert part <= weight
        assert abs(part * total - amount * weight) < max(total, 1)


percents = st.decimals(0, 100, places=2)
lines = st.builds(
    PriceLine,
    st.integers(0, 10**12),
    st.integers(1, 999),
    st.sampled_from([None, "reduced", "zero"]),
    st.none() | st.integers(0, 10**6),
)
taxes = st.none() | st.builds(
    Tax,
    rate=percents,
    included=st.booleans(),
    classes=st.fixed_dictionaries({"reduced": percents, "zero": st.just(Decimal(0))}),
    countries=st.fixed_dictionaries({"DE": st.builds(TaxRates, percents, st.just({}))}),
)
promotions = st.one_of(
    st.builds(promotion, st.just("CODE"), percents.map(str), min_subtotal=st.integers(0, 1000)),
    st.builds(promotion, st.just("CODE"), st.none(), amount=st.integers(0, 10**12)),
    st.builds(promotion, st.just("CODE"), st.none(), free_shipping=st.just(True)),
)
destinations = st.builds(
    Destination,
    st.sampled_from([None, "IE", "DE"]),
    st.none() | st.builds(method, st.integers(0, 10**6), free_from=st.none() | st.integers(0, 10**6)),
    st.booleans(),
)


@given(st.lists(lines, max_size=50), taxes, promotions, destinations, st.sampled_from([None, "CODE"]))
def test_every_price_adds_up_exactly(
    lines: list[PriceLine], tax: Tax | None, offer: Promotion, to: Destination, code: str | None
):
    price(shop(tax, offer), lines, code, to)
