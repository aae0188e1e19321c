"""`flask upsell evaluate`: a backtest on orders with a known structure."""

import re
from collections.abc import Callable

import pytest
from flask import Flask

from storefront.db.tenancy import execute
from storefront.db.tenant_context import tenant_context
from storefront.orders.fulfilment import cancel_order
from storefront.tenants.registry import registry
from storefront.upsell.recommender.candidates import _rank, rank_items
from storefront.upsell.recommender.cooccurrence_update import BasketItem
from storefront.upsell.recommender.evaluation.backtest import Backtest
from storefront.upsell.recommender.queries import SELECT_AFFINITIES, SELECT_CATALOG
from storefront.upsell.recommender.stats_cache import current_stats
from storefront.upsell.recommender.training import item_indexes
from tests.conftest import Person
from tests.upsell.conftest import add_products, stored_calls, train
from tests.upsell.model_server import ModelServer, hangs, suggest

PAIRS, ROUNDS = 4, 9
ROW = re.compile(
    r"^(popularity|raw pair counts|rules, as shown|rules|model)  +(\d+) +([\d.]+)% ± [\d.]+% +([\d.]+)", re.M
)
EXPECTED_HIT_RATE = round(100 * (ROUNDS - 1) / ROUNDS, 1)
"""In percent: each pair is unknown in the first round only."""


def evaluate(app: Flask, *arguments: str, shop: str = "north", answer: str | None = None) -> str:
    result = app.test_cli_runner().invoke(args=["upsell", "evaluate", "--tenant", shop, *arguments], input=answer)
    assert result.exit_code == 0, result.output
    return result.output


def hit_rates(output: str) -> dict[str, float]:
    """The printed hit@3 in percent by method, from the last table with it."""
    return {name: float(rate) for name, _, rate, _ in ROW.findall(output)}


def order(person: Person, *ids: str) -> str:
    return str(person.checkout(person.cart(**dict.fromkeys(ids, 1))).json["id"])


def create_paired_orders(app: Flask, shop: str = "north") -> Person:
    """Add products that are always bought in the same pairs, with `ROUNDS` orders of each pair."""
    products = [{"id": f"{half}{i}", "name": f"{half * 3}{i}", "stock": 999} for i in range(PAIRS) for half in "ab"]
    add_products(app, products, shop)
    person = Person(app.test_client(), shop)
    for _ in range(ROUNDS):
        for i in range(PAIRS):
            order(person, f"a{i}", f"b{i}")
    return person


def test_pairs_that_are_always_bought_together_are_suggested(app: Flask) -> None:
    create_paired_orders(app)
    output = evaluate(app)
    found = hit_rates(output)
    assert "36 carts" in output
    assert found["raw pair counts"] == EXPECTED_HIT_RATE
    assert found["rules"] >= EXPECTED_HIT_RATE
    assert found["rules, as shown"] == found["rules"]
    assert found["popularity"] < 70


def test_cancelled_orders_and_other_tenants_do_not_count(app: Flask) -> None:
    shopper = create_paired_orders(app)
    before = evaluate(app)
    cancelled = [order(shopper, f"a{i}", f"b{(i + 1) % PAIRS}") for i in range(PAIRS)]
    assert evaluate(app) != before, "they count until they are cancelled"
    with app.app_context(), tenant_context("north"):
        for order_id in cancelled:
            cancel_order(order_id)
    create_paired_orders(app, "south")
    assert evaluate(app) == before


def test_too_few_orders_yield_no_result(app: Flask) -> None:
    shopper = Person(app.test_client(), "north")
    order(shopper, "beans", "pot")
    order(shopper, "beans")
    assert evaluate(app).strip() == "north: 1 order to learn from: too few to say anything. About 20 are the least."


def test_later_orders_are_not_used(app: Flask) -> None:
    """Each pair is bought once, so every hit would come from a later order."""
    products = [{"id": f"{half}{i}", "name": f"{half * 3}{i}", "stock": 999} for i in range(25) for half in "ab"]
    add_products(app, products)
    shopper = Person(app.test_client(), "north")
    for i in range(25):
        order(shopper, f"a{i}", f"b{i}")
    assert hit_rates(evaluate(app))["raw pair counts"] == 0


def test_the_backtest_ranks_as_the_recommender_does(app: Flask) -> None:
    shopper = create_paired_orders(app)
    for other in ("honey", "pot", "shared"):
        order(shopper, "beans", other, "a1")
    train(app)
    with app.app_context(), tenant_context("north"):
        replay = Backtest(registry().all()["north"])
        replay.run()
        carts = [["beans"], ["a1", "beans"], ["b2", "honey", "a3"]]
        for cart in carts:
            numbers = sorted(replay.numbers[id] for id in cart)
            replay.history.load_batch([[item for item in all_items() if item.number in numbers]])
            cart_items = [replay.history.cart_item_features(number) for number in numbers]
            replayed = rank_items(replay.history.stats(), cart_items, replay.history.pairs(numbers))
            assert replayed == _rank(current_stats(), execute(SELECT_AFFINITIES, {"ids": cart}).all())
            assert replayed


def all_items() -> list[BasketItem]:
    """The products of the current tenant with their item indexes."""
    return list(item_indexes([row.product_id for row in execute(SELECT_CATALOG)]).values())


def test_merchandising_rules_apply_to_displayed_suggestions(app: Flask) -> None:
    """All products have the same category, and only one per category is allowed."""
    products = [{"id": f"c{i}", "name": f"ccc{i}", "category": "C", "stock": 999} for i in range(4)]
    add_products(app, products)
    shopper = Person(app.test_client(), "north")
    for i in range(24):
        order(shopper, f"c{i % 4}", f"c{(i + 1 + i // 4 % 3) % 4}")
    found = hit_rates(evaluate(app))
    assert found["rules"] == 100
    assert found["rules, as shown"] < 80


# --- the model --------------------------------------------------------------------------------------------------------


@pytest.fixture
def llm_app(make_llm_app: Callable[..., Flask]) -> Flask:
    app = make_llm_app(UPSELL_PRICES="gpt-5.4-mini=0.25/2.00", UPSELL_HOLDOUT="1")
    create_paired_orders(app)
    return app


def test_the_model_is_called_only_after_confirming_its_price(llm_app: Flask, model: ModelServer) -> None:
    output = evaluate(llm_app, "--model", answer="n\n")
    assert re.search(r"the latest 3[56] carts: gpt-5\.4-mini, about [\d,]+ tokens, about 0\.\d{4} USD", output)
    assert model.requests == []
    assert "model  " not in output
    evaluate(llm_app)
    assert model.requests == [], "without --model no call is made"
    evaluate(llm_app, "--model", "--orders", "7", answer="y\n")
    assert len(model.requests) == 7


def test_the_models_choice_is_evaluated(llm_app: Flask, model: ModelServer) -> None:
    output = evaluate(llm_app, "--model", "--yes", "--orders", "20")
    assert hit_rates(output)["model"] == hit_rates(output)["rules, as shown"] == 100, (
        "the model chooses the first three"
    )
    assert "Without an answer" not in output
    assert {(call.purpose, call.cart_id) for call in stored_calls(llm_app)} == {("evaluation", None)}
    model.behave = lambda exchange: suggest(
        [{"product_id": exchange.request.known_ids[-1], "explanation": "It is the last."}]
    )(exchange)
    assert hit_rates(evaluate(llm_app, "--model", "--yes", "--orders", "20"))["model"] == 0, (
        "the model chooses the last"
    )


def test_calls_without_an_answer_are_evaluated_as_the_rules(
    make_llm_app: Callable[..., Flask], model: ModelServer
) -> None:
    app = make_llm_app(UPSELL_TIMEOUT="0.5", UPSELL_IN_FLIGHT="1", UPSELL_HOLDOUT="1")
    create_paired_orders(app)
    model.behave = hangs
    output = evaluate(app, "--model", "--yes", "--orders", "20")
    assert hit_rates(output)["model"] == hit_rates(output)["rules, as shown"] == 100
    assert "Without an answer: 20 (not_asked 15, timeout 5); the rules' choice counts there." in output
    # A busy machine may send fewer requests than calls that time out.
    assert len(model.requests) <= 5, "calls stop after repeated failures"


def test_the_daily_budget_limits_the_calls(make_llm_app: Callable[..., Flask], model: ModelServer) -> None:
    app = make_llm_app(UPSELL_BUDGET="100/3500 tokens", UPSELL_IN_FLIGHT="1", UPSELL_HOLDOUT="1")
    create_paired_orders(app)
    assert "not_asked 16" in evaluate(app, "--model", "--yes", "--orders", "20")
    assert len(model.requests) == 4, "each uses 760 tokens, and the next one needs up to about 1,060"


def test_without_a_model_the_error_names_the_missing_setting(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["upsell", "evaluate", "--model"])
    assert result.exit_code == 1
    assert "OPENAI_API_KEY" in result.output
