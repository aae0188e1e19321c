"""How the shop chooses by itself, and the reasons that it gives: plain values in, plain values out."""

from functools import partial

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from storefront.i18n.locale import override_locale
from storefront.i18n.negotiation import LANGUAGES
from storefront.tenants.settings import MerchandisingRules
from storefront.upsell.explanations import (
    explain_bought_together,
    explain_complement,
    explain_pinned,
    explain_popular,
    explain_same_category,
    explain_shared_tag,
    explain_similar_name,
    with_explanations,
)
from storefront.upsell.llm.rerank_answer import validate_answer
from storefront.upsell.selection import MAX_LLM_CANDIDATES_PER_CATEGORY, llm_candidates, merge_llm_choice, select_top
from storefront.upsell.types import Candidate, Evidence, ProductText, SuggestionDraft

BEANS = ProductText("beans", "Dawn Beans", category="Coffee", tags=("espresso", "beans"))
AS_USUAL, MANY_OF_A_KIND = MerchandisingRules(), MerchandisingRules(one_per_category=False)


def candidates(*goods: ProductText, pinned: tuple[str, ...] = ()) -> list[Candidate]:
    return [Candidate(one, f"Because of {one.id}.", one.id in pinned) for one in goods]


def ids(chosen: list[SuggestionDraft]) -> list[str]:
    return [one.product_id for one in chosen]


def reason_for(
    other: ProductText, cart: list[ProductText], *ties: Evidence, orders: int = 0, beside: tuple[ProductText, ...] = ()
) -> str:
    return with_explanations(cart, [other, *beside], {other.id: ties}, {other.id: orders})[0].explanation


def test_the_reason_is_a_fact_about_this_cart() -> None:
    cases = {
        "Often bought together with your Dawn Beans: 12 orders so far.": (
            ProductText("a", "Slippers"),
            [Evidence("beans", 12)],
        ),
        "Bought together with your Dawn Beans in 1 order.": (ProductText("a", "Slippers"), [Evidence("beans", 1)]),
        "Dry feet at breakfast.": (ProductText("a", "Slippers"), [Evidence("beans", 0, "Dry feet at breakfast.")]),
        "Goes well with Espresso, like your Dawn Beans.": (ProductText("b", "Pot", tags=("Espresso",)), []),
        "Also from our Coffee range, like your Dawn Beans.": (ProductText("c", "Decaf", category="Coffee"), []),
        "If you like Dawn Beans, take a look at this too.": (ProductText("d", "Red beans"), []),
    }
    for reason, (other, ties) in cases.items():
        assert reason_for(other, [BEANS], *ties) == reason
    assert reason_for(ProductText("e", "Slippers"), [BEANS]) == "", "nothing speaks for it"
    assert reason_for(ProductText("e", "Slippers"), [BEANS], orders=5) == "Popular with our customers: 5 orders so far."
    assert reason_for(ProductText("e", "Slippers"), [BEANS], orders=1) == "Other customers have bought this too."


def test_the_strongest_fact_is_told() -> None:
    """The shop's own words, then orders, then what was prepared, then a tag, then the category."""
    other = ProductText("b", "Beans", category="Coffee", tags=("espresso",))
    by_shop = Evidence("beans", 9, "The shop says so.", by_shop=True)
    assert reason_for(other, [BEANS], by_shop, orders=9) == "The shop says so."
    unworded = Evidence("beans", prepared=True, by_shop=True)
    assert reason_for(other, [BEANS], unworded, orders=9) == "Goes well with your Dawn Beans."
    prepared, bought = Evidence("beans", 0, "Prepared."), Evidence("beans", 2)
    assert reason_for(other, [BEANS], prepared, bought, orders=9).startswith("Bought together")
    assert reason_for(other, [BEANS], prepared, orders=9) == "Prepared."
    assert reason_for(other, [BEANS], orders=9).startswith("Goes well with espresso")
    untagged = ProductText("b", "Beans", category="Coffee")
    assert reason_for(untagged, [BEANS], orders=9).startswith("Also from our Coffee range")


def test_the_most_orders_are_told_of_several_products() -> None:
    honey = ProductText("honey", "Heather Honey")
    reason = reason_for(ProductText("jam", "Jam"), [BEANS, honey], Evidence("beans", 2), Evidence("honey", 7))
    assert reason == "Often bought together with your Heather Honey: 7 orders so far."


def test_a_rare_tag_says_more_than_a_common_one() -> None:
    cart = [ProductText("mine", "Mine", tags=("gift", "fountain-pen"))]
    common = tuple(ProductText(f"x{i}", f"Thing {i}", tags=("gift",)) for i in range(9))
    ink = ProductText("ink", "Ink", tags=("gift", "fountain-pen"))
    assert reason_for(ink, cart, beside=common) == "Goes well with fountain pen, like your Mine."


def test_having_no_category_is_not_one_that_is_shared() -> None:
    assert reason_for(ProductText("a", "Other"), [ProductText("m", "Mine")]) == ""


def test_at_most_three_and_one_of_a_kind_unless_the_shop_wants_more() -> None:
    pots = [ProductText(f"pot{i}", f"Pot {i}", category="Pots") for i in range(5)]
    ranked = candidates(*pots, ProductText("cup", "Cup", category="Cups"), ProductText("x", "X"), ProductText("y", "Y"))
    assert ids(select_top(ranked, AS_USUAL)) == ["pot0", "cup", "x"]
    assert ids(select_top(ranked, MANY_OF_A_KIND)) == ["pot0", "pot1", "pot2"]
    assert ids(select_top(candidates(ProductText("x", "X"), ProductText("y", "Y")), AS_USUAL)) == ["x", "y"], (
        "no category, no kind"
    )
    assert select_top([], AS_USUAL) == []


def test_what_nothing_speaks_for_is_not_suggested_and_takes_nobodys_place() -> None:
    ranked = [
        Candidate(ProductText("dumb", "Dumb", category="Pots"), ""),
        *candidates(ProductText("pot", "Pot", category="Pots")),
    ]
    assert ids(select_top(ranked, AS_USUAL)) == ["pot"]
    assert [one.product.id for one in llm_candidates(ranked, AS_USUAL)] == ["pot"]


def test_only_what_may_be_shown_is_worded() -> None:
    """Finding the words is half of what it takes to choose."""
    asked: list[str] = []

    def words(id: str) -> str:
        asked.append(id)
        return "It fits."

    def worded(goods: ProductText) -> Candidate:
        return Candidate(goods, partial(words, goods.id))

    pots = [worded(ProductText(f"pot{i}", f"Pot {i}", category="Pots")) for i in range(20)]
    cups = [worded(ProductText(f"cup{i}", f"Cup {i}", category="Cups")) for i in range(20)]
    assert ids(select_top([*pots, *cups], AS_USUAL)) == ["pot0", "cup0"]
    assert ids(select_top([*pots, *cups], AS_USUAL)) == asked, "and once"


def test_a_models_choice_is_held_to_the_same_wishes() -> None:
    pots = [ProductText(f"pot{i}", f"Pot {i}", category="Pots") for i in range(3)]
    ranked = candidates(*pots, ProductText("cup", "Cup", category="Cups"))
    said = [SuggestionDraft("pot2", "Two."), SuggestionDraft("pot1", "One."), SuggestionDraft("cup", "Cup.")]
    assert merge_llm_choice(said, ranked, AS_USUAL) == [SuggestionDraft("pot2", "Two."), SuggestionDraft("cup", "Cup.")]
    assert merge_llm_choice(said, ranked, MANY_OF_A_KIND) == said


def test_a_pin_comes_first_whatever_the_model_says() -> None:
    """In the model's words when it named the product, else in the shop's."""
    ranked = candidates(ProductText("filter", "Filters"), ProductText("cup", "Cup"), pinned=("filter",))
    cup, filters = SuggestionDraft("cup", "Cup."), SuggestionDraft("filter", "Filters.")
    assert merge_llm_choice([cup], ranked, AS_USUAL) == [SuggestionDraft("filter", "Because of filter."), cup]
    assert merge_llm_choice([cup, filters], ranked, AS_USUAL) == [filters, cup]
    assert merge_llm_choice([SuggestionDraft("unknown", "It goes.")], ranked, AS_USUAL) == [], (
        "that leaves it to the rules"
    )


def test_the_model_may_choose_from_twelve_and_not_all_of_one_kind() -> None:
    pots = [ProductText(f"pot{i}", f"Pot {i}", category="Pots") for i in range(9)]
    others = [ProductText(f"x{i}", f"X {i}") for i in range(20)]
    short = llm_candidates(candidates(*pots, *others), AS_USUAL)
    first = [f"pot{i}" for i in range(MAX_LLM_CANDIDATES_PER_CATEGORY)]
    assert [one.product.id for one in short] == [
        *first,
        *(f"x{i}" for i in range(12 - MAX_LLM_CANDIDATES_PER_CATEGORY)),
    ]
    assert len(llm_candidates(candidates(*pots), MANY_OF_A_KIND)) == 9


def test_nobody_says_the_size_of_what_is_in_the_cart() -> None:
    beans = ProductText("beans", "Dawn Espresso, 1 kg", category="Coffee")
    assert reason_for(ProductText("c", "Decaf", category="Coffee"), [beans]).endswith("like your Dawn Espresso.")
    cup = ProductText("cup", "Cup, saucer and spoon", category="Coffee")
    assert reason_for(ProductText("c", "Decaf", category="Coffee"), [cup]).endswith("like your Cup, saucer and spoon.")
    flask = ProductText("flask", "Flask 1,5 L", category="Coffee")
    assert reason_for(ProductText("c", "Decaf", category="Coffee"), [flask]).endswith("like your Flask 1,5 L.")


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_sentence_fits_and_names_what_it_is_about(app: Flask, language: str) -> None:
    name, label = "N" * 200, "L" * 200
    with app.app_context(), override_locale(language):
        for sentence, named in (
            (explain_bought_together(name, 1), "N"),
            (explain_bought_together(name, 10**6), "N"),
            (explain_shared_tag(name, label), "NL"),
            (explain_same_category(name, label), "NL"),
            (explain_similar_name(name), "N"),
            (explain_complement(name), "N"),
            (explain_pinned(name), "N"),
            (explain_popular(1), ""),
            (explain_popular(10**6), ""),
        ):
            assert len(sentence) <= 160, sentence
            assert all(letter * 30 in sentence for letter in named), sentence
            assert sentence[-1] in ".。", sentence


names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=200)
goods = st.builds(
    ProductText,
    st.uuids().map(str),
    names,
    category=st.text(max_size=80),
    tags=st.lists(st.sampled_from(["a", "b", "ß" * 60, "é x"]), max_size=4).map(tuple),
)


@given(st.lists(goods, min_size=1, max_size=4), st.lists(goods, max_size=12), st.integers(0, 10**9))
def test_a_reason_is_one_sentence_of_at_most_160_characters(
    cart: list[ProductText], others: list[ProductText], times: int
) -> None:
    ties = {other.id: [Evidence(cart[0].id, times)] for other in others[::2]}
    found = with_explanations(cart, others, ties, dict.fromkeys((other.id for other in others), times))
    assert [one.product for one in found] == others
    assert all(0 < len(one.explanation) <= 160 for one in found if times or one.explanation)


@given(st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)))
def test_any_json_is_checked_without_a_fault(answer: object) -> None:
    pot = candidates(ProductText("pot", "Pot", tags=("espresso",)))
    assert validate_answer(answer, pot, [BEANS]).chosen == []
    assert validate_answer({"suggestions": answer}, pot, [BEANS]).chosen == []
    checked = validate_answer({"suggestions": [answer, {"product_id": "pot", "explanation": answer}]}, pot, [BEANS])
    assert ids(list(checked.chosen)) == ["pot"]
