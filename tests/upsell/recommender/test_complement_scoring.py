"""The contribution of generated complements to the score."""

from dataclasses import replace
from hashlib import sha256
from typing import Any

from storefront.upsell.llm.complement_prompt import VERSION, messages, response_format
from storefront.upsell.recommender.scoring import DEFAULT_PARAMS, CartItemFeatures, CatalogStats, Scorer
from storefront.upsell.types import ProductText

CART, PREPARED, BOUGHT = 0, 1, 2
"""Item indexes: the product in the cart, its complement, and a product bought with it."""


def make_stats(orders: int = 0, together: int = 0) -> CatalogStats:
    n = [orders, 0, together, 0]
    return CatalogStats(n, orders, sum(n), {0: orders, 2: together}, {0: 1, 1: 1, 2: 2}, category_of=[0, 1, 2, 2])


def scores(item: CartItemFeatures, stats: CatalogStats, **params: Any) -> dict[int, float]:
    ranked = Scorer(stats, [item], {}, replace(DEFAULT_PARAMS, **params)).scores([1, 2, 3])
    return {index: score for score, index in ranked}


def test_the_complement_params_have_no_effect_without_complements() -> None:
    item = CartItemFeatures(CART, [BOUGHT], [3000], [3], {3: 0.4})
    assert scores(item, make_stats(9, 3)) == scores(item, make_stats(9, 3), prepared=99.0, prepared_category=99.0)


def test_two_orders_outweigh_a_complement() -> None:
    def scores_after(orders: int) -> dict[int, float]:
        row = ([BOUGHT], [1000 * orders], [orders]) if orders else ([], [], [])
        return scores(CartItemFeatures(CART, *row, {}, prepared=[PREPARED]), make_stats(orders, orders))

    assert scores_after(0)[PREPARED] > scores_after(0)[BOUGHT]
    assert scores_after(1)[PREPARED] > 0.5 * scores_after(1)[BOUGHT]
    assert scores_after(2)[BOUGHT] > scores_after(2)[PREPARED]
    assert scores_after(100)[PREPARED] < 0.05 * scores_after(100)[BOUGHT]


def test_the_score_of_a_complement_decreases_with_orders() -> None:
    item = CartItemFeatures(CART, [], [], [], {}, prepared=[PREPARED])
    by_sales = [scores(item, make_stats(orders))[PREPARED] for orders in (0, 10, 100, 1000)]
    assert by_sales == sorted(by_sales, reverse=True)


def test_a_complementary_category_scores_all_its_products_below_a_complement() -> None:
    item = CartItemFeatures(CART, [], [], [], {}, prepared=[PREPARED], prepared_categories=[2])
    found = scores(item, make_stats())
    assert found[PREPARED] > found[2] == found[3] > 0
    assert scores(item, make_stats(9, 3))[2] > scores(item, make_stats(9, 3))[3], "popular products score higher"


def test_the_prompt_text_matches_its_version() -> None:
    """A change requires a new VERSION, and the new digest here."""
    pot, cup = ProductText("pot", "Pot", "A pot.", "Brewers", ("tea",)), ProductText("cup", "Cup")
    text = repr((messages(pot, [cup], ["Brewers"], "de"), response_format([cup], ["Brewers"])))
    assert (VERSION, sha256(text.encode()).hexdigest()[:16]) == ("prepare-1", "1635e43d8c7a9988")
    assert "German (de)" in text
    assert "enum" not in repr(response_format([cup], [])["json_schema"]["schema"]["properties"].get("categories", ""))
