"""That the interval keeps what it promises, on shoppers as they are: some come again, few order, and those who spend
much do so each time. Draws come from a fixed crowd, whose true ratio is therefore known exactly."""

import random
from dataclasses import dataclass, replace

import pytest

from storefront.upsell.experiment.statistics import MIN_DETECTABLE_EFFECT, ArmTotals, Uplift, required_checkouts, uplift

EXPERIMENTS = 2500
TRUE_UPLIFT = 0.1
SIZES = [(400, 400), (150, 1200)]
"""Shoppers in control and with suggestions: two equal arms, and a holdout of a ninth."""


@dataclass(frozen=True)
class Drawn:
    """An arm's sums as they are to be taken, and as one would who took every checkout for a shopper of its own."""

    by_shopper: ArmTotals
    by_checkout: ArmTotals


class Crowd:
    """Shoppers with 1 to 4 checkouts, of which 30 % are ordered, by some shoppers more than by others; order values are
    log-normal around a level that is the shopper's own. `eager` is the beta distribution of who orders how readily."""

    def __init__(self, seed: int, eager: tuple[float, float] = (0.6, 1.4), spread: float = 0.7) -> None:
        self.rng, self.eager, self.spread = random.Random(seed), eager, spread
        self.shoppers = [self.shopper() for _ in range(20_000)]
        self.ratio = sum(one[1] for one in self.shoppers) / sum(one[0] for one in self.shoppers)

    def shopper(self) -> tuple[int, int, int, int, int, int]:
        """Checkouts x, revenue y, x², y², xy, and the sum of the squares of each checkout's revenue."""
        rng = self.rng
        level, eager = rng.lognormvariate(8.3, self.spread), rng.betavariate(*self.eager)
        x = rng.choices((1, 2, 3, 4), (45, 25, 18, 12))[0]
        values = [round(level * rng.lognormvariate(0, 0.3)) for _ in range(x) if rng.random() < eager]
        y = sum(values)
        return x, y, x * x, y * y, x * y, sum(value * value for value in values)

    def everybody(self) -> ArmTotals:
        x, y, xx, yy, xy, _ = map(sum, zip(*self.shoppers, strict=True))
        return ArmTotals(len(self.shoppers), x, y, xx, yy, xy)

    def draw(self, shoppers: int, factor: float = 1.0) -> Drawn:
        """So many shoppers who spend `factor` times as much."""
        x, y, xx, yy, xy, each = map(sum, zip(*self.rng.choices(self.shoppers, k=shoppers), strict=True))
        y, yy, xy, each = y * factor, yy * factor**2, xy * factor, each * factor**2  # type: ignore[assignment]  # of floats, too
        return Drawn(ArmTotals(shoppers, x, y, xx, yy, xy), ArmTotals(x, x, y, x, each, y))


def compare(control: ArmTotals, treated: ArmTotals) -> Uplift:
    found = uplift([(control, treated)])
    assert found is not None
    return found


@pytest.fixture(scope="module")
def crowd() -> Crowd:
    return Crowd(20261122)


def test_the_crowd_is_like_shoppers(crowd: Crowd) -> None:
    checkouts = sum(one[0] for one in crowd.shoppers)
    assert {one[0] for one in crowd.shoppers} == {1, 2, 3, 4}
    ordering = sum(one[1] > 0 for one in crowd.shoppers) / len(crowd.shoppers)
    assert 0.3 < ordering < 0.5
    assert checkouts > 1.8 * len(crowd.shoppers)


@pytest.mark.parametrize(("control", "treated"), SIZES)
def test_the_interval_covers_the_truth_95_times_in_100(crowd: Crowd, control: int, treated: int) -> None:
    truth, by_shopper, by_checkout = TRUE_UPLIFT * crowd.ratio, 0, 0
    for _ in range(EXPERIMENTS):
        one, two = crowd.draw(control), crowd.draw(treated, 1 + TRUE_UPLIFT)
        right, wrong = compare(one.by_shopper, two.by_shopper), compare(one.by_checkout, two.by_checkout)
        assert right.difference == pytest.approx(wrong.difference)
        by_shopper += right.low <= truth <= right.high
        by_checkout += wrong.low <= truth <= wrong.high
    assert 0.93 <= by_shopper / EXPERIMENTS <= 0.97
    assert by_checkout / EXPERIMENTS < 0.90, "this test would find out who took checkouts for independent"


@pytest.mark.parametrize(("control", "treated"), SIZES)
def test_two_equal_arms_differ_5_times_in_100(crowd: Crowd, control: int, treated: int) -> None:
    by_shopper = by_checkout = 0
    for _ in range(EXPERIMENTS):
        one, two = crowd.draw(control), crowd.draw(treated)
        by_shopper += compare(one.by_shopper, two.by_shopper).significant
        by_checkout += compare(one.by_checkout, two.by_checkout).significant
    assert 0.03 <= by_shopper / EXPERIMENTS <= 0.07
    assert by_checkout / EXPERIMENTS > 0.09, "and here, too"


def test_with_as_many_as_are_said_to_be_needed_it_is_found_80_times_in_100() -> None:
    """On shoppers who are more alike, so that fewer are needed and an experiment is soon simulated."""
    crowd, times = Crowd(1, eager=(9, 1), spread=0.2), 800
    known = compare(crowd.everybody(), crowd.everybody())
    few = replace(known, error=known.error * 10, checkouts=known.checkouts // 100)
    shoppers = round(len(crowd.shoppers) / 100 * (1 + required_checkouts(few) / few.checkouts))
    assert 500 < shoppers < 4000
    found = sum(
        compare(crowd.draw(shoppers).by_shopper, crowd.draw(shoppers, 1 + MIN_DETECTABLE_EFFECT).by_shopper).significant
        for _ in range(times)
    )
    assert 0.74 < found / times < 0.84
