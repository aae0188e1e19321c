"""The confidence interval, the sample ratio check and the verdict, against independently computed values."""

import random
from math import sqrt
from statistics import fmean, variance

import pytest

from storefront import money
from storefront.upsell.experiment.assignment import Arm
from storefront.upsell.experiment.statistics import (
    ArmTotals,
    SampleRatioCheck,
    Uplift,
    required_checkouts,
    round_to_two_digits,
    summary,
    t_quantile,
    to_minor,
    uplift,
)

BALANCED = SampleRatioCheck({Arm.CONTROL: 500, Arm.RULES: 500}, {Arm.CONTROL: 500.0, Arm.RULES: 500.0})


def totals(shoppers: list[tuple[int, int]]) -> ArmTotals:
    """The totals of shoppers as (checkouts, revenue)."""
    columns = ((x, y, x * x, y * y, x * y) for x, y in shoppers)
    x, y, xx, yy, xy = map(sum, zip(*columns, strict=True))
    return ArmTotals(len(shoppers), x, y, xx, yy, xy)


def random_shoppers(n: int, seed: int, level: float = 4000) -> list[tuple[int, int]]:
    """Shoppers as (checkouts, revenue); `level` is the median order value."""
    rng = random.Random(seed)
    return [
        (x, sum(round(level * rng.lognormvariate(0, 0.5)) for _ in range(x) if rng.random() < 0.3))
        for x in rng.choices((1, 2, 3, 4), k=n)
    ]


def euros(amount: int) -> str:
    return money.format_money(amount, "EUR", "en-IE")


def test_with_one_checkout_per_shopper_the_interval_is_welchs() -> None:
    """With a constant denominator, the delta method's variance of the ratio is the variance of a mean."""
    one = [(1, y) for _, y in random_shoppers(150, 1)]
    two = [(1, y) for _, y in random_shoppers(400, 2)]
    found = uplift([(totals(one), totals(two))])
    assert found is not None
    a, b = arms = [[y for _, y in arm] for arm in (one, two)]
    mean_variances = [variance(arm) / len(arm) for arm in arms]
    degrees_of_freedom = sum(mean_variances) ** 2 / sum(
        s**2 / (len(arm) - 1) for s, arm in zip(mean_variances, arms, strict=True)
    )
    assert found.difference == pytest.approx(fmean(b) - fmean(a))
    assert found.error == pytest.approx(sqrt(sum(mean_variances)))
    assert found.high - found.difference == pytest.approx(t_quantile(degrees_of_freedom) * sqrt(sum(mean_variances)))
    assert found.relative == pytest.approx(fmean(b) / fmean(a) - 1)


def test_the_variance_equals_the_bootstrap_variance() -> None:
    shoppers, rng = random_shoppers(300, 3), random.Random(4)
    drawn = (rng.choices(shoppers, k=len(shoppers)) for _ in range(1500))
    ratios = [sum(y for _, y in sample) / sum(x for x, _ in sample) for sample in drawn]
    assert totals(shoppers).variance == pytest.approx(variance(ratios), rel=0.12)


@pytest.mark.parametrize(
    ("degrees_of_freedom", "quantile"), [(5, 2.5706), (10, 2.2281), (29, 2.0452), (100, 1.9840), (1e9, 1.95996)]
)
def test_students_t_quantiles_match_published_tables(degrees_of_freedom: float, quantile: float) -> None:
    assert t_quantile(degrees_of_freedom) == pytest.approx(quantile, abs=0.0005)


def test_no_uplift_is_computed_from_insufficient_data() -> None:
    enough, few, nothing = totals(random_shoppers(100, 5)), totals(random_shoppers(99, 6)), totals([(1, 0)] * 500)
    without_variance = totals([(1, 500)] * 500)
    assert uplift([(enough, enough)]) is not None
    for insufficient in (few, nothing, without_variance, ArmTotals(), totals([(1, 700)])):
        assert uplift([(enough, insufficient)]) is uplift([(insufficient, enough)]) is None
    assert uplift([]) is None
    assert summary(BALANCED, None, None, euros).startswith("Not enough data yet: at least 100 shoppers")


def test_periods_with_different_allocations_are_compared_separately() -> None:
    """The holdout is 10 % before Christmas and 50 % at Christmas, when all shoppers spend twice as much. Pooling both
    periods yields a significant loss although the suggestions have no effect (Simpson's paradox)."""
    before = (totals(random_shoppers(500, 7)), totals(random_shoppers(4500, 8)))
    christmas = (totals(random_shoppers(2500, 9, 8000)), totals(random_shoppers(2500, 10, 8000)))
    pooled = uplift([(before[0] + christmas[0], before[1] + christmas[1])])
    separate = uplift([before, christmas])
    assert pooled and pooled.significant and pooled.difference < 0
    assert separate and not separate.significant
    assert separate.checkouts == sum(arm.checkouts for pair in (before, christmas) for arm in pair)
    with_a_period_without_control = uplift([before, christmas, (ArmTotals(), totals(random_shoppers(9000, 11, 50)))])
    assert with_a_period_without_control == separate


def test_two_equal_periods_halve_the_variance() -> None:
    pair = totals(random_shoppers(500, 13)), totals(random_shoppers(2000, 14))
    one, two = uplift([pair]), uplift([pair, pair])
    assert one is not None and two is not None
    assert two.difference == pytest.approx(one.difference)
    assert two.error == pytest.approx(one.error / sqrt(2))
    assert two.high - two.low == pytest.approx((one.high - one.low) / sqrt(2), rel=0.002)


def random_split(rng: random.Random, n: int, parts: dict[str, float]) -> dict[str, int]:
    drawn = rng.choices(list(parts), list(parts.values()), k=n)
    return {arm: drawn.count(arm) for arm in parts}


@pytest.mark.parametrize(
    "parts", [{Arm.CONTROL: 0.5, Arm.RULES: 0.5}, {Arm.CONTROL: 0.1, Arm.RULES: 0.1, Arm.MODEL: 0.8}]
)
def test_false_alarms_of_the_sample_ratio_check_are_rare(parts: dict[str, float]) -> None:
    rng = random.Random(12)
    p_values = [SampleRatioCheck.of([(parts, random_split(rng, 2000, parts))]).p or 0 for _ in range(1000)]
    assert sum(p < 0.001 for p in p_values) <= 4
    assert 0.03 < sum(p < 0.05 for p in p_values) / len(p_values) < 0.07
    assert 0.45 < fmean(p_values) < 0.55


@pytest.mark.parametrize(
    ("observed", "flagged"),
    [
        ({Arm.CONTROL: 50_000, Arm.RULES: 50_000}, False),
        ({Arm.CONTROL: 49_500, Arm.RULES: 50_000}, False),  # 1 % of an arm: p is 1/9
        ({Arm.CONTROL: 99_000, Arm.RULES: 100_000}, False),  # p is 1/40
        ({Arm.CONTROL: 49_000, Arm.RULES: 51_000}, True),  # 1 % of all
        ({Arm.CONTROL: 495_000, Arm.RULES: 500_000}, True),  # 1 % of an arm of sufficient size
    ],
)
def test_a_loss_in_one_arm_is_flagged_if_it_is_significant(observed: dict[str, int], flagged: bool) -> None:
    assert SampleRatioCheck.of([({Arm.CONTROL: 0.5, Arm.RULES: 0.5}, observed)]).mismatch is flagged


def test_a_loss_of_ten_percent_in_a_small_holdout_is_flagged() -> None:
    parts: dict[str, float] = {Arm.CONTROL: 0.1, Arm.RULES: 0.1, Arm.MODEL: 0.8}
    split = SampleRatioCheck.of([(parts, {Arm.CONTROL: 9_000, Arm.RULES: 10_000, Arm.MODEL: 80_000})])
    assert split.mismatch
    assert split.furthest == Arm.CONTROL
    verdict = summary(split, None, None, euros)
    assert verdict.startswith("Something is wrong with the split: control has 9,000 shoppers where its share is 9,900.")
    assert "Don't trust the rest" in verdict


def test_chi_squared_p_values_match_published_tables() -> None:
    """3.841 and 5.991 are the 95 % quantiles at one and two degrees of freedom."""
    deviation = 100 * sqrt(3.841 / 2)
    two_arms = SampleRatioCheck(
        {Arm.CONTROL: round(10_000 - deviation), Arm.RULES: round(10_000 + deviation)},
        dict.fromkeys((Arm.CONTROL, Arm.RULES), 10_000.0),
    )
    assert two_arms.p == pytest.approx(0.05, abs=0.001)
    deviation = 100 * sqrt(5.991 / 2)
    observed: dict[str, int] = {
        Arm.CONTROL: round(10_000 - deviation),
        Arm.RULES: round(10_000 + deviation),
        Arm.MODEL: 10_000,
    }
    assert SampleRatioCheck(observed, dict.fromkeys(observed, 10_000.0)).p == pytest.approx(0.05, abs=0.001)


def test_the_split_is_checked_against_the_allocation_of_each_period() -> None:
    earlier: dict[str, float] = {Arm.CONTROL: 0.1, Arm.RULES: 0.9}
    current: dict[str, float] = {Arm.CONTROL: 0.5, Arm.RULES: 0.5}
    observed: list[tuple[dict[str, float], dict[str, int]]] = [
        (earlier, {Arm.CONTROL: 100, Arm.RULES: 900}),
        (current, {Arm.CONTROL: 500, Arm.RULES: 500}),
    ]
    assert SampleRatioCheck.of(observed).p == pytest.approx(1)
    assert SampleRatioCheck.of([(current, {Arm.CONTROL: 600, Arm.RULES: 1400})]).mismatch
    off: tuple[dict[str, float], dict[str, int]] = ({Arm.RULES: 1.0}, {Arm.RULES: 100_000})
    assert SampleRatioCheck.of([*observed, off]) == SampleRatioCheck.of(observed), (
        "a period with one arm is not checked"
    )
    assert (
        SampleRatioCheck.of([]).p
        is SampleRatioCheck.of([off]).p
        is SampleRatioCheck.of([(earlier, {Arm.CONTROL: 1, Arm.RULES: 9})]).p
        is None
    )


def test_an_arm_without_allocation_is_flagged() -> None:
    assert SampleRatioCheck.of(
        [({Arm.CONTROL: 0.5, Arm.RULES: 0.5}, {Arm.CONTROL: 50, Arm.RULES: 50, Arm.MODEL: 1})]
    ).mismatch


def make_uplift(difference: float, error: float, baseline: float = 1000, checkouts: int = 4000) -> Uplift:
    margin = 1.96 * error
    low, high = difference - margin, difference + margin
    return Uplift(difference, low, high, difference / baseline, error, baseline, checkouts)


def test_required_checkouts_follow_from_the_power_of_the_test() -> None:
    """An effect of 5 % of 1000 is found with a power of 80 % at a standard error of 50 / (1.96 + 0.8416) = 17.846.
    Twice the error requires four times the checkouts."""
    assert required_checkouts(make_uplift(0, 17.84)) == 0
    assert required_checkouts(make_uplift(0, 2 * 17.846)) == pytest.approx(3 * 4000, rel=0.001)


def test_the_verdict_matches_the_interval() -> None:
    assert summary(BALANCED, make_uplift(80, 20), None, euros) == (
        "Suggestions earn between €0.41 and €1.19 more per started checkout than none (95 % interval)."
    )
    assert summary(BALANCED, make_uplift(-80, 20), None, euros) == (
        "Suggestions cost between €0.41 and €1.19 per started checkout against none (95 % interval)."
    )
    assert summary(BALANCED, make_uplift(10, 15), None, euros) == (
        "No difference found: suggestions earn between -€0.19 and €0.39 more per started checkout than none "
        "(95 % interval)."
    )
    assert summary(BALANCED, make_uplift(10, 21.71), None, euros) == (
        "Not enough data yet: about 1,900 more checkouts (then an uplift of 5 % is found 80 times in 100). "
        "So far between -€0.33 and €0.53 more per started checkout than none (95 % interval)."
    )
    assert summary(BALANCED, make_uplift(80, 20), make_uplift(70, 20), euros).endswith(
        " The model's suggestions earn between €0.31 and €1.09 more per started checkout than the rules' "
        "(95 % interval)."
    )
    assert "no difference is found so far" in summary(BALANCED, make_uplift(80, 20), make_uplift(7, 20), euros)


def test_the_verdict_of_a_mismatch_contains_no_uplift() -> None:
    mismatch = SampleRatioCheck({Arm.CONTROL: 300, Arm.RULES: 700}, {Arm.CONTROL: 500.0, Arm.RULES: 500.0})
    assert "earn" not in summary(mismatch, make_uplift(80, 20), None, euros)


def test_numbers_are_rounded_to_two_digits_and_amounts_to_minor_units() -> None:
    assert [round_to_two_digits(n) for n in (0, 7, 14, 96, 101, 1_851, 18_510, 1_249_000)] == [
        *("0", "7", "14", "96", "100", "1,900", "19,000", "1,200,000")
    ]
    assert [to_minor(amount) for amount in (0.5, 1.5, 1.49, -0.5, -1.4)] == [1, 2, 1, -1, -1]
