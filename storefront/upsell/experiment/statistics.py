"""Statistics of the experiment: ratio of means, uplift with confidence interval, sample ratio check."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from math import ceil, erfc, exp, floor, log10, sqrt
from statistics import NormalDist

from storefront.upsell.experiment.assignment import Arm

CONFIDENCE, POWER = 0.95, 0.8
INTERVAL = "(95 % interval)"
MIN_DETECTABLE_EFFECT = 0.05
"""The uplift that an experiment should be able to find, as a share of control's revenue per checkout."""
MIN_SHOPPERS = 100
"""Shoppers of an arm below which no interval is given: order values are skewed, and an interval from 50 shoppers beside
400 would cover the true value 92 times in 100 (measured as in tests/upsell/experiment/test_simulation.py)."""
MIN_EXPECTED_COUNT = 5.0
"""Expected shoppers per arm that the chi-square test needs (Cochran 1954)."""
MISMATCH = 0.001
"""A split less likely than this by chance is an error: Fabijan et al., "Diagnosing Sample Ratio Mismatch" (KDD
2019)."""
NO_EXPERIMENT = (
    "There is nothing to compare: UPSELL_HOLDOUT is 0, so everybody is shown suggestions. With UPSELL_HOLDOUT=0.1 a "
    "tenth of the shoppers is shown none, and this report says what suggestions earn."
)


@dataclass(frozen=True)
class ArmTotals:
    """Sums over the shoppers of one arm, of their started checkouts (x) and their revenue (y)."""

    shoppers: int = 0
    checkouts: int = 0
    revenue: int = 0
    checkouts_squared: float = 0
    revenue_squared: float = 0
    checkouts_times_revenue: float = 0

    def __add__(self, other: "ArmTotals") -> "ArmTotals":
        return ArmTotals(
            *(mine + theirs for mine, theirs in zip(vars(self).values(), vars(other).values(), strict=True))
        )

    @property
    def ratio(self) -> float:
        """Revenue per started checkout."""
        return self.revenue / self.checkouts if self.checkouts else 0.0

    @property
    def variance(self) -> float:
        """The variance of the ratio: n / X² times the variance of y - ratio * x over the n shoppers, whose mean is
        0."""
        left = (
            self.revenue_squared
            - 2 * self.ratio * self.checkouts_times_revenue
            + self.ratio * self.ratio * self.checkouts_squared
        )
        return self.shoppers / (self.shoppers - 1) * left / self.checkouts**2

    @property
    def is_sufficient(self) -> bool:
        """Whether a confidence interval can be computed: enough shoppers, and revenue that varies."""
        return self.shoppers >= MIN_SHOPPERS and self.revenue > 0 and self.variance > 0


@dataclass(frozen=True)
class Uplift:
    """The difference of two arms' revenue per started checkout, with its 95 % confidence interval."""

    difference: float
    low: float
    high: float
    relative: float
    """As a share of the baseline."""
    error: float
    """The standard error of the difference."""
    baseline: float
    """The revenue per started checkout of the arm that is compared against."""
    checkouts: int
    """Started in both arms."""

    @property
    def significant(self) -> bool:
        return not self.low <= 0 <= self.high


def uplift(pairs: Sequence[tuple[ArmTotals, ArmTotals]]) -> Uplift | None:
    """The second arm of each pair against the first; None without sufficient data.

    There is a pair for each period with the same allocation: over different periods, an arm that was larger at
    Christmas would win by that alone (Simpson's paradox: Kohavi, Tang, Xu, "Trustworthy Online Controlled Experiments",
    2020, chapter 3). Pairs weigh by their checkouts; the degrees of freedom are Welch's and Satterthwaite's.
    """
    usable = [pair for pair in pairs if pair[0].is_sufficient and pair[1].is_sufficient]
    checkouts = sum(arm.checkouts for pair in usable for arm in pair)
    if not usable:
        return None
    weighed = [((one.checkouts + two.checkouts) / checkouts, one, two) for one, two in usable]
    baseline = sum(weight * one.ratio for weight, one, _ in weighed)
    difference = sum(weight * (two.ratio - one.ratio) for weight, one, two in weighed)
    parts = [(weight**2 * arm.variance, arm.shoppers - 1) for weight, *arms in weighed for arm in arms]
    variance = sum(part for part, _ in parts)
    freedom = variance**2 / sum(part**2 / less_one for part, less_one in parts)
    error = sqrt(variance)
    reach = t_quantile(freedom) * error
    return Uplift(difference, difference - reach, difference + reach, difference / baseline, error, baseline, checkouts)


def t_quantile(freedom: float) -> float:
    """Student's t for a two-sided level of 5 %: Abramowitz & Stegun 26.7.5, accurate to 0.0001 from 10 degrees of
    freedom."""
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    terms = (
        z,
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return sum(term / freedom**power for power, term in enumerate(terms))


def required_checkouts(found: Uplift) -> int:
    """The number of further checkouts, at the shares so far, until an uplift of 5 % would be found 80 times in 100 at
    the 5 % level. The error must shrink to 5 % of the baseline / (z(0.975) + z(0.8)), and its square shrinks as
    checkouts grow (Kohavi, Tang, Xu 2020, chapter 17: n = 2 sigma² (z + z)² / delta²)."""
    normal = NormalDist()
    reach = (normal.inv_cdf((1 + CONFIDENCE) / 2) + normal.inv_cdf(POWER)) * found.error
    return max(0, ceil(found.checkouts * ((reach / (MIN_DETECTABLE_EFFECT * found.baseline)) ** 2 - 1)))


@dataclass(frozen=True)
class SampleRatioCheck:
    """The number of shoppers by the arm of their first exposure, observed (`came`) and expected."""

    came: dict[str, int]
    expected: dict[str, float]

    @classmethod
    def of(cls, times: Sequence[tuple[Mapping[str, float], Mapping[str, int]]]) -> "SampleRatioCheck":
        """From the allocation and the number of shoppers by arm of each period. Periods with one arm are ignored."""
        split = [(parts, came) for parts, came in times if len(parts) > 1]
        arms = [arm for arm in Arm if any(arm in parts or arm in came for parts, came in split)]
        return cls(
            {arm: sum(came.get(arm, 0) for _, came in split) for arm in arms},
            {arm: sum(parts.get(arm, 0) * sum(came.values()) for parts, came in split) for arm in arms},
        )

    @property
    def p(self) -> float | None:
        """The probability of a split at least this uneven, by a chi-square test; None with too few shoppers. With one
        degree of freedom the test's tail is erfc(sqrt(x / 2)), with two it is exp(-x / 2)."""
        if len(self.came) < 2 or any(0 < expected < MIN_EXPECTED_COUNT for expected in self.expected.values()):
            return None
        if not all(self.expected.values()):
            return 0.0  # a shopper is in an arm without a share
        square = sum((self.came[arm] - expected) ** 2 / expected for arm, expected in self.expected.items())
        return erfc(sqrt(square / 2)) if len(self.came) == 2 else exp(-square / 2)

    @property
    def mismatch(self) -> bool:
        return self.p is not None and self.p < MISMATCH

    @property
    def furthest(self) -> str:
        """The arm that deviates most from its expected number, relative to it."""
        return max(self.came, key=lambda arm: abs(self.came[arm] - self.expected[arm]) / (self.expected[arm] or 1e-9))


def summary(split: SampleRatioCheck, shown: Uplift | None, model: Uplift | None, money: Callable[[int], str]) -> str:
    """The report's conclusion. `shown` compares suggestions with none, and `model` the model's with the rules'."""
    if split.mismatch:
        arm = split.furthest
        return (
            f"Something is wrong with the split: {arm} has {split.came[arm]:,} shoppers where its share is "
            f"{split.expected[arm]:,.0f}. Don't trust the rest of this report before the cause is found."
        )
    if shown is None:
        return (
            f"Not enough data yet: at least {MIN_SHOPPERS} shoppers with and {MIN_SHOPPERS} without suggestions "
            "must have started a checkout, and some of each must have ordered."
        )
    text = compared(shown, money, "Suggestions", "none")
    if model and model.significant:
        text += " " + compared(model, money, "The model's suggestions", "the rules'")
    elif model:
        text += " Between the model's suggestions and the rules' no difference is found so far."
    return text


def compared(found: Uplift, money: Callable[[int], str], one: str, other: str) -> str:
    """A sentence that compares `one` with `other`."""
    low, high = to_minor(found.low), to_minor(found.high)
    if found.low > 0:
        return f"{one} earn between {money(low)} and {money(high)} more per started checkout than {other} {INTERVAL}."
    if found.high < 0:
        return f"{one} cost between {money(-high)} and {money(-low)} per started checkout against {other} {INTERVAL}."
    span = f"between {money(low)} and {money(high)} more per started checkout than {other} {INTERVAL}"
    if more := required_checkouts(found):
        return (
            f"Not enough data yet: about {about(more)} more checkouts (then an uplift of "
            f"{MIN_DETECTABLE_EFFECT * 100:.0f} % is found {POWER * 100:.0f} times in 100). So far {span}."
        )
    return f"No difference found: {one.lower()} earn {span}."


def about(number: float) -> str:
    """The number with two significant digits, as in "1,900"."""
    step = 10 ** max(0, floor(log10(max(number, 1))) - 1)
    return f"{round(number / step) * step:,}"


def to_minor(amount: float | Decimal) -> int:
    """Minor units, rounded half up."""
    return int(Decimal(amount).quantize(Decimal(1), ROUND_HALF_UP))
