"""The report on scenarios small enough to compute by hand, through the API, on both databases."""

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
    """Suggestions are off, so that only the exposures of a test exist."""
    return make_app(UPSELL_ENABLED="false")


class Scenario:
    """Builds the exposures, orders, accepted suggestions and calls of a tenant."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.app = person.client.application
        self.key = bearer(api_key(self.app, person.shop, "upsell:read"))

    def exposed_cart(self, arm: str, shopper: str, split: dict[Arm, float] | None = None, **items: int) -> str:
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

    def add_llm_call(self, cart_id: str, cost: int | None) -> None:
        """Store a call for this cart with this cost in micros."""
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
def scenario(shopper: Person) -> Scenario:
    return Scenario(shopper)


@pytest.fixture
def other_scenario(stranger: Person) -> Scenario:
    return Scenario(stranger)


def euros(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "EUR"}


def dollars(micros: int) -> dict[str, Any]:
    return {"micros": micros, "currency": "USD"}


def fill(scenario: Scenario) -> None:
    """Prices including 20 % tax: beans 22.20, honey 13.44, pot 55.20."""
    scenario.order(scenario.exposed_cart("control", "ada", beans=1))
    scenario.exposed_cart("control", "ada", honey=1)
    scenario.order(scenario.exposed_cart("control", "bob", honey=1))
    accepted = scenario.exposed_cart("rules", "cleo", beans=1)
    scenario.accept(accepted, "honey")
    scenario.order(accepted)
    scenario.order(scenario.exposed_cart("rules", "cleo", pot=1))
    cancelled = scenario.exposed_cart("rules", "dan", beans=2)
    scenario.accept(cancelled, "honey")
    scenario.cancel(scenario.order(cancelled))
    abandoned = scenario.exposed_cart("rules", "eve", pot=1)
    scenario.accept(abandoned, "honey")
    with_calls = scenario.exposed_cart("model", "fay", honey=1)
    scenario.order(with_calls)
    for cost in (1500, 250, None):
        scenario.add_llm_call(with_calls, cost)
    scenario.exposed_cart("model", "fay", beans=1)
    scenario.exposed_cart("model", "gus", beans=1)
    scenario.order(scenario.person.cart(beans=3))  # not exposed, so in no arm


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


def test_the_report_contains_the_totals_of_each_arm(scenario: Scenario) -> None:
    fill(scenario)
    report = scenario.report()
    assert report["arms"] == EXPECTED
    assert report["uplifts"] == []
    assert report["sample_ratio"] == {"p": None, "mismatch": False}
    assert report["verdict"].startswith("Not enough data yet")
    assert report["days"] == 90, "the retention of exposures"


def test_without_a_holdout_the_verdict_explains_how_to_set_one(scenario: Scenario) -> None:
    """UPSELL_HOLDOUT is 0 by default, and more data never yields a comparison then."""
    no_holdout = allocation(0, False)
    for shopper in ("ada", "bob"):
        scenario.order(scenario.exposed_cart("rules", shopper, no_holdout, beans=1))
    assert "UPSELL_HOLDOUT is 0" in scenario.report()["verdict"]
    assert scenario.report()["arms"][0]["orders"] == 2
    scenario.exposed_cart("control", "eve", SPLIT, beans=1)
    assert scenario.report()["verdict"].startswith("Not enough data yet")


def test_other_tenants_are_not_counted(scenario: Scenario, other_scenario: Scenario) -> None:
    fill(scenario)
    cart_id = scenario.exposed_cart("model", "ada", beans=1)
    scenario.order(cart_id)
    before = scenario.report()
    assert other_scenario.report()["arms"] == []
    other_cart_id = other_scenario.exposed_cart("model", "ada", ink=1)
    other_scenario.add_llm_call(other_cart_id, 7)
    other_scenario.accept(other_cart_id, "pen")
    other_scenario.order(other_cart_id)
    other_scenario.expose(cart_id, "ada", "rules", SPLIT)  # with the same cart id
    other_scenario.add_llm_call(cart_id, 9)
    assert scenario.report() == before
    rules, model = other_scenario.report()["arms"]
    assert (rules["checkouts"], rules["orders"], rules["model_cost"]["micros"]) == (1, 0, 9)
    assert rules["revenue"] == {"amount": 0, "currency": "JPY"}
    assert (model["orders"], model["acceptance"], model["model_cost"]["micros"]) == (1, 1.0, 7)
    assert model["upsell_revenue"] == {"amount": 12400, "currency": "JPY"}


def test_the_report_covers_the_requested_days_only(scenario: Scenario) -> None:
    scenario.order(scenario.exposed_cart("control", "ada", beans=1))
    old = scenario.exposed_cart("rules", "bob", beans=1)
    long_ago = now() - timedelta(days=10)
    scenario.change(update(UpsellExposure).where(UpsellExposure.cart_id == old).values(created_at=long_ago))
    week, fortnight = scenario.report("?days=7"), scenario.report("?days=14")
    assert [arm["arm"] for arm in week["arms"]] == ["control"]
    assert [arm["arm"] for arm in fortnight["arms"]] == ["control", "rules"]
    assert (week["days"], fortnight["days"]) == (7, 14)


def test_the_first_exposure_of_a_cart_counts(scenario: Scenario) -> None:
    cart_id = scenario.exposed_cart("control", "ada", beans=1)
    scenario.expose(cart_id, "bob", "rules", allocation(0.5, False))
    assert scenario.exposures() == [(cart_id, "ada", "control", SPLIT)]
    with scenario.app.app_context(), pytest.raises(TenantNotSet), write():
        insert_if_absent(
            UpsellExposure, [{"cart_id": cart_id, "shopper": "ada", "arm": "control", "allocation": SPLIT}]
        )


def test_the_report_requires_an_api_key(scenario: Scenario) -> None:
    for headers in ({}, {"Authorization": "Bearer guess"}):
        answer = scenario.person.api("GET", "/upsell/report", headers=headers)
        assert answer.status_code == 401
        assert answer.mimetype == "application/problem+json"
    for query in ("?days=0", "?days=ten", "?days=4000"):
        assert scenario.person.api("GET", f"/upsell/report{query}", headers=scenario.key).status_code == 422


def test_the_command_prints_a_table(scenario: Scenario, other_scenario: Scenario) -> None:
    fill(scenario)
    other_scenario.exposed_cart("rules", "ada", ink=1)
    run = scenario.app.test_cli_runner().invoke
    all_tenants = run(args=["upsell", "report"])
    assert all_tenants.exit_code == 0, all_tenants.output
    assert "South (south), the last 90 days" in all_tenants.output
    north = run(args=["upsell", "report", "--tenant", "north", "--days", "30"])
    assert "South" not in north.output
    lines = north.output.splitlines()
    assert lines[0] == "North (north), the last 30 days"
    assert lines[1].startswith("Not enough data yet")
    assert lines[3].split()[:4] == ["arm", "shoppers", "checkouts", "orders"]
    assert lines[5].split() == ["rules", "3", "4", "2", "€90.84", "€22.71", "75.0%", "€11.20", "0.0000", "USD"]
    assert lines[6].split()[-2:] == ["0.0018", "USD"]
    unknown = run(args=["upsell", "report", "--tenant", "nowhere"])
    assert unknown.exit_code != 0
    assert "nowhere" in unknown.output
    assert "Traceback" not in unknown.output
