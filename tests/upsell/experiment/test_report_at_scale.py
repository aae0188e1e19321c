"""The report on thousands of shoppers: sums of the database against sums in Python."""

import random
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from storefront.cart.models import Cart
from storefront.clock import now
from storefront.db.tenancy import insert_rows
from storefront.db.tenant_context import tenant_context
from storefront.db.transactions import write
from storefront.orders.models import Order
from storefront.tenants.registry import registry
from storefront.upsell.experiment.assignment import Arm, allocation
from storefront.upsell.experiment.models import UpsellExposure
from storefront.upsell.experiment.report import Report, report
from storefront.upsell.experiment.statistics import ArmTotals, Uplift, uplift

SMALL_HOLDOUT, HALF_HOLDOUT = allocation(0.1, False), allocation(0.5, False)
Checkout = tuple[str, str, int]
"""(shopper, arm, order total in minor units: 0 without an order)"""


def random_checkouts(rng: random.Random, split: dict[Arm, float], prefix: str, shoppers: int) -> list[Checkout]:
    checkouts: list[Checkout] = []
    for i in range(shoppers):
        (arm,) = rng.choices(list(split), list(split.values()))
        for _ in range(rng.randint(1, 3)):
            total = round(rng.lognormvariate(8, 0.5)) if rng.random() < 0.3 else 0
            checkouts.append((f"{prefix}-{i}", arm, total * (2 if arm == "rules" else 1)))
    return checkouts


def store(periods: list[tuple[dict[Arm, float], list[Checkout]]]) -> None:
    """Insert carts, exposures and orders of these periods, one day apart, the earliest first."""
    carts: list[dict[str, Any]] = []
    exposures: list[dict[str, Any]] = []
    orders: list[dict[str, Any]] = []
    for age, (split, checkouts) in enumerate(reversed(periods)):
        for shopper, arm, total in checkouts:
            cart = {"id": f"c{len(carts)}", "shopper": shopper}
            carts.append(cart)
            moment = now() - timedelta(days=age)
            exposures.append(
                {"cart_id": cart["id"], "shopper": shopper, "arm": arm, "allocation": split, "created_at": moment}
            )
            if total:
                orders.append(order_row(len(orders), cart, total))
    with write():
        insert_rows(Cart, carts)
        insert_rows(UpsellExposure, exposures)
        insert_rows(Order, orders)


def order_row(i: int, cart: dict[str, str], total: int) -> dict[str, Any]:
    amounts: dict[str, Any] = {
        "subtotal": total,
        "discount": 0,
        "tax": 0,
        "total": total,
        "tax_rate": None,
        "tax_included": True,
    }
    buyer = {"email": "a@example.com", "name": "A", "currency": "EUR", "promo_code": None}
    key = {"id": f"o{i}", "number": f"n{i}", "cart_id": cart["id"], "shopper": cart["shopper"]}
    return key | amounts | buyer | {"status": "placed", "idempotency_key": None, "fingerprint": None}


def totals_by_arm(checkouts: list[Checkout]) -> dict[str, ArmTotals]:
    order_totals: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for shopper, arm, total in checkouts:
        order_totals[arm][shopper].append(total)
    sums = {}
    for arm, shoppers in order_totals.items():
        x, y = [len(totals) for totals in shoppers.values()], [sum(totals) for totals in shoppers.values()]
        squares = sum(a * a for a in x), sum(b * b for b in y), sum(a * b for a, b in zip(x, y, strict=True))
        sums[arm] = ArmTotals(len(shoppers), sum(x), sum(y), *squares)
    return sums


def store_and_report(app: Flask, periods: list[tuple[dict[Arm, float], list[Checkout]]]) -> Report:
    with app.app_context():
        shop = registry().all()["north"]
        with tenant_context("north"):
            store(periods)
            return report(shop)


def is_equal(one: Uplift, other: Uplift | None) -> bool:
    return other is not None and all(
        value == pytest.approx(getattr(other, name), rel=1e-9) for name, value in vars(one).items()
    )


def test_the_report_equals_sums_in_python(app: Flask) -> None:
    rng = random.Random(1)
    checkouts = random_checkouts(rng, HALF_HOLDOUT, "one", 600)
    result = store_and_report(app, [(HALF_HOLDOUT, checkouts)])
    sums = totals_by_arm(checkouts)
    control, rules = result.arms
    assert (control.shoppers, control.checkouts, control.revenue) == (
        *(sums["control"].shoppers, sums["control"].checkouts, sums["control"].revenue),
    )
    assert rules.revenue == sums["rules"].revenue
    (comparison,) = result.uplifts
    assert (comparison.arm, comparison.against) == ("rules", "control")
    assert is_equal(comparison.uplift, uplift([(sums["control"], sums["rules"])]))
    assert result.split.p is not None
    assert result.verdict.startswith("Suggestions earn between €")


def test_periods_are_compared_separately_and_a_shopper_counts_in_the_first_one(app: Flask) -> None:
    rng = random.Random(2)
    before, after = random_checkouts(rng, SMALL_HOLDOUT, "old", 1500), random_checkouts(rng, HALF_HOLDOUT, "new", 800)
    moved = [("old-1", "control", 5000), ("old-2", "control", 0)]  # the larger holdout includes them
    result = store_and_report(app, [(SMALL_HOLDOUT, before), (HALF_HOLDOUT, after + moved)])
    first, second = totals_by_arm(before), totals_by_arm(after + moved)
    (comparison,) = result.uplifts
    assert is_equal(
        comparison.uplift, uplift([(first["control"], first["rules"]), (second["control"], second["rules"])])
    )
    assert sum(result.split.observed.values()) == 2300
    assert result.split.expected["control"] == pytest.approx(150 + 400)


def test_a_sample_ratio_mismatch_is_the_verdict(app: Flask) -> None:
    rng = random.Random(3)
    checkouts = [
        checkout
        for checkout in random_checkouts(rng, HALF_HOLDOUT, "one", 800)
        if checkout[1] == "rules" or rng.random() < 0.4
    ]
    result = store_and_report(app, [(HALF_HOLDOUT, checkouts)])
    assert result.split.mismatch
    assert result.verdict.startswith("Something is wrong with the split: control has ")


def test_sums_of_squares_above_64_bits_are_exact(make_app: Callable[..., Flask]) -> None:
    rng = random.Random(4)
    checkouts = [
        (shopper, arm, total * 10**5) for shopper, arm, total in random_checkouts(rng, HALF_HOLDOUT, "rich", 500)
    ]
    result = store_and_report(make_app(), [(HALF_HOLDOUT, checkouts)])
    sums = totals_by_arm(checkouts)
    assert is_equal(result.uplifts[0].uplift, uplift([(sums["control"], sums["rules"])]))
