"""The assignment of shoppers to arms by a stable hash, in the configured shares."""

from itertools import pairwise

import pytest

from storefront.upsell.experiment.assignment import Arm, allocation, arm_of

SHOPPERS = [f"shopper-{i}" for i in range(20_000)]
TOLERANCE = 0.015
"""More than four standard errors of a share of 20,000 shoppers."""


def assigned_shoppers(holdout: float, model_configured: bool) -> dict[str, set[str]]:
    """The shoppers of each arm."""
    assigned: dict[str, set[str]] = {Arm.CONTROL: set(), Arm.RULES: set(), Arm.MODEL: set()}
    for shopper in SHOPPERS:
        assigned[arm_of("north", shopper, holdout, model_configured)].add(shopper)
    return assigned


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
def test_shoppers_are_assigned_in_the_given_shares(
    holdout: float, model_configured: bool, expected: dict[str, float]
) -> None:
    assert allocation(holdout, model_configured) == expected
    by_arm = assigned_shoppers(holdout, model_configured)
    for arm, shoppers in by_arm.items():
        share = expected.get(arm, 0)
        assert len(shoppers) / len(SHOPPERS) == pytest.approx(share, abs=TOLERANCE if 0 < share < 1 else 0), arm


@pytest.mark.parametrize("holdout", [0, 0.001, 0.1, 1 / 3, 0.7, 0.999, 1])
@pytest.mark.parametrize("model_configured", [True, False])
def test_shares_sum_to_one(holdout: float, model_configured: bool) -> None:
    split = allocation(holdout, model_configured)
    assert sum(split.values()) == pytest.approx(1, abs=1e-6)
    assert min(split.values()) > 0


def test_assignment_is_deterministic() -> None:
    assert assigned_shoppers(0.1, True) == assigned_shoppers(0.1, True)


def test_control_grows_with_the_holdout_and_does_not_depend_on_the_model() -> None:
    holdouts = (0.05, 0.1, 0.3, 0.6, 1.0)
    controls = [assigned_shoppers(holdout, True)[Arm.CONTROL] for holdout in holdouts]
    assert all(fewer < more for fewer, more in pairwise(controls))
    assert controls == [assigned_shoppers(holdout, False)[Arm.CONTROL] for holdout in holdouts]


def test_a_larger_holdout_up_to_a_third_only_shrinks_the_model_arm() -> None:
    before, after = assigned_shoppers(0.1, True), assigned_shoppers(0.3, True)
    assert before[Arm.RULES] < after[Arm.RULES]
    assert after[Arm.MODEL] < before[Arm.MODEL]


def test_the_hash_is_unchanged() -> None:
    """A changed hash of tenant and shopper would reassign the shoppers of a running experiment."""
    held_out = [shopper for shopper in SHOPPERS[:60] if arm_of("north", shopper, 0.1, True) == Arm.CONTROL]
    assert held_out == [f"shopper-{i}" for i in (4, 8, 18, 22, 24, 26, 28, 37, 41, 42, 43, 50, 52, 53)]
