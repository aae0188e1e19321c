"""Coverage and power of the confidence interval, by simulation of realistic shoppers: some return, few order, and
spending is correlated within a shopper. Samples are drawn from a fixed population with a known true ratio."""

import random
from dataclasses import dataclass, replace

import pytest

from storefront.upsell.experiment.statistics import MIN_DETECTABLE_EFFECT, ArmTotals, Uplift, required_checkouts, uplift

EXPERIMENTS = 2500
TRUE_UPLIFT = 0.1
SIZES = [(400, 400), (150, 1200)]
"""Shoppers in control and with suggestions: two equal arms, and a holdout of one ninth."""


@dataclass(frozen=True)
class Sample:
    """The totals of an arm by shopper, and wrongly with every checkout as an independent shopper."""

    by_shopper: ArmTotals
    by_checkout: ArmTotals


class Population:
    """Shoppers with 1 to 4 checkouts, of which 30 % are ordered, by some shoppers more than by others; order values are
    log-normal around a level that is the shopper's own. The rate of orders
    has a beta distribution with the parameters `order_rate`."""

    def __init__(self, seed: int, order_rate: tuple[float, float] = (0.6, 1.4), spread: float = 0.7) -> None:
        self.rng, self.order_rate, self.spread = random.Random(seed), order_rate, spread
        self.shoppers = [self.random_shopper() for _ in range(20_000)]
        self.ratio = sum(row[1] for row in self.shoppers) / sum(row[0] for row in self.shoppers)

    def random_shopper(self) -> tuple[int, int, int, int, int, int]:
        """Return checkouts x, revenue y, x², y², xy, and the sum of the squared revenues of the checkouts."""
        rng = self.rng
        level, order_probability = rng.lognormvariate(8.3, self.spread), rng.betavariate(*self.order_rate)
        x = rng.choices((1, 2, 3, 4), (45, 25, 18, 12))[0]
        values = [round(level * rng.lognormvariate(0, 0.3)) for _ in range(x) if rng.random() < order_probability]
        y = sum(values)
        return x, y, x * x, y * y, x * y, sum(value * value for value in values)

    def totals(self) -> ArmTotals:
        x, y, xx, yy, xy, _ = map(sum, zip(*self.shoppers, strict=True))
        return ArmTotals(len(self.shoppers), x, y, xx, yy, xy)

    def draw(self, shoppers: int, factor: float = 1.0) -> Sample:
        """Draw `shoppers` shoppers, with their spending multiplied by `factor`."""
        x, y, xx, yy, xy, squares = map(sum, zip(*self.rng.choices(self.shoppers, k=shoppers), strict=True))
        y, yy, xy, squares = y * factor, yy * factor**2, xy * factor, squares * factor**2  # type: ignore[assignment]  # floats
        return Sample(ArmTotals(shoppers, x, y, xx, yy, xy), ArmTotals(x, x, y, x, squares, y))


def compare(control: ArmTotals, treated: ArmTotals) -> Uplift:
    result = uplift([(control, treated)])
    assert result is not None
    return result


@pytest.fixture(scope="module")
def population() -> Population:
    return Population(20261122)


def test_the_population_is_realistic(population: Population) -> None:
    checkouts = sum(row[0] for row in population.shoppers)
    assert {row[0] for row in population.shoppers} == {1, 2, 3, 4}
    ordering = sum(row[1] > 0 for row in population.shoppers) / len(population.shoppers)
    assert 0.3 < ordering < 0.5
    assert checkouts > 1.8 * len(population.shoppers)


@pytest.mark.parametrize(("control", "treated"), SIZES)
def test_the_interval_covers_the_true_uplift_in_95_percent(population: Population, control: int, treated: int) -> None:
    truth, by_shopper, by_checkout = TRUE_UPLIFT * population.ratio, 0, 0
    for _ in range(EXPERIMENTS):
        one, two = population.draw(control), population.draw(treated, 1 + TRUE_UPLIFT)
        right, wrong = compare(one.by_shopper, two.by_shopper), compare(one.by_checkout, two.by_checkout)
        assert right.difference == pytest.approx(wrong.difference)
        by_shopper += right.low <= truth <= right.high
        by_checkout += wrong.low <= truth <= wrong.high
    assert 0.93 <= by_shopper / EXPERIMENTS <= 0.97
    assert by_checkout / EXPERIMENTS < 0.90, "the test detects an interval that assumes independent checkouts"


@pytest.mark.parametrize(("control", "treated"), SIZES)
def test_the_false_positive_rate_is_5_percent(population: Population, control: int, treated: int) -> None:
    by_shopper = by_checkout = 0
    for _ in range(EXPERIMENTS):
        one, two = population.draw(control), population.draw(treated)
        by_shopper += compare(one.by_shopper, two.by_shopper).significant
        by_checkout += compare(one.by_checkout, two.by_checkout).significant
    assert 0.03 <= by_shopper / EXPERIMENTS <= 0.07
    assert by_checkout / EXPERIMENTS > 0.09, "independent checkouts are wrongly assumed"


def test_the_required_checkouts_yield_a_power_of_80_percent() -> None:
    """With more homogeneous shoppers, so that fewer are needed and the simulation is fast."""
    population, runs = Population(1, order_rate=(9, 1), spread=0.2), 800
    full = compare(population.totals(), population.totals())
    small = replace(full, error=full.error * 10, checkouts=full.checkouts // 100)
    shoppers = round(len(population.shoppers) / 100 * (1 + required_checkouts(small) / small.checkouts))
    assert 500 < shoppers < 4000
    significant = sum(
        compare(
            population.draw(shoppers).by_shopper, population.draw(shoppers, 1 + MIN_DETECTABLE_EFFECT).by_shopper
        ).significant
        for _ in range(runs)
    )
    assert 0.74 < significant / runs < 0.84
