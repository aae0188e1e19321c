"""Why a product was suggested: the parts of its score, and what is stored with the impression."""

from collections.abc import Callable

import pytest
from flask import Flask

from storefront.upsell.recommender.scoring import CartItemFeatures, CatalogStats, Scorer, Signal
from tests.conftest import Person
from tests.factories import place_order
from tests.upsell.conftest import stored_impressions, train

TOTALS = CatalogStats(
    n=[9, 5, 7, 3],
    orders=20,
    lines=24,
    category_lines={0: 14, 1: 10},
    category_sizes={0: 2, 1: 2},
    category_of=[0, 0, 1, None],
)
CART = [
    CartItemFeatures(0, [1, 2], [2500, 1000], [3, 1], {2: 0.8, 3: 0.4}, [3, 2], [1]),
    CartItemFeatures(1, [0, 2], [2500, 40_000], [3, 40], {}, [], []),
]


def test_the_parts_of_a_score_add_up_to_it() -> None:
    scorer = Scorer(TOTALS, CART, {0: {1: 3000}})
    scores = {number: score for score, number in scorer.scores(range(4))}
    assert scores.keys() == {2, 3}
    for number, score in scores.items():
        assert sum(part.worth for part in scorer.parts(number)) == pytest.approx(score)


def test_a_part_names_the_product_of_the_cart_and_the_orders_with_both() -> None:
    parts = Scorer(TOTALS, CART, {}).parts(2)
    together = {part.number: part.orders for part in parts if part.signal == Signal.ORDERS}
    assert together == {0: 1, 1: 40}
    assert [part.number for part in parts if part.signal == Signal.COMPLEMENT] == [0]


def test_an_impression_keeps_why_each_product_was_suggested(app: Flask, shopper: Person) -> None:
    for _number in range(4):
        place_order(shopper, beans=1, pot=1)
    train(app)
    shown = shopper.api("GET", f"/carts/{shopper.cart(beans=1)}/upsell").json["suggestions"]
    [stored] = stored_impressions(app)
    assert stored.reasons is not None
    assert list(stored.reasons) == [one["product"]["id"] for one in shown]
    pot = stored.reasons["pot"]
    assert (pot["signal"], pot["with"], pot["orders"], pot["place"]) == ("orders", "beans", 4, 1)
    assert pot["score"] > 0
    assert not any(reason.get("by_model") for reason in stored.reasons.values())


def test_an_impression_says_that_the_model_chose(make_llm_app: Callable[..., Flask]) -> None:
    app = make_llm_app()
    person = Person(app.test_client(), "north")
    shown = person.api("GET", f"/carts/{person.cart(beans=1)}/upsell").json
    assert shown["source"] == "llm"
    [stored] = stored_impressions(app)
    assert all(reason["by_model"] for reason in (stored.reasons or {}).values())
    assert len(stored.reasons or {}) == len(shown["suggestions"])
