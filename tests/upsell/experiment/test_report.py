"""The report on worlds that are small enough to work out by hand, through the door, in both databases."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from storefront.cart.actions import WantedVariant, add_item
from storefront.clock import now
from storefront.db.base import db
from storefront.db.tenancy import insert_if_absent
from storefront.db.tenant_context import TenantNotSet, tenant_context
from storefront.db.transactions import write
from storefront.orders.models import Order
from storefront.upsell.experiment.assignment import Arm, allocation
from storefront.upsell.experiment.models import UpsellExposure
from storefront.upsell.llm.models import LlmCall
from tests.conftest import Person
from tests.staff.factories import api_key, bearer

SPLIT = allocation(0.1, True)


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """Whatever else is exposed by itself is left out: these tests say who is."""
    return make_app(UPSELL_ENABLED="false")


class World:
    """A shop in which carts are exposed, ordered, accepted and cancelled as a test says."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.app = person.client.application
        self.key = bearer(api_key(self.app, person.shop, "upsell:read"))

    def exposed(self, arm: str, shopper: str, split: dict[Arm, float] | None = None, **items: int) -> str:
        cart_id = self.person.cart(**items)
        self.expose(cart_id, shopper, arm, split or SPLIT)
        return cart_id

    def expose(self, cart_id: str, shopper: str, arm: str, split: dict[Arm, float]) -> None:
        with self.app.app_context(), tenant_context(self.person.shop), write():
            insert_if_absent(
                UpsellExposure, [{"cart_id": cart_id, "shopper": shopper, "arm": arm, "allocation": split}]
            )

    def accept(self, cart_id: str, product_id: str) -> None:
        with self.app.app_context(), tenant_context(self.person.shop):
            add_item(cart_id, WantedVariant(product_id), 1, from_upsell=True)

    def order(self, cart_id: str) -> str:
        answer = self.person.checkout(cart_id)
        assert answer.status_code == 201, answer.text
        return str(answer.json["id"])

    def cancel(self, order_id: str) -> None:
        self.change(update(Order).where(Order.id == order_id).values(status="cancelled"))

    def change(self, statement: Any) -> None:
        with self.app.app_context(), tenant_context(self.person.shop), write():
            db.session.execute(statement)

    def pay_the_model(self, cart_id: str, cost: int | None) -> None:
        """A call of the model for this cart, in millionths."""
        call = LlmCall(
            purpose="rerank",
            cart_id=cart_id,
            model="m",
            prompt_version="1",
            language="en",
            prompt="",
            response="",
            prompt_tokens=1,
            completion_tokens=1,
            cost_micros=cost,
            latency_ms=1,
            outcome="ok",
            rejections={},
            suggestions=[],
        )
        with self.app.app_context(), tenant_context(self.person.shop), write():
            db.session.add(call)

    def report(self, query: str = "") -> dict[str, Any]:
        answer = self.person.api("GET", f"/upsell/report{query}", headers=self.key)
        assert answer.status_code == 200, answer.text
        assert isinstance(answer.json, dict)
        return answer.json

    def exposures(self) -> list[tuple[str, str, str, dict[str, float]]]:
        with self.app.app_context(), tenant_context(self.person.shop):
            rows = db.session.query(UpsellExposure).order_by(UpsellExposure.cart_id)
            return [(row.cart_id, row.shopper, row.arm, row.allocation) for row in rows]


@pytest.fixture
def world(shopper: Person) -> World:
    return World(shopper)


@pytest.fixture
def other_world(stranger: Person) -> World:
    return World(stranger)


def euros(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "EUR"}


def dollars(micros: int) -> dict[str, Any]:
    return {"micros": micros, "currency": "USD"}


def fill(world: World) -> None:
    """Prices with their tax of 20 %: beans 22.20, honey 13.44, pot 55.20."""
    world.order(world.exposed("control", "ada", beans=1))
    world.exposed("control", "ada", honey=1)
    world.order(world.exposed("control", "bob", honey=1))
    taken = world.exposed("rules", "cleo", beans=1)
    world.accept(taken, "honey")
    world.order(taken)
    world.order(world.exposed("rules", "cleo", pot=1))
    called_off = world.exposed("rules", "dan", beans=2)
    world.accept(called_off, "honey")
    world.cancel(world.order(called_off))
    left = world.exposed("rules", "eve", pot=1)
    world.accept(left, "honey")
    asked = world.exposed("model", "fay", honey=1)
    world.order(asked)
    for cost in (1500, 250, None):
        world.pay_the_model(asked, cost)
    world.exposed("model", "fay", beans=1)
    world.exposed("model", "gus", beans=1)
    world.order(world.person.cart(beans=3))  # was never exposed: in no arm


EXPECTED = [
    {
        "arm": "control",
        "shoppers": 2,
        "checkouts": 3,
        "orders": 2,
        "revenue": euros(2220 + 1344),
        "revenue_per_checkout": euros(1188),
        "acceptance": None,
        "upsell_revenue": euros(0),
        "model_cost": dollars(0),
    },
    {
        "arm": "rules",
        "shoppers": 3,
        "checkouts": 4,
        "orders": 2,
        "revenue": euros(2220 + 1344 + 5520),
        "revenue_per_checkout": euros(2271),
        "acceptance": 0.75,
        "upsell_revenue": euros(1120),
        "model_cost": dollars(0),
    },
    {
        "arm": "model",
        "shoppers": 2,
        "checkouts": 3,
        "orders": 1,
        "revenue": euros(1344),
        "revenue_per_checkout": euros(448),
        "acceptance": 0.0,
        "upsell_revenue": euros(0),
        "model_cost": dollars(1750),
    },
]


def test_what_each_arm_earned(world: World) -> None:
    fill(world)
    report = world.report()
    assert report["arms"] == EXPECTED
    assert report["uplifts"] == []
    assert report["sample_ratio"] == {"p": None, "mismatch": False}
    assert report["verdict"].startswith("Not enough data yet")
    assert report["days"] == 90, "as long as exposures are kept"


def test_a_shop_that_suggests_to_everybody_is_told_how_to_compare(world: World) -> None:
    """UPSELL_HOLDOUT is 0 unless somebody wants to know; waiting for more data would be waiting for ever."""
    everybody = allocation(0, False)
    for shopper in ("ada", "bob"):
        world.order(world.exposed("rules", shopper, everybody, beans=1))
    assert "UPSELL_HOLDOUT is 0" in world.report()["verdict"]
    assert world.report()["arms"][0]["orders"] == 2
    world.exposed("control", "eve", SPLIT, beans=1)
    assert world.report()["verdict"].startswith("Not enough data yet")


def test_nothing_of_another_shop_is_counted(world: World, other_world: World) -> None:
    fill(world)
    mine = world.exposed("model", "ada", beans=1)
    world.order(mine)
    before = world.report()
    assert other_world.report()["arms"] == []
    theirs = other_world.exposed("model", "ada", ink=1)
    other_world.pay_the_model(theirs, 7)
    other_world.accept(theirs, "pen")
    other_world.order(theirs)
    other_world.expose(mine, "ada", "rules", SPLIT)  # even under the same cart's id
    other_world.pay_the_model(mine, 9)
    assert world.report() == before
    rules, model = other_world.report()["arms"]
    assert (rules["checkouts"], rules["orders"], rules["model_cost"]["micros"]) == (1, 0, 9)
    assert rules["revenue"] == {"amount": 0, "currency": "JPY"}
    assert (model["orders"], model["acceptance"], model["model_cost"]["micros"]) == (1, 1.0, 7)
    assert model["upsell_revenue"] == {"amount": 12400, "currency": "JPY"}


def test_only_the_days_that_were_asked_for(world: World) -> None:
    world.order(world.exposed("control", "ada", beans=1))
    old = world.exposed("rules", "bob", beans=1)
    long_ago = now() - timedelta(days=10)
    world.change(update(UpsellExposure).where(UpsellExposure.cart_id == old).values(created_at=long_ago))
    week, fortnight = world.report("?days=7"), world.report("?days=14")
    assert [arm["arm"] for arm in week["arms"]] == ["control"]
    assert [arm["arm"] for arm in fortnight["arms"]] == ["control", "rules"]
    assert (week["days"], fortnight["days"]) == (7, 14)


def test_the_first_exposure_of_a_cart_counts(world: World) -> None:
    cart_id = world.exposed("control", "ada", beans=1)
    world.expose(cart_id, "bob", "rules", allocation(0.5, False))
    assert world.exposures() == [(cart_id, "ada", "control", SPLIT)]
    with world.app.app_context(), pytest.raises(TenantNotSet), write():
        insert_if_absent(
            UpsellExposure, [{"cart_id": cart_id, "shopper": "ada", "arm": "control", "allocation": SPLIT}]
        )


def test_only_staff_may_read_it(world: World) -> None:
    for headers in ({}, {"Authorization": "Bearer guess"}):
        answer = world.person.api("GET", "/upsell/report", headers=headers)
        assert answer.status_code == 401
        assert answer.mimetype == "application/problem+json"
    for query in ("?days=0", "?days=ten", "?days=4000"):
        assert world.person.api("GET", f"/upsell/report{query}", headers=world.key).status_code == 422


def test_operators_read_it_as_a_table(world: World, other_world: World) -> None:
    fill(world)
    other_world.exposed("rules", "ada", ink=1)
    run = world.app.test_cli_runner().invoke
    both = run(args=["upsell", "report"])
    assert both.exit_code == 0, both.output
    assert "South (south), the last 90 days" in both.output
    one = run(args=["upsell", "report", "--tenant", "north", "--days", "30"])
    assert "South" not in one.output
    lines = one.output.splitlines()
    assert lines[0] == "North (north), the last 30 days"
    assert lines[1].startswith("Not enough data yet")
    assert lines[3].split()[:4] == ["arm", "shoppers", "checkouts", "orders"]
    assert lines[5].split() == ["rules", "3", "4", "2", "€90.84", "€22.71", "75.0%", "€11.20", "0.0000", "USD"]
    assert lines[6].split()[-2:] == ["0.0018", "USD"]
    nowhere = run(args=["upsell", "report", "--tenant", "nowhere"])
    assert nowhere.exit_code != 0
    assert "nowhere" in nowhere.output
    assert "Traceback" not in nowhere.output
