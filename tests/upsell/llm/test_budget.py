"""The daily budget: above the soft limit only carts of a high value use the model, above the hard limit none does."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from storefront.catalog.importer import import_catalog
from storefront.clock import now
from storefront.config_values import Budget, daily_budget
from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.state import state_of
from storefront.tenants.registry import registry
from storefront.upsell.llm.budget import may_ask
from storefront.upsell.llm.client import LlmResponse, completed_future
from storefront.upsell.llm.models import LlmUsage
from storefront.upsell.llm.outcomes import LlmOutcome
from storefront.upsell.models import UpsellImpression
from tests.conftest import CATALOG, Person
from tests.upsell import model_server as server
from tests.upsell.conftest import CARTS, stored_calls, stored_impressions
from tests.upsell.model_server import Exchange, ModelServer

TOKENS = 760
"""Usage in a response of the fake server."""
MAX_TOKENS_PER_CALL = 1200
"""More than a call for these carts can use: about 460 in the prompt and 600 in the answer."""
MODEL = "gpt-5.4-mini"
EXPENSIVE_CART, CHEAP_CARTS = {"pot": 1, "shared": 1}, [{"beans": 1}, {"cup": 1}, {"honey": 1}, {"shared": 1}]
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.mark.parametrize("in_tokens", [True, False])
def test_calls_are_allowed_up_to_the_limits(in_tokens: bool) -> None:
    budget = Budget(100, 200, in_tokens)

    def is_allowed(spent: int, value: int = 0, above: int | None = None) -> bool:
        return may_ask(budget, True, (spent, 10**9) if in_tokens else (10**9, spent), value, above)

    assert [is_allowed(spent) for spent in (0, 99, 100, 199, 200, 500)] == [True, True, False, False, False, False]
    assert [is_allowed(spent, 5001, 5000) for spent in (0, 99, 100, 199, 200, 500)] == [True] * 4 + [False] * 2
    assert not is_allowed(100, 5000, 5000), "the value must be above the threshold"
    assert may_ask(budget, True, (60, 60), 0, None, needed=(140, 140))
    assert not may_ask(budget, True, (60, 60), 0, None, needed=(141, 141)), "the call could exceed the hard limit"
    assert may_ask(daily_budget("0.0001/0.0002"), True, (10**9, 99), 0, None)
    assert may_ask(budget, False, (0, 0), 0, None) is in_tokens, "costs are unknown without a price"


def suggestion_source(app: Flask, cart: dict[str, int], shop: str = "north") -> str:
    """Get suggestions for a new cart and return their source."""
    person = Person(app.test_client(), shop)
    answer = person.api("GET", f"/carts/{person.cart(**cart)}/upsell")
    assert answer.json["suggestions"], "rules are the fallback"
    return str(answer.json["source"])


def daily_usage(app: Flask, shop: str = "north") -> list[tuple[int, int, int]]:
    """(calls, tokens, cost in micros) of each day."""
    with app.app_context(), tenant_context(shop):
        days = db.session.scalars(select(LlmUsage).order_by(LlmUsage.day))
        return [(day.calls, day.tokens, day.cost_micros) for day in days]


def set_upsell_options(app: Flask, **options: str) -> None:
    catalogue = json.loads(CATALOG.read_text())
    catalogue["tenants"][0]["upsell"] = options
    with app.app_context():
        import_catalog(json.dumps(catalogue).encode(), update_existing=True)
        registry().invalidate()


LIMITS = {
    "in tokens": {"UPSELL_BUDGET": f"{TOKENS + 1}/{TOKENS + MAX_TOKENS_PER_CALL} tokens"},
    "in money": {"UPSELL_BUDGET": "0.000821/0.003", "UPSELL_PRICES": f"{MODEL}=1/2"},
}


HARD_LIMIT = 3500
"""Enough for three reservations of about 1,060 tokens, or of 1,060 micros at the price below."""
LIMITS_FOR_THREE_CALLS = {
    "in tokens": {"UPSELL_BUDGET": f"{HARD_LIMIT}/{HARD_LIMIT} tokens"},
    "in money": {"UPSELL_BUDGET": "0.0035/0.0035", "UPSELL_PRICES": f"{MODEL}=1/1"},
}


@pytest.mark.parametrize("limits", LIMITS.values(), ids=LIMITS)
def test_rules_are_used_above_the_soft_limit(
    make_llm_app: Callable[..., Flask], model: ModelServer, limits: dict[str, str]
) -> None:
    """Two calls reach the soft limit; no value is configured above which carts may exceed it."""
    app = make_llm_app(**limits)
    assert [suggestion_source(app, cart) for cart in CHEAP_CARTS] == ["llm", "llm", "rules", "rules"]
    assert suggestion_source(app, EXPENSIVE_CART) == "rules"
    assert [row.decision for row in stored_impressions(app)] == ["ok", "ok", *["over_budget"] * 3]
    assert len(model.requests) == len(stored_calls(app)) == 2
    assert daily_usage(app) == [(2, 2 * TOKENS, 2 * 820 if "UPSELL_PRICES" in limits else 0)]
    assert suggestion_source(app, CHEAP_CARTS[0]) == "llm", "a cached answer costs nothing"


@ON_SQLITE
def test_carts_of_a_high_value_use_the_model_up_to_the_hard_limit(
    make_llm_app: Callable[..., Flask], model: ModelServer
) -> None:
    app = make_llm_app()
    set_upsell_options(app, budget=f"{TOKENS}/{2 * TOKENS + MAX_TOKENS_PER_CALL} tokens", budget_cart_above="40.00")
    assert [suggestion_source(app, cart) for cart in CHEAP_CARTS[:2]] == ["llm", "rules"]
    assert suggestion_source(app, {"pot": 1}) == "llm"
    assert suggestion_source(app, {"beans": 2}) == "llm", "cached"
    assert suggestion_source(app, EXPENSIVE_CART) == "llm"
    assert suggestion_source(app, {"pot": 1, "cup": 1}) == "rules", "above the hard limit no cart uses the model"
    assert len(model.requests) == 3


@ON_SQLITE
def test_a_tenants_budget_overrides_the_default(make_llm_app: Callable[..., Flask]) -> None:
    app = make_llm_app(UPSELL_BUDGET="0/0 tokens")
    assert suggestion_source(app, CHEAP_CARTS[0]) == "rules"
    set_upsell_options(app, budget="9000/9000 tokens")
    assert suggestion_source(app, CHEAP_CARTS[0]) == "llm"
    assert suggestion_source(app, {"pen": 1}, "south") == "rules"


@ON_SQLITE
def test_the_budget_is_renewed_on_the_next_day(make_llm_app: Callable[..., Flask]) -> None:
    app = make_llm_app(UPSELL_BUDGET=f"{TOKENS}/{MAX_TOKENS_PER_CALL} tokens")
    assert [suggestion_source(app, cart) for cart in CHEAP_CARTS[:2]] == ["llm", "rules"]
    with time_machine.travel(now() + timedelta(days=1)):
        assert [suggestion_source(app, cart) for cart in CHEAP_CARTS[1:3]] == ["llm", "rules"]
    assert daily_usage(app) == [(1, TOKENS, 0)] * 2


@ON_SQLITE
def test_each_tenant_has_its_own_usage(make_llm_app: Callable[..., Flask]) -> None:
    app = make_llm_app(UPSELL_BUDGET=f"{TOKENS}/{MAX_TOKENS_PER_CALL} tokens")
    assert [suggestion_source(app, cart) for cart in CHEAP_CARTS[:2]] == ["llm", "rules"]
    assert [suggestion_source(app, cart, "south") for cart in ({"pen": 1}, {"ink": 1})] == ["llm", "rules"]
    assert daily_usage(app) == daily_usage(app, "south") == [(1, TOKENS, 0)]


@ON_SQLITE
def test_usage_is_estimated_when_the_server_reports_none(
    make_llm_app: Callable[..., Flask], model: ModelServer
) -> None:
    def answer_without_usage(exchange: Exchange) -> None:
        content = json.dumps({"suggestions": [{"product_id": "pot", "explanation": "A pot for your beans."}]})
        completion = json.loads(server.completion(content))
        del completion["usage"]
        exchange.send(200, json.dumps(completion).encode())

    model.behave = answer_without_usage
    app = make_llm_app(UPSELL_BUDGET=f"200/{MAX_TOKENS_PER_CALL} tokens", UPSELL_PRICES=f"{MODEL}=10/20")
    assert [suggestion_source(app, cart) for cart in CHEAP_CARTS[:2]] == ["llm", "rules"]
    (call,) = stored_calls(app)
    assert len(call.prompt) / 5 < call.prompt_tokens < len(call.prompt) / 2
    assert 10 < call.completion_tokens < 60
    cost = 10 * call.prompt_tokens + 20 * call.completion_tokens
    assert call.cost_micros == cost
    assert daily_usage(app) == [(1, call.prompt_tokens + call.completion_tokens, cost)]


@ON_SQLITE
def test_a_failed_call_counts(make_llm_app: Callable[..., Flask], model: ModelServer) -> None:
    """It may be billed, and failing calls must not bypass the budget."""
    model.behave = server.disconnects
    app = make_llm_app(UPSELL_BUDGET=f"200/{MAX_TOKENS_PER_CALL} tokens")
    assert suggestion_source(app, CHEAP_CARTS[0]) == "rules"
    ((call_count, tokens, _),) = daily_usage(app)
    assert call_count == 1
    assert tokens > 200
    model.behave = server.good
    assert suggestion_source(app, CHEAP_CARTS[1]) == "rules"
    assert stored_impressions(app)[-1].decision == "over_budget"


def test_without_a_budget_calls_are_unlimited(make_llm_app: Callable[..., Flask]) -> None:
    app = make_llm_app()
    assert [suggestion_source(app, cart) for cart in CHEAP_CARTS] == ["llm"] * 4
    assert daily_usage(app) == [(4, 4 * TOKENS, 0)]


class BlockingServer:
    """Answers requests only after the event `released` is set."""

    def __init__(self) -> None:
        self.released = threading.Event()

    def __call__(self, exchange: Exchange) -> None:
        assert self.released.wait(60)
        server.good(exchange)


@pytest.mark.parametrize("limits", LIMITS_FOR_THREE_CALLS.values(), ids=LIMITS_FOR_THREE_CALLS)
def test_concurrent_calls_do_not_exceed_the_hard_limit_together(
    make_llm_app: Callable[..., Flask], model: ModelServer, limits: dict[str, str]
) -> None:
    """Each process reserves the maximum usage of a call before it starts."""
    model.behave = blocking_server = BlockingServer()
    processes = [make_llm_app(UPSELL_TIMEOUT="60", **limits) for _ in range(2)]
    in_money = "UPSELL_PRICES" in limits
    with ThreadPoolExecutor(len(CARTS)) as pool:
        results = [pool.submit(suggestion_source, processes[i % 2], cart) for i, cart in enumerate(CARTS)]
        assert model.wait_for(lambda: sum(map(is_over_budget, stored_impressions(processes[0]))) == len(CARTS) - 3, 60)
        assert model.wait_for(lambda: len(model.requests) == 3)
        ((_, tokens, cost),) = daily_usage(processes[0])
        assert tokens > 3 * TOKENS
        assert (cost if in_money else tokens) <= HARD_LIMIT
        blocking_server.released.set()
        assert sorted(future.result() for future in results) == ["llm"] * 3 + ["rules"] * (len(CARTS) - 3)
    assert daily_usage(processes[1]) == [(3, 3 * TOKENS, 3 * TOKENS if in_money else 0)], (
        "unused reservations are released"
    )


def is_over_budget(impression: UpsellImpression) -> bool:
    return impression.decision == "over_budget"


@ON_SQLITE
def test_the_reservation_of_a_refused_call_is_released(make_llm_app: Callable[..., Flask], model: ModelServer) -> None:
    """An error status is not billed."""
    model.behave = server.fails(500)
    app = make_llm_app(UPSELL_BUDGET=f"{MAX_TOKENS_PER_CALL}/{MAX_TOKENS_PER_CALL} tokens")
    assert suggestion_source(app, CHEAP_CARTS[0]) == "rules"
    assert daily_usage(app) == [(1, 0, 0)]
    model.behave = server.good
    assert suggestion_source(app, CHEAP_CARTS[1]) == "llm"


def test_the_reservation_of_a_call_that_was_not_made_is_released(
    make_llm_app: Callable[..., Flask], model: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_llm_app(UPSELL_BUDGET=f"{MAX_TOKENS_PER_CALL}/{MAX_TOKENS_PER_CALL} tokens")
    reranker = state_of(app).llm_reranker
    with monkeypatch.context() as patch:
        patch.setattr(
            reranker.model, "complete", lambda *_: completed_future(LlmResponse(LlmOutcome.CONCURRENCY_LIMITED))
        )
        assert suggestion_source(app, CHEAP_CARTS[0]) == "rules"
    assert model.wait_for(lambda: daily_usage(app) == [(0, 0, 0)])
    assert suggestion_source(app, CHEAP_CARTS[0]) == "llm"


@ON_SQLITE
def test_no_call_is_made_when_the_budget_is_below_its_maximum_usage(
    make_llm_app: Callable[..., Flask], model: ModelServer
) -> None:
    app = make_llm_app(UPSELL_BUDGET="500/500 tokens")
    assert suggestion_source(app, CHEAP_CARTS[0]) == "rules"
    assert (model.requests, daily_usage(app)) == ([], [])
