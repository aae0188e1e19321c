"""Selection of suggestions and their explanations, as pure functions."""

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
DEFAULT_RULES, SEVERAL_PER_CATEGORY = MerchandisingRules(), MerchandisingRules(one_per_category=False)


def candidates(*products: ProductText, pinned: tuple[str, ...] = ()) -> list[Candidate]:
    return [Candidate(product, f"Because of {product.id}.", product.id in pinned) for product in products]


def ids(chosen: list[SuggestionDraft]) -> list[str]:
    return [draft.product_id for draft in chosen]


def explanation_of(
    product: ProductText,
    cart: list[ProductText],
    *evidence: Evidence,
    orders: int = 0,
    others: tuple[ProductText, ...] = (),
) -> str:
    return with_explanations(cart, [product, *others], {product.id: evidence}, {product.id: orders})[0].explanation


def test_the_explanation_states_a_fact_about_the_cart() -> None:
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
    for explanation, (product, evidence) in cases.items():
        assert explanation_of(product, [BEANS], *evidence) == explanation
    assert explanation_of(ProductText("e", "Slippers"), [BEANS]) == "", "there is no evidence"
    assert (
        explanation_of(ProductText("e", "Slippers"), [BEANS], orders=5)
        == "Popular with our customers: 5 orders so far."
    )
    assert explanation_of(ProductText("e", "Slippers"), [BEANS], orders=1) == "Other customers have bought this too."


def test_the_strongest_evidence_is_explained() -> None:
    """The tenant's text, then orders, then a generated complement, then a tag, then the category."""
    product = ProductText("b", "Beans", category="Coffee", tags=("espresso",))
    by_tenant = Evidence("beans", 9, "The shop says so.", by_shop=True)
    assert explanation_of(product, [BEANS], by_tenant, orders=9) == "The shop says so."
    without_text = Evidence("beans", prepared=True, by_shop=True)
    assert explanation_of(product, [BEANS], without_text, orders=9) == "Goes well with your Dawn Beans."
    prepared, bought = Evidence("beans", 0, "Prepared."), Evidence("beans", 2)
    assert explanation_of(product, [BEANS], prepared, bought, orders=9).startswith("Bought together")
    assert explanation_of(product, [BEANS], prepared, orders=9) == "Prepared."
    assert explanation_of(product, [BEANS], orders=9).startswith("Goes well with espresso")
    untagged = ProductText("b", "Beans", category="Coffee")
    assert explanation_of(untagged, [BEANS], orders=9).startswith("Also from our Coffee range")


def test_the_cart_product_with_the_most_orders_is_named() -> None:
    honey = ProductText("honey", "Heather Honey")
    explanation = explanation_of(ProductText("jam", "Jam"), [BEANS, honey], Evidence("beans", 2), Evidence("honey", 7))
    assert explanation == "Often bought together with your Heather Honey: 7 orders so far."


def test_a_rare_tag_is_preferred_to_a_common_one() -> None:
    cart = [ProductText("mine", "Mine", tags=("gift", "fountain-pen"))]
    common = tuple(ProductText(f"x{i}", f"Thing {i}", tags=("gift",)) for i in range(9))
    ink = ProductText("ink", "Ink", tags=("gift", "fountain-pen"))
    assert explanation_of(ink, cart, others=common) == "Goes well with fountain pen, like your Mine."


def test_products_without_category_share_no_category() -> None:
    assert explanation_of(ProductText("a", "Other"), [ProductText("m", "Mine")]) == ""


def test_at_most_three_products_are_selected_one_per_category_by_default() -> None:
    pots = [ProductText(f"pot{i}", f"Pot {i}", category="Pots") for i in range(5)]
    ranked = candidates(*pots, ProductText("cup", "Cup", category="Cups"), ProductText("x", "X"), ProductText("y", "Y"))
    assert ids(select_top(ranked, DEFAULT_RULES)) == ["pot0", "cup", "x"]
    assert ids(select_top(ranked, SEVERAL_PER_CATEGORY)) == ["pot0", "pot1", "pot2"]
    assert ids(select_top(candidates(ProductText("x", "X"), ProductText("y", "Y")), DEFAULT_RULES)) == ["x", "y"], (
        "products without category are not limited"
    )
    assert select_top([], DEFAULT_RULES) == []


def test_a_candidate_without_explanation_is_skipped() -> None:
    ranked = [
        Candidate(ProductText("unexplained", "Unexplained", category="Pots"), ""),
        *candidates(ProductText("pot", "Pot", category="Pots")),
    ]
    assert ids(select_top(ranked, DEFAULT_RULES)) == ["pot"]
    assert [candidate.product.id for candidate in llm_candidates(ranked, DEFAULT_RULES)] == ["pot"]


def test_explanations_are_built_for_selected_candidates_only() -> None:
    """Building explanations takes half of the time of a selection."""
    built: list[str] = []

    def build(id: str) -> str:
        built.append(id)
        return "It fits."

    def lazy_candidate(product: ProductText) -> Candidate:
        return Candidate(product, partial(build, product.id))

    pots = [lazy_candidate(ProductText(f"pot{i}", f"Pot {i}", category="Pots")) for i in range(20)]
    cups = [lazy_candidate(ProductText(f"cup{i}", f"Cup {i}", category="Cups")) for i in range(20)]
    assert ids(select_top([*pots, *cups], DEFAULT_RULES)) == ["pot0", "cup0"]
    assert ids(select_top([*pots, *cups], DEFAULT_RULES)) == built, "each explanation is built once"


def test_merchandising_rules_apply_to_the_models_choice() -> None:
    pots = [ProductText(f"pot{i}", f"Pot {i}", category="Pots") for i in range(3)]
    ranked = candidates(*pots, ProductText("cup", "Cup", category="Cups"))
    answer = [SuggestionDraft("pot2", "Two."), SuggestionDraft("pot1", "One."), SuggestionDraft("cup", "Cup.")]
    assert merge_llm_choice(answer, ranked, DEFAULT_RULES) == [
        SuggestionDraft("pot2", "Two."),
        SuggestionDraft("cup", "Cup."),
    ]
    assert merge_llm_choice(answer, ranked, SEVERAL_PER_CATEGORY) == answer


def test_a_pinned_product_is_first_whatever_the_model_chooses() -> None:
    """With the model's explanation if it chose the product, otherwise with the tenant's."""
    ranked = candidates(ProductText("filter", "Filters"), ProductText("cup", "Cup"), pinned=("filter",))
    cup, filters = SuggestionDraft("cup", "Cup."), SuggestionDraft("filter", "Filters.")
    assert merge_llm_choice([cup], ranked, DEFAULT_RULES) == [SuggestionDraft("filter", "Because of filter."), cup]
    assert merge_llm_choice([cup, filters], ranked, DEFAULT_RULES) == [filters, cup]
    assert merge_llm_choice([SuggestionDraft("unknown", "It goes.")], ranked, DEFAULT_RULES) == [], (
        "the caller falls back to rules"
    )


def test_the_model_gets_twelve_candidates_of_several_categories() -> None:
    pots = [ProductText(f"pot{i}", f"Pot {i}", category="Pots") for i in range(9)]
    others = [ProductText(f"x{i}", f"X {i}") for i in range(20)]
    shortlist = llm_candidates(candidates(*pots, *others), DEFAULT_RULES)
    first = [f"pot{i}" for i in range(MAX_LLM_CANDIDATES_PER_CATEGORY)]
    assert [candidate.product.id for candidate in shortlist] == [
        *first,
        *(f"x{i}" for i in range(12 - MAX_LLM_CANDIDATES_PER_CATEGORY)),
    ]
    assert len(llm_candidates(candidates(*pots), SEVERAL_PER_CATEGORY)) == 9


def test_package_sizes_are_left_out_of_product_names() -> None:
    beans = ProductText("beans", "Dawn Espresso, 1 kg", category="Coffee")
    assert explanation_of(ProductText("c", "Decaf", category="Coffee"), [beans]).endswith("like your Dawn Espresso.")
    cup = ProductText("cup", "Cup, saucer and spoon", category="Coffee")
    assert explanation_of(ProductText("c", "Decaf", category="Coffee"), [cup]).endswith(
        "like your Cup, saucer and spoon."
    )
    flask = ProductText("flask", "Flask 1,5 L", category="Coffee")
    assert explanation_of(ProductText("c", "Decaf", category="Coffee"), [flask]).endswith("like your Flask 1,5 L.")


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_explanation_is_within_the_limit_and_contains_its_parameters(app: Flask, language: str) -> None:
    name, label = "N" * 200, "L" * 200
    with app.app_context(), override_locale(language):
        for sentence, letters in (
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
            assert all(letter * 30 in sentence for letter in letters), sentence
            assert sentence[-1] in ".。", sentence


names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=200)
product_texts = st.builds(
    ProductText,
    st.uuids().map(str),
    names,
    category=st.text(max_size=80),
    tags=st.lists(st.sampled_from(["a", "b", "ß" * 60, "é x"]), max_size=4).map(tuple),
)


@given(st.lists(product_texts, min_size=1, max_size=4), st.lists(product_texts, max_size=12), st.integers(0, 10**9))
def test_an_explanation_has_at_most_160_characters(
    cart: list[ProductText], others: list[ProductText], orders: int
) -> None:
    evidence = {other.id: [Evidence(cart[0].id, orders)] for other in others[::2]}
    found = with_explanations(cart, others, evidence, dict.fromkeys((other.id for other in others), orders))
    assert [candidate.product for candidate in found] == others
    assert all(0 < len(candidate.explanation) <= 160 for candidate in found if orders or candidate.explanation)


@given(st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)))
def test_any_json_is_validated_without_an_exception(answer: object) -> None:
    pot = candidates(ProductText("pot", "Pot", tags=("espresso",)))
    assert validate_answer(answer, pot, [BEANS]).chosen == []
    assert validate_answer({"suggestions": answer}, pot, [BEANS]).chosen == []
    checked = validate_answer({"suggestions": [answer, {"product_id": "pot", "explanation": answer}]}, pot, [BEANS])
    assert ids(list(checked.chosen)) == ["pot"]
