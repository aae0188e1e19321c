"""`flask upsell evaluate`: the shop's own orders, replayed in a shop where the answer is known."""

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
from tests.upsell.conftest import calls, stock, teach
from tests.upsell.model_server import ModelServer, hangs, suggest

PAIRS, ROUNDS = 4, 9
ROW = re.compile(
    r"^(popularity|raw pair counts|rules, as shown|rules|model)  +(\d+) +([\d.]+)% ± [\d.]+% +([\d.]+)", re.M
)
KNOWN = round(100 * (ROUNDS - 1) / ROUNDS, 1)
"""Each pair is new once and known ever after."""


def evaluate(app: Flask, *words: str, shop: str = "north", answer: str | None = None) -> str:
    result = app.test_cli_runner().invoke(args=["upsell", "evaluate", "--tenant", shop, *words], input=answer)
    assert result.exit_code == 0, result.output
    return result.output


def rates(said: str) -> dict[str, float]:
    """hit@3 in per cent by method, as printed; of the last table that has it."""
    return {name: float(rate) for name, _, rate, _ in ROW.findall(said)}


def order(person: Person, *ids: str) -> str:
    return str(person.checkout(person.cart(**dict.fromkeys(ids, 1))).json["id"])


def open_shop(app: Flask, shop: str = "north") -> Person:
    """Pairs that are always bought together, and never with anything else."""
    goods = [{"id": f"{half}{i}", "name": f"{half * 3}{i}", "stock": 999} for i in range(PAIRS) for half in "ab"]
    stock(app, goods, shop)
    person = Person(app.test_client(), shop)
    for _ in range(ROUNDS):
        for i in range(PAIRS):
            order(person, f"a{i}", f"b{i}")
    return person


def test_pairs_that_are_always_bought_together_are_found(app: Flask) -> None:
    open_shop(app)
    said = evaluate(app)
    found = rates(said)
    assert "36 carts" in said
    assert found["raw pair counts"] == KNOWN
    assert found["rules"] >= KNOWN
    assert found["rules, as shown"] == found["rules"]
    assert found["popularity"] < 70


def test_orders_called_off_and_those_of_another_shop_do_not_count(app: Flask) -> None:
    shopper = open_shop(app)
    before = evaluate(app)
    called_off = [order(shopper, f"a{i}", f"b{(i + 1) % PAIRS}") for i in range(PAIRS)]
    assert evaluate(app) != before, "they count while they stand"
    with app.app_context(), tenant_context("north"):
        for order_id in called_off:
            cancel_order(order_id)
    open_shop(app, "south")
    assert evaluate(app) == before


def test_too_few_orders_say_nothing(app: Flask) -> None:
    shopper = Person(app.test_client(), "north")
    order(shopper, "beans", "pot")
    order(shopper, "beans")
    assert evaluate(app).strip() == "north: 1 order to learn from: too few to say anything. About 20 are the least."


def test_nothing_is_known_of_later_orders(app: Flask) -> None:
    """Each pair is bought once: who looked ahead would find them all."""
    goods = [{"id": f"{half}{i}", "name": f"{half * 3}{i}", "stock": 999} for i in range(25) for half in "ab"]
    stock(app, goods)
    shopper = Person(app.test_client(), "north")
    for i in range(25):
        order(shopper, f"a{i}", f"b{i}")
    assert rates(evaluate(app))["raw pair counts"] == 0


def test_the_replay_ranks_as_the_engine_does(app: Flask) -> None:
    shopper = open_shop(app)
    for other in ("honey", "pot", "shared"):
        order(shopper, "beans", other, "a1")
    teach(app)
    with app.app_context(), tenant_context("north"):
        replay = Backtest(registry().all()["north"])
        replay.run()
        carts = [["beans"], ["a1", "beans"], ["b2", "honey", "a3"]]
        for cart in carts:
            numbers = sorted(replay.numbers[id] for id in cart)
            replay.history.take([[one for one in everything() if one.number in numbers]])
            mine = [replay.history.in_cart(one) for one in numbers]
            replayed = rank_items(replay.history.shelf(), mine, replay.history.pairs(numbers))
            assert replayed == _rank(current_stats(), execute(SELECT_AFFINITIES, {"ids": cart}).all())
            assert replayed


def everything() -> list[BasketItem]:
    """The products of the shop, as the ledger knows them."""
    return list(item_indexes([row.product_id for row in execute(SELECT_CATALOG)]).values())


def test_the_shops_wishes_count_for_what_is_shown(app: Flask) -> None:
    """All products are of one kind, and the shop wants no kind twice."""
    goods = [{"id": f"c{i}", "name": f"ccc{i}", "category": "C", "stock": 999} for i in range(4)]
    stock(app, goods)
    shopper = Person(app.test_client(), "north")
    for i in range(24):
        order(shopper, f"c{i % 4}", f"c{(i + 1 + i // 4 % 3) % 4}")
    found = rates(evaluate(app))
    assert found["rules"] == 100
    assert found["rules, as shown"] < 80


# --- the model --------------------------------------------------------------------------------------------------------


@pytest.fixture
def shop(asking: Callable[..., Flask]) -> Flask:
    app = asking(UPSELL_PRICES="gpt-5.4-mini=0.25/2.00", UPSELL_HOLDOUT="1")
    open_shop(app)
    return app


def test_the_model_is_asked_for_at_its_price_and_only_when_agreed_to(shop: Flask, model: ModelServer) -> None:
    said = evaluate(shop, "--model", answer="n\n")
    assert re.search(r"the latest 3[56] carts: gpt-5\.4-mini, about [\d,]+ tokens, about 0\.\d{4} USD", said)
    assert model.requests == []
    assert "model  " not in said
    evaluate(shop)
    assert model.requests == [], "it is not asked unless that is asked for"
    evaluate(shop, "--model", "--orders", "7", answer="y\n")
    assert len(model.requests) == 7


def test_the_models_choice_counts(shop: Flask, model: ModelServer) -> None:
    said = evaluate(shop, "--model", "--yes", "--orders", "20")
    assert rates(said)["model"] == rates(said)["rules, as shown"] == 100, "it takes the first three"
    assert "Without an answer" not in said
    assert {(call.purpose, call.cart_id) for call in calls(shop)} == {("evaluation", None)}
    model.behave = lambda exchange: suggest(
        [{"product_id": exchange.request.known_ids[-1], "explanation": "It is the last."}]
    )(exchange)
    assert rates(evaluate(shop, "--model", "--yes", "--orders", "20"))["model"] == 0, "it takes the last"


def test_a_model_that_hangs_counts_as_the_rules(asking: Callable[..., Flask], model: ModelServer) -> None:
    app = asking(UPSELL_TIMEOUT="0.5", UPSELL_IN_FLIGHT="1", UPSELL_HOLDOUT="1")
    open_shop(app)
    model.behave = hangs
    said = evaluate(app, "--model", "--yes", "--orders", "20")
    assert rates(said)["model"] == rates(said)["rules, as shown"] == 100
    assert "Without an answer: 20 (not_asked 15, timeout 5); the rules' choice counts there." in said
    assert len(model.requests) <= 5, "and it isn't asked on and on"  # a busy machine may not come to send one in time


def test_the_model_gets_no_more_than_the_days_budget(asking: Callable[..., Flask], model: ModelServer) -> None:
    app = asking(UPSELL_BUDGET="100/3500 tokens", UPSELL_IN_FLIGHT="1", UPSELL_HOLDOUT="1")
    open_shop(app)
    assert "not_asked 16" in evaluate(app, "--model", "--yes", "--orders", "20")
    assert len(model.requests) == 4, "760 tokens each, and room for the about 1,060 that the next one can use"


def test_without_a_model_it_says_what_is_missing(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["upsell", "evaluate", "--model"])
    assert result.exit_code == 1
    assert "OPENAI_API_KEY" in result.output
