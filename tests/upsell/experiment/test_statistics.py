"""The interval, the check of the split and the sentence, against figures worked out elsewhere."""

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
    about,
    required_checkouts,
    summary,
    t_quantile,
    to_minor,
    uplift,
)

EVEN = SampleRatioCheck({Arm.CONTROL: 500, Arm.RULES: 500}, {Arm.CONTROL: 500.0, Arm.RULES: 500.0})


def sums(shoppers: list[tuple[int, int]]) -> ArmTotals:
    """Of (checkouts, revenue)."""
    columns = ((x, y, x * x, y * y, x * y) for x, y in shoppers)
    x, y, xx, yy, xy = map(sum, zip(*columns, strict=True))
    return ArmTotals(len(shoppers), x, y, xx, yy, xy)


def some(n: int, seed: int, level: float = 4000) -> list[tuple[int, int]]:
    rng = random.Random(seed)
    return [
        (x, sum(round(level * rng.lognormvariate(0, 0.5)) for _ in range(x) if rng.random() < 0.3))
        for x in rng.choices((1, 2, 3, 4), k=n)
    ]


def euros(amount: int) -> str:
    return money.format_money(amount, "EUR", "en-IE")


def test_with_one_checkout_a_shopper_it_is_welchs_test() -> None:
    """The delta method of a ratio whose divisor is the number of shoppers is the variance of a mean."""
    one = [(1, y) for _, y in some(150, 1)]
    two = [(1, y) for _, y in some(400, 2)]
    found = uplift([(sums(one), sums(two))])
    assert found is not None
    a, b = ([y for _, y in arm] for arm in (one, two))
    spread = [variance(arm) / len(arm) for arm in (a, b)]
    freedom = sum(spread) ** 2 / sum(s**2 / (len(arm) - 1) for s, arm in zip(spread, (a, b), strict=True))
    assert found.difference == pytest.approx(fmean(b) - fmean(a))
    assert found.error == pytest.approx(sqrt(sum(spread)))
    assert found.high - found.difference == pytest.approx(t_quantile(freedom) * sqrt(sum(spread)))
    assert found.relative == pytest.approx(fmean(b) / fmean(a) - 1)


def test_the_variance_is_that_of_the_bootstrap() -> None:
    shoppers, rng = some(300, 3), random.Random(4)
    drawn = (rng.choices(shoppers, k=len(shoppers)) for _ in range(1500))
    ratios = [sum(y for _, y in sample) / sum(x for x, _ in sample) for sample in drawn]
    assert sums(shoppers).variance == pytest.approx(variance(ratios), rel=0.12)


@pytest.mark.parametrize(
    ("freedom", "quantile"), [(5, 2.5706), (10, 2.2281), (29, 2.0452), (100, 1.9840), (1e9, 1.95996)]
)
def test_students_t_is_as_in_the_tables(freedom: float, quantile: float) -> None:
    assert t_quantile(freedom) == pytest.approx(quantile, abs=0.0005)


def test_too_little_is_politely_refused() -> None:
    enough, few, nothing = sums(some(100, 5)), sums(some(99, 6)), sums([(1, 0)] * 500)
    all_alike = sums([(1, 500)] * 500)
    assert uplift([(enough, enough)]) is not None
    for poor in (few, nothing, all_alike, ArmTotals(), sums([(1, 700)])):
        assert uplift([(enough, poor)]) is uplift([(poor, enough)]) is None
    assert uplift([]) is None
    assert summary(EVEN, None, None, euros).startswith("Not enough data yet: at least 100 shoppers")


def test_a_time_with_other_shares_is_compared_with_itself() -> None:
    """Before Christmas 10 % were held out and 50 % at Christmas, when everybody spends twice as much: whoever lumps it
    together finds that suggestions cost dearly, although they change nothing."""
    quiet = (sums(some(500, 7)), sums(some(4500, 8)))
    christmas = (sums(some(2500, 9, 8000)), sums(some(2500, 10, 8000)))
    lumped = uplift([(quiet[0] + christmas[0], quiet[1] + christmas[1])])
    apart = uplift([quiet, christmas])
    assert lumped and lumped.significant and lumped.difference < 0
    assert apart and not apart.significant
    assert apart.checkouts == sum(arm.checkouts for pair in (quiet, christmas) for arm in pair)
    with_a_time_without_control = uplift([quiet, christmas, (ArmTotals(), sums(some(9000, 11, 50)))])
    assert with_a_time_without_control == apart


def test_two_times_tell_as_much_as_twice_the_shoppers() -> None:
    pair = sums(some(500, 13)), sums(some(2000, 14))
    one, two = uplift([pair]), uplift([pair, pair])
    assert one is not None and two is not None
    assert two.difference == pytest.approx(one.difference)
    assert two.error == pytest.approx(one.error / sqrt(2))
    assert two.high - two.low == pytest.approx((one.high - one.low) / sqrt(2), rel=0.002)


def a_split(rng: random.Random, n: int, parts: dict[str, float]) -> dict[str, int]:
    drawn = rng.choices(list(parts), list(parts.values()), k=n)
    return {arm: drawn.count(arm) for arm in parts}


@pytest.mark.parametrize(
    "parts", [{Arm.CONTROL: 0.5, Arm.RULES: 0.5}, {Arm.CONTROL: 0.1, Arm.RULES: 0.1, Arm.MODEL: 0.8}]
)
def test_a_good_split_is_seldom_flagged(parts: dict[str, float]) -> None:
    rng = random.Random(12)
    ps = [SampleRatioCheck.of([(parts, a_split(rng, 2000, parts))]).p or 0 for _ in range(1000)]
    assert sum(p < 0.001 for p in ps) <= 4
    assert 0.03 < sum(p < 0.05 for p in ps) / len(ps) < 0.07
    assert 0.45 < fmean(ps) < 0.55


@pytest.mark.parametrize(
    ("came", "flagged"),
    [
        ({Arm.CONTROL: 50_000, Arm.RULES: 50_000}, False),
        ({Arm.CONTROL: 49_500, Arm.RULES: 50_000}, False),  # 1 % of an arm: chance alone does as much one time in nine
        ({Arm.CONTROL: 99_000, Arm.RULES: 100_000}, False),  # and here one time in forty
        ({Arm.CONTROL: 49_000, Arm.RULES: 51_000}, True),  # 1 % of all
        ({Arm.CONTROL: 495_000, Arm.RULES: 500_000}, True),  # 1 % of an arm that is large enough to tell
    ],
)
def test_a_loss_in_one_arm_is_flagged_when_there_are_enough_to_tell(came: dict[str, int], flagged: bool) -> None:
    assert SampleRatioCheck.of([({Arm.CONTROL: 0.5, Arm.RULES: 0.5}, came)]).mismatch is flagged


def test_one_per_cent_too_few_in_a_holdout_of_a_tenth_is_flagged() -> None:
    parts: dict[str, float] = {Arm.CONTROL: 0.1, Arm.RULES: 0.1, Arm.MODEL: 0.8}
    split = SampleRatioCheck.of([(parts, {Arm.CONTROL: 9_000, Arm.RULES: 10_000, Arm.MODEL: 80_000})])
    assert split.mismatch
    assert split.furthest == Arm.CONTROL
    said = summary(split, None, None, euros)
    assert said.startswith("Something is wrong with the split: control has 9,000 shoppers where its share is 9,900.")
    assert "Don't trust the rest" in said


def test_the_tail_of_the_chi_square_is_as_in_the_tables() -> None:
    """3.841 and 5.991 are exceeded with 5 % at one and two degrees of freedom."""
    off = 100 * sqrt(3.841 / 2)
    two = SampleRatioCheck(
        {Arm.CONTROL: round(10_000 - off), Arm.RULES: round(10_000 + off)},
        dict.fromkeys((Arm.CONTROL, Arm.RULES), 10_000.0),
    )
    assert two.p == pytest.approx(0.05, abs=0.001)
    off = 100 * sqrt(5.991 / 2)
    came: dict[str, int] = {Arm.CONTROL: round(10_000 - off), Arm.RULES: round(10_000 + off), Arm.MODEL: 10_000}
    assert SampleRatioCheck(came, dict.fromkeys(came, 10_000.0)).p == pytest.approx(0.05, abs=0.001)


def test_the_split_is_judged_by_the_shares_in_force_when_a_shopper_came() -> None:
    then: dict[str, float] = {Arm.CONTROL: 0.1, Arm.RULES: 0.9}
    now: dict[str, float] = {Arm.CONTROL: 0.5, Arm.RULES: 0.5}
    came: list[tuple[dict[str, float], dict[str, int]]] = [
        (then, {Arm.CONTROL: 100, Arm.RULES: 900}),
        (now, {Arm.CONTROL: 500, Arm.RULES: 500}),
    ]
    assert SampleRatioCheck.of(came).p == pytest.approx(1)
    assert SampleRatioCheck.of([(now, {Arm.CONTROL: 600, Arm.RULES: 1400})]).mismatch
    off: tuple[dict[str, float], dict[str, int]] = ({Arm.RULES: 1.0}, {Arm.RULES: 100_000})
    assert SampleRatioCheck.of([*came, off]) == SampleRatioCheck.of(came), (
        "while the experiment is off there is no split"
    )
    assert (
        SampleRatioCheck.of([]).p
        is SampleRatioCheck.of([off]).p
        is SampleRatioCheck.of([(then, {Arm.CONTROL: 1, Arm.RULES: 9})]).p
        is None
    )


def test_an_arm_that_was_not_to_be_is_flagged() -> None:
    assert SampleRatioCheck.of(
        [({Arm.CONTROL: 0.5, Arm.RULES: 0.5}, {Arm.CONTROL: 50, Arm.RULES: 50, Arm.MODEL: 1})]
    ).mismatch


def found(difference: float, error: float, baseline: float = 1000, checkouts: int = 4000) -> Uplift:
    reach = 1.96 * error
    low, high = difference - reach, difference + reach
    return Uplift(difference, low, high, difference / baseline, error, baseline, checkouts)


def test_with_as_many_more_it_would_be_found() -> None:
    """5 % of 1000 is 50, which is (1.96 + 0.8416) errors when the error is 17.846: with twice that, four times as many
    checkouts are needed."""
    assert required_checkouts(found(0, 17.84)) == 0
    assert required_checkouts(found(0, 2 * 17.846)) == pytest.approx(3 * 4000, rel=0.001)


def test_the_sentence_says_what_the_interval_does() -> None:
    assert summary(EVEN, found(80, 20), None, euros) == (
        "Suggestions earn between €0.41 and €1.19 more per started checkout than none (95 % interval)."
    )
    assert summary(EVEN, found(-80, 20), None, euros) == (
        "Suggestions cost between €0.41 and €1.19 per started checkout against none (95 % interval)."
    )
    assert summary(EVEN, found(10, 15), None, euros) == (
        "No difference found: suggestions earn between -€0.19 and €0.39 more per started checkout than none "
        "(95 % interval)."
    )
    assert summary(EVEN, found(10, 21.71), None, euros) == (
        "Not enough data yet: about 1,900 more checkouts (then an uplift of 5 % is found 80 times in 100). "
        "So far between -€0.33 and €0.53 more per started checkout than none (95 % interval)."
    )
    assert summary(EVEN, found(80, 20), found(70, 20), euros).endswith(
        " The model's suggestions earn between €0.31 and €1.09 more per started checkout than the rules' "
        "(95 % interval)."
    )
    assert "no difference is found so far" in summary(EVEN, found(80, 20), found(7, 20), euros)


def test_a_wrong_split_is_said_first_and_nothing_else() -> None:
    wrong = SampleRatioCheck({Arm.CONTROL: 300, Arm.RULES: 700}, {Arm.CONTROL: 500.0, Arm.RULES: 500.0})
    assert "earn" not in summary(wrong, found(80, 20), None, euros)


def test_numbers_are_rounded_for_people() -> None:
    assert [about(n) for n in (0, 7, 14, 96, 101, 1_851, 18_510, 1_249_000)] == [
        *("0", "7", "14", "96", "100", "1,900", "19,000", "1,200,000")
    ]
    assert [to_minor(amount) for amount in (0.5, 1.5, 1.49, -0.5, -1.4)] == [1, 2, 1, -1, -1]
