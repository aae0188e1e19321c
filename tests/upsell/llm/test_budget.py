"""What the model may be used for in a day: past the soft limit for dear carts only, past the hard one for none."""

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
from tests.upsell.conftest import CARTS, calls, showings
from tests.upsell.model_server import Exchange, ModelServer

TOKENS = 760
"""What an answer of the tests' server says that it used."""
MAX_TOKENS_PER_CALL = 1200
"""More than a call about these carts can use: some 460 of the prompt and 600 of the answer."""
MODEL = "gpt-5.4-mini"
DEAR, CHEAP = {"pot": 1, "shared": 1}, [{"beans": 1}, {"cup": 1}, {"honey": 1}, {"shared": 1}]
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.mark.parametrize("in_tokens", [True, False])
def test_the_limits(in_tokens: bool) -> None:
    budget = Budget(100, 200, in_tokens)

    def may(spent: int, value: int = 0, above: int | None = None) -> bool:
        return may_ask(budget, True, (spent, 10**9) if in_tokens else (10**9, spent), value, above)

    assert [may(spent) for spent in (0, 99, 100, 199, 200, 500)] == [True, True, False, False, False, False]
    assert [may(spent, 5001, 5000) for spent in (0, 99, 100, 199, 200, 500)] == [True] * 4 + [False] * 2
    assert not may(100, 5000, 5000), "above is not at"
    assert may_ask(budget, True, (60, 60), 0, None, needed=(140, 140))
    assert not may_ask(budget, True, (60, 60), 0, None, needed=(141, 141)), "it could exceed the hard limit"
    assert may_ask(daily_budget("0.0001/0.0002"), True, (10**9, 99), 0, None)
    assert may_ask(budget, False, (0, 0), 0, None) is in_tokens, "money can't be counted without a price"


def ask(app: Flask, cart: dict[str, int], shop: str = "north") -> str:
    """Who chose for this cart."""
    person = Person(app.test_client(), shop)
    answer = person.api("GET", f"/carts/{person.cart(**cart)}/upsell")
    assert answer.json["suggestions"], "there is always something to suggest"
    return str(answer.json["source"])


def used(app: Flask, shop: str = "north") -> list[tuple[int, int, int]]:
    with app.app_context(), tenant_context(shop):
        days = db.session.scalars(select(LlmUsage).order_by(LlmUsage.day))
        return [(day.calls, day.tokens, day.cost_micros) for day in days]


def wish(app: Flask, **wishes: str) -> None:
    catalogue = json.loads(CATALOG.read_text())
    catalogue["tenants"][0]["upsell"] = wishes
    with app.app_context():
        import_catalog(json.dumps(catalogue).encode(), update_existing=True)
        registry().invalidate()


LIMITS = {
    "in tokens": {"UPSELL_BUDGET": f"{TOKENS + 1}/{TOKENS + MAX_TOKENS_PER_CALL} tokens"},
    "in money": {"UPSELL_BUDGET": "0.000821/0.003", "UPSELL_PRICES": f"{MODEL}=1/2"},
}


HARD = 3500
"""Room for three reservations of some 1,060 tokens, or of as many millionths at the price below."""
LIMITS_OF_THREE = {
    "in tokens": {"UPSELL_BUDGET": f"{HARD}/{HARD} tokens"},
    "in money": {"UPSELL_BUDGET": "0.0035/0.0035", "UPSELL_PRICES": f"{MODEL}=1/1"},
}


@pytest.mark.parametrize("limits", LIMITS.values(), ids=LIMITS)
def test_past_the_limit_the_rules_choose(
    asking: Callable[..., Flask], model: ModelServer, limits: dict[str, str]
) -> None:
    """Two calls reach the soft limit, and nobody said which carts are dear."""
    app = asking(**limits)
    assert [ask(app, cart) for cart in CHEAP] == ["llm", "llm", "rules", "rules"]
    assert ask(app, DEAR) == "rules"
    assert [one.decision for one in showings(app)] == ["ok", "ok", *["over_budget"] * 3]
    assert len(model.requests) == len(calls(app)) == 2
    assert used(app) == [(2, 2 * TOKENS, 2 * 820 if "UPSELL_PRICES" in limits else 0)]
    assert ask(app, CHEAP[0]) == "llm", "what is known already costs nothing"


@ON_SQLITE
def test_dear_carts_are_asked_about_up_to_the_hard_limit(asking: Callable[..., Flask], model: ModelServer) -> None:
    app = asking()
    wish(app, budget=f"{TOKENS}/{2 * TOKENS + MAX_TOKENS_PER_CALL} tokens", budget_cart_above="40.00")
    assert [ask(app, cart) for cart in CHEAP[:2]] == ["llm", "rules"]
    assert ask(app, {"pot": 1}) == "llm"
    assert ask(app, {"beans": 2}) == "llm", "known"
    assert ask(app, DEAR) == "llm"
    assert ask(app, {"pot": 1, "cup": 1}) == "rules", "past the hard limit none is"
    assert len(model.requests) == 3


@ON_SQLITE
def test_a_shops_own_budget_goes_before_that_of_all(asking: Callable[..., Flask]) -> None:
    app = asking(UPSELL_BUDGET="0/0 tokens")
    assert ask(app, CHEAP[0]) == "rules"
    wish(app, budget="9000/9000 tokens")
    assert ask(app, CHEAP[0]) == "llm"
    assert ask(app, {"pen": 1}, "south") == "rules"


@ON_SQLITE
def test_the_next_day_is_free_again(asking: Callable[..., Flask]) -> None:
    app = asking(UPSELL_BUDGET=f"{TOKENS}/{MAX_TOKENS_PER_CALL} tokens")
    assert [ask(app, cart) for cart in CHEAP[:2]] == ["llm", "rules"]
    with time_machine.travel(now() + timedelta(days=1)):
        assert [ask(app, cart) for cart in CHEAP[1:3]] == ["llm", "rules"]
    assert used(app) == [(1, TOKENS, 0)] * 2


@ON_SQLITE
def test_each_shop_has_its_own_day(asking: Callable[..., Flask]) -> None:
    app = asking(UPSELL_BUDGET=f"{TOKENS}/{MAX_TOKENS_PER_CALL} tokens")
    assert [ask(app, cart) for cart in CHEAP[:2]] == ["llm", "rules"]
    assert [ask(app, cart, "south") for cart in ({"pen": 1}, {"ink": 1})] == ["llm", "rules"]
    assert used(app) == used(app, "south") == [(1, TOKENS, 0)]


@ON_SQLITE
def test_use_is_estimated_where_the_server_counts_nothing(asking: Callable[..., Flask], model: ModelServer) -> None:
    def counts_nothing(exchange: Exchange) -> None:
        said = json.dumps({"suggestions": [{"product_id": "pot", "explanation": "A pot for your beans."}]})
        completion = json.loads(server.completion(said))
        del completion["usage"]
        exchange.send(200, json.dumps(completion).encode())

    model.behave = counts_nothing
    app = asking(UPSELL_BUDGET=f"200/{MAX_TOKENS_PER_CALL} tokens", UPSELL_PRICES=f"{MODEL}=10/20")
    assert [ask(app, cart) for cart in CHEAP[:2]] == ["llm", "rules"]
    (call,) = calls(app)
    assert len(call.prompt) / 5 < call.prompt_tokens < len(call.prompt) / 2
    assert 10 < call.completion_tokens < 60
    cost = 10 * call.prompt_tokens + 20 * call.completion_tokens
    assert call.cost_micros == cost
    assert used(app) == [(1, call.prompt_tokens + call.completion_tokens, cost)]


@ON_SQLITE
def test_a_call_that_fails_counts_too(asking: Callable[..., Flask], model: ModelServer) -> None:
    """The server may have been paid for it, and nobody can drain the purse by making it fail."""
    model.behave = server.hangs_up
    app = asking(UPSELL_BUDGET=f"200/{MAX_TOKENS_PER_CALL} tokens")
    assert ask(app, CHEAP[0]) == "rules"
    ((many, tokens, _),) = used(app)
    assert many == 1
    assert tokens > 200
    model.behave = server.good
    assert ask(app, CHEAP[1]) == "rules"
    assert showings(app)[-1].decision == "over_budget"


def test_without_a_budget_there_is_no_limit(asking: Callable[..., Flask]) -> None:
    app = asking()
    assert [ask(app, cart) for cart in CHEAP] == ["llm"] * 4
    assert used(app) == [(4, 4 * TOKENS, 0)]


class Held:
    """A server that takes requests and answers none before the test lets it."""

    def __init__(self) -> None:
        self.go_on = threading.Event()

    def __call__(self, exchange: Exchange) -> None:
        assert self.go_on.wait(60)
        server.good(exchange)


@pytest.mark.parametrize("limits", LIMITS_OF_THREE.values(), ids=LIMITS_OF_THREE)
def test_calls_at_once_do_not_exceed_the_hard_limit_together(
    asking: Callable[..., Flask], model: ModelServer, limits: dict[str, str]
) -> None:
    """Whatever they can use is reserved before, by whichever process asks first."""
    model.behave = held = Held()
    processes = [asking(UPSELL_TIMEOUT="60", **limits) for _ in range(2)]
    money = "UPSELL_PRICES" in limits
    with ThreadPoolExecutor(len(CARTS)) as pool:
        asked = [pool.submit(ask, processes[i % 2], cart) for i, cart in enumerate(CARTS)]
        assert model.wait_for(lambda: sum(map(is_over_budget, showings(processes[0]))) == len(CARTS) - 3, 60)
        assert model.wait_for(lambda: len(model.requests) == 3)
        ((_, tokens, cost),) = used(processes[0])
        assert tokens > 3 * TOKENS
        assert (cost if money else tokens) <= HARD
        held.go_on.set()
        assert sorted(one.result() for one in asked) == ["llm"] * 3 + ["rules"] * (len(CARTS) - 3)
    assert used(processes[1]) == [(3, 3 * TOKENS, 3 * TOKENS if money else 0)], "what was not used is free again"


def is_over_budget(showing: UpsellImpression) -> bool:
    return showing.decision == "over_budget"


@ON_SQLITE
def test_what_was_reserved_for_a_call_that_was_refused_is_free_again(
    asking: Callable[..., Flask], model: ModelServer
) -> None:
    """Nobody charges for an error status."""
    model.behave = server.fails(500)
    app = asking(UPSELL_BUDGET=f"{MAX_TOKENS_PER_CALL}/{MAX_TOKENS_PER_CALL} tokens")
    assert ask(app, CHEAP[0]) == "rules"
    assert used(app) == [(1, 0, 0)]
    model.behave = server.good
    assert ask(app, CHEAP[1]) == "llm"


def test_what_was_reserved_for_a_call_that_was_not_made_is_free_again(
    asking: Callable[..., Flask], model: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = asking(UPSELL_BUDGET=f"{MAX_TOKENS_PER_CALL}/{MAX_TOKENS_PER_CALL} tokens")
    assistant = state_of(app).llm_reranker
    with monkeypatch.context() as patch:
        patch.setattr(
            assistant.model, "complete", lambda *_: completed_future(LlmResponse(LlmOutcome.CONCURRENCY_LIMITED))
        )
        assert ask(app, CHEAP[0]) == "rules"
    assert model.wait_for(lambda: used(app) == [(0, 0, 0)])
    assert ask(app, CHEAP[0]) == "llm"


@ON_SQLITE
def test_a_budget_below_what_one_call_can_use_asks_nothing(asking: Callable[..., Flask], model: ModelServer) -> None:
    app = asking(UPSELL_BUDGET="500/500 tokens")
    assert ask(app, CHEAP[0]) == "rules"
    assert (model.requests, used(app)) == ([], [])
