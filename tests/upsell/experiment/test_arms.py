"""Who falls into which arm: by a stable hash, in the shares that were asked for."""

from itertools import pairwise

import pytest

from storefront.upsell.experiment.assignment import Arm, allocation, arm_of

SHOPPERS = [f"shopper-{i}" for i in range(20_000)]
TOLERANCE = 0.015
"""Over four standard errors of a share among 20,000."""


def members(holdout: float, model_configured: bool) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {Arm.CONTROL: set(), Arm.RULES: set(), Arm.MODEL: set()}
    for shopper in SHOPPERS:
        found[arm_of("north", shopper, holdout, model_configured)].add(shopper)
    return found


@pytest.mark.parametrize(
    ("holdout", "model_configured", "expected"),
    [
        (0.1, True, {Arm.CONTROL: 0.1, Arm.RULES: 0.1, Arm.MODEL: 0.8}),
        (0.1, False, {Arm.CONTROL: 0.1, Arm.RULES: 0.9}),
        (0.5, True, {Arm.CONTROL: 0.5, Arm.RULES: 0.25, Arm.MODEL: 0.25}),
        (0.5, False, {Arm.CONTROL: 0.5, Arm.RULES: 0.5}),
        (0.0, True, {Arm.MODEL: 1.0}),
        (0.0, False, {Arm.RULES: 1.0}),
        (1.0, True, {Arm.CONTROL: 1.0}),
        (1.0, False, {Arm.CONTROL: 1.0}),
    ],
)
def test_the_shoppers_fall_into_the_shares(holdout: float, model_configured: bool, expected: dict[str, float]) -> None:
    assert allocation(holdout, model_configured) == expected
    found = members(holdout, model_configured)
    for arm, those in found.items():
        share = expected.get(arm, 0)
        assert len(those) / len(SHOPPERS) == pytest.approx(share, abs=TOLERANCE if 0 < share < 1 else 0), arm


@pytest.mark.parametrize("holdout", [0, 0.001, 0.1, 1 / 3, 0.7, 0.999, 1])
@pytest.mark.parametrize("model_configured", [True, False])
def test_shares_are_a_whole(holdout: float, model_configured: bool) -> None:
    split = allocation(holdout, model_configured)
    assert sum(split.values()) == pytest.approx(1, abs=1e-6)
    assert min(split.values()) > 0


def test_a_shopper_stays_in_an_arm() -> None:
    assert members(0.1, True) == members(0.1, True)


def test_a_larger_holdout_keeps_who_is_in_control_and_a_model_changes_nothing_there() -> None:
    holdouts = (0.05, 0.1, 0.3, 0.6, 1.0)
    controls = [members(holdout, True)[Arm.CONTROL] for holdout in holdouts]
    assert all(fewer < more for fewer, more in pairwise(controls))
    assert controls == [members(holdout, False)[Arm.CONTROL] for holdout in holdouts]


def test_up_to_a_third_a_larger_holdout_takes_from_the_model_only() -> None:
    before, after = members(0.1, True), members(0.3, True)
    assert before[Arm.RULES] < after[Arm.RULES]
    assert after[Arm.MODEL] < before[Arm.MODEL]


def test_who_is_in_control_today_was_so_before_there_was_a_third_arm() -> None:
    """Pinned: the hash of the shop and the shopper must never change while an experiment runs."""
    held_out = [shopper for shopper in SHOPPERS[:60] if arm_of("north", shopper, 0.1, True) == Arm.CONTROL]
    assert held_out == [f"shopper-{i}" for i in (4, 8, 18, 22, 24, 26, 28, 37, 41, 42, 43, 50, 52, 53)]
