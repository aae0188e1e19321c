"""The report on thousands of shoppers: what the database summed is what plain Python sums over every one of them."""

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

FEW, HALF = allocation(0.1, False), allocation(0.5, False)
Checkout = tuple[str, str, int]
"""Shopper, arm, and what the order came to: 0 for none."""


def some_checkouts(rng: random.Random, split: dict[Arm, float], named: str, shoppers: int) -> list[Checkout]:
    made: list[Checkout] = []
    for i in range(shoppers):
        (arm,) = rng.choices(list(split), list(split.values()))
        for _ in range(rng.randint(1, 3)):
            total = round(rng.lognormvariate(8, 0.5)) if rng.random() < 0.3 else 0
            made.append((f"{named}-{i}", arm, total * (2 if arm == "rules" else 1)))
    return made


def store(times: list[tuple[dict[Arm, float], list[Checkout]]]) -> None:
    """Carts, exposures and orders, the later times after the earlier ones."""
    carts: list[dict[str, Any]] = []
    exposures: list[dict[str, Any]] = []
    orders: list[dict[str, Any]] = []
    for age, (split, checkouts) in enumerate(reversed(times)):
        for shopper, arm, total in checkouts:
            cart = {"id": f"c{len(carts)}", "shopper": shopper}
            carts.append(cart)
            moment = now() - timedelta(days=age)
            exposures.append(
                {"cart_id": cart["id"], "shopper": shopper, "arm": arm, "allocation": split, "created_at": moment}
            )
            if total:
                orders.append(an_order(len(orders), cart, total))
    with write():
        insert_rows(Cart, carts)
        insert_rows(UpsellExposure, exposures)
        insert_rows(Order, orders)


def an_order(i: int, cart: dict[str, str], total: int) -> dict[str, Any]:
    paid: dict[str, Any] = {
        "subtotal": total,
        "discount": 0,
        "tax": 0,
        "total": total,
        "tax_rate": None,
        "tax_included": True,
    }
    buyer = {"email": "a@example.com", "name": "A", "currency": "EUR", "promo_code": None}
    key = {"id": f"o{i}", "number": f"n{i}", "cart_id": cart["id"], "shopper": cart["shopper"]}
    return key | paid | buyer | {"status": "placed", "idempotency_key": None, "fingerprint": None}


def summed(checkouts: list[Checkout]) -> dict[str, ArmTotals]:
    each: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for shopper, arm, total in checkouts:
        each[arm][shopper].append(total)
    sums = {}
    for arm, shoppers in each.items():
        x, y = [len(totals) for totals in shoppers.values()], [sum(totals) for totals in shoppers.values()]
        squares = sum(a * a for a in x), sum(b * b for b in y), sum(a * b for a, b in zip(x, y, strict=True))
        sums[arm] = ArmTotals(len(shoppers), sum(x), sum(y), *squares)
    return sums


def told(app: Flask, times: list[tuple[dict[Arm, float], list[Checkout]]]) -> Report:
    with app.app_context():
        shop = registry().all()["north"]
        with tenant_context("north"):
            store(times)
            return report(shop)


def alike(one: Uplift, other: Uplift | None) -> bool:
    return other is not None and all(
        value == pytest.approx(getattr(other, name), rel=1e-9) for name, value in vars(one).items()
    )


def test_the_database_sums_as_python_does(app: Flask) -> None:
    rng = random.Random(1)
    checkouts = some_checkouts(rng, HALF, "one", 600)
    found = told(app, [(HALF, checkouts)])
    sums = summed(checkouts)
    control, rules = found.arms
    assert (control.shoppers, control.checkouts, control.revenue) == (
        *(sums["control"].shoppers, sums["control"].checkouts, sums["control"].revenue),
    )
    assert rules.revenue == sums["rules"].revenue
    (one,) = found.uplifts
    assert (one.arm, one.against) == ("rules", "control")
    assert alike(one.uplift, uplift([(sums["control"], sums["rules"])]))
    assert found.split.p is not None
    assert found.verdict.startswith("Suggestions earn between €")


def test_each_time_is_compared_with_itself_and_a_shopper_is_counted_where_she_first_came(app: Flask) -> None:
    rng = random.Random(2)
    before, after = some_checkouts(rng, FEW, "old", 1500), some_checkouts(rng, HALF, "new", 800)
    moved = [("old-1", "control", 5000), ("old-2", "control", 0)]  # the larger holdout took them in
    found = told(app, [(FEW, before), (HALF, after + moved)])
    first, second = summed(before), summed(after + moved)
    (one,) = found.uplifts
    assert alike(one.uplift, uplift([(first["control"], first["rules"]), (second["control"], second["rules"])]))
    assert sum(found.split.came.values()) == 2300
    assert found.split.expected["control"] == pytest.approx(150 + 400)


def test_who_loses_shoppers_hears_that_first(app: Flask) -> None:
    rng = random.Random(3)
    checkouts = [one for one in some_checkouts(rng, HALF, "one", 800) if one[1] == "rules" or rng.random() < 0.4]
    found = told(app, [(HALF, checkouts)])
    assert found.split.mismatch
    assert found.verdict.startswith("Something is wrong with the split: control has ")


def test_amounts_whose_squares_outgrow_64_bits_when_summed(make_app: Callable[..., Flask]) -> None:
    rng = random.Random(4)
    checkouts = [(shopper, arm, total * 10**5) for shopper, arm, total in some_checkouts(rng, HALF, "rich", 500)]
    found = told(make_app(), [(HALF, checkouts)])
    sums = summed(checkouts)
    assert alike(found.uplifts[0].uplift, uplift([(sums["control"], sums["rules"])]))
