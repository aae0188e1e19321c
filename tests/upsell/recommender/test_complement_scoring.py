"""What was prepared as a part of the formula, in plain numbers."""

from dataclasses import replace
from hashlib import sha256
from typing import Any

from storefront.upsell.llm.complement_prompt import VERSION, messages, response_format
from storefront.upsell.recommender.scoring import DEFAULT_PARAMS, CartItemFeatures, CatalogStats, Scorer
from storefront.upsell.types import ProductText

CART, PREPARED, BOUGHT = 0, 1, 2


def totals(orders: int = 0, together: int = 0) -> CatalogStats:
    n = [orders, 0, together, 0]
    return CatalogStats(n, orders, sum(n), {0: orders, 2: together}, {0: 1, 1: 1, 2: 2}, category_of=[0, 1, 2, 2])


def scores(one: CartItemFeatures, known: CatalogStats, **constants: Any) -> dict[int, float]:
    found = Scorer(known, [one], {}, replace(DEFAULT_PARAMS, **constants)).scores([1, 2, 3])
    return {number: score for score, number in found}


def test_nothing_prepared_is_as_if_there_were_no_such_thing() -> None:
    one = CartItemFeatures(CART, [BOUGHT], [3000], [3], {3: 0.4})
    assert scores(one, totals(9, 3)) == scores(one, totals(9, 3), prepared=99.0, prepared_category=99.0)


def test_two_orders_outweigh_what_was_prepared() -> None:
    def both(orders: int) -> dict[int, float]:
        row = ([BOUGHT], [1000 * orders], [orders]) if orders else ([], [], [])
        return scores(CartItemFeatures(CART, *row, {}, prepared=[PREPARED]), totals(orders, orders))

    assert both(0)[PREPARED] > both(0)[BOUGHT]
    assert both(1)[PREPARED] > 0.5 * both(1)[BOUGHT]
    assert both(2)[BOUGHT] > both(2)[PREPARED]
    assert both(100)[PREPARED] < 0.05 * both(100)[BOUGHT]


def test_it_fades_as_the_product_of_the_cart_sells() -> None:
    one = CartItemFeatures(CART, [], [], [], {}, prepared=[PREPARED])
    by_sales = [scores(one, totals(orders))[PREPARED] for orders in (0, 10, 100, 1000)]
    assert by_sales == sorted(by_sales, reverse=True)


def test_a_category_is_worth_less_than_a_product_and_goes_to_all_of_its_products() -> None:
    one = CartItemFeatures(CART, [], [], [], {}, prepared=[PREPARED], prepared_categories=[2])
    found = scores(one, totals())
    assert found[PREPARED] > found[2] == found[3] > 0
    assert scores(one, totals(9, 3))[2] > scores(one, totals(9, 3))[3], "and more to what sells"


def test_the_words_of_the_prompt_are_those_of_its_version() -> None:
    """Whoever changes them raises the version, and then the digest here."""
    pot, cup = ProductText("pot", "Pot", "A pot.", "Brewers", ("tea",)), ProductText("cup", "Cup")
    words = repr((messages(pot, [cup], ["Brewers"], "de"), response_format([cup], ["Brewers"])))
    assert (VERSION, sha256(words.encode()).hexdigest()[:16]) == ("prepare-1", "1635e43d8c7a9988")
    assert "German (de)" in words
    assert "enum" not in repr(response_format([cup], [])["json_schema"]["schema"]["properties"].get("categories", ""))
