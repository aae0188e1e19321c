"""How the shop chooses by itself, and the reasons that it gives: plain values in, plain values out."""

from hypothesis import given
from hypothesis import strategies as st

from storefront.upsell.assistant.rules import check_answer
from storefront.upsell.rules import Goods, choose, rank

BEANS = Goods("beans", "Dawn Beans", category="Coffee", tags=("espresso", "beans"))


def ids(cart: list[Goods], others: list[Goods], together: dict[tuple[str, str], int] | None = None) -> list[str]:
    return [candidate.goods.id for candidate in rank(cart, others, together or {})]


def test_bought_together_beats_tags_and_tags_beat_the_category() -> None:
    same_category = Goods("a", "Decaf", category="Coffee")
    same_tags = Goods("b", "Pot", category="Brewers", tags=("espresso",))
    together = Goods("c", "Slippers", category="Shoes")
    assert ids([BEANS], [same_category, same_tags, together], {("c", "beans"): 1}) == ["c", "b", "a"]


def test_more_orders_together_are_better() -> None:
    others = [Goods(id, id.upper()) for id in "abc"]
    assert ids([BEANS], others, {("a", "beans"): 1, ("b", "beans"): 5, ("c", "beans"): 3}) == ["b", "c", "a"]


def test_a_rare_tag_says_more_than_a_common_one() -> None:
    cart = [Goods("mine", "Mine", tags=("gift", "fountain-pen"))]
    common = [Goods(f"x{i}", f"Thing {i}", tags=("gift",)) for i in range(9)]
    rare = Goods("zz", "Ink", tags=("fountain-pen",))
    assert ids(cart, [*common, rare])[0] == "zz"


def test_what_has_nothing_to_do_with_the_cart_is_no_candidate() -> None:
    assert ids([BEANS], [Goods("a", "Slippers", category="Shoes", tags=("warm",))]) == []
    assert ids([Goods("m", "Mine")], [Goods("a", "Other")]) == [], "having no category is not one that is shared"
    assert choose([]) == []


def test_the_reason_is_a_fact_about_this_cart() -> None:
    together = Goods("a", "Slippers")
    tagged = Goods("b", "Pot", tags=("Espresso",))
    categorised = Goods("c", "Decaf", category="Coffee")
    found = {c.goods.id: c.reason for c in rank([BEANS], [together, tagged, categorised], {("a", "beans"): 12})}
    assert found == {
        "a": "Bought together with Dawn Beans in 12 recent orders.",
        "b": "Shares “Espresso” with Dawn Beans in your cart.",
        "c": "From Coffee, like Dawn Beans in your cart.",
    }
    (once,) = rank([BEANS], [together], {("a", "beans"): 1})
    assert once.reason == "Bought together with Dawn Beans in 1 recent order."


def test_the_reason_names_the_product_of_the_cart_that_it_holds_for() -> None:
    cart = [BEANS, Goods("honey", "Heather Honey", tags=("sweet",))]
    (found,) = rank(cart, [Goods("jam", "Jam", tags=("sweet",))], {})
    assert "Heather Honey" in found.reason
    (found,) = rank(cart, [Goods("jam", "Jam", tags=("sweet",))], {("jam", "beans"): 1})
    assert found.reason == "Bought together with Dawn Beans in 1 recent order."


def test_at_most_three_and_not_three_of_a_kind() -> None:
    pots = [Goods(f"pot{i}", f"Pot {i}", category="Pots", tags=("espresso", "beans")) for i in range(5)]
    cup = Goods("cup", "Cup", category="Cups", tags=("espresso",))
    chosen = [one.product_id for one in choose(rank([BEANS], [*pots, cup], {}))]
    assert len(chosen) == 3
    assert "cup" in chosen
    assert chosen[0] == "pot0"


def test_ranking_is_the_same_each_time_and_in_any_order() -> None:
    others = [Goods(f"p{i}", f"Pot {i}", category=f"C{i % 4}", tags=("espresso",)) for i in range(20)]
    assert ids([BEANS], others) == ids([BEANS], others[::-1])


names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=200)
goods = st.builds(
    Goods,
    st.uuids().map(str),
    names,
    category=st.text(max_size=80),
    tags=st.lists(st.sampled_from(["a", "b", "ß" * 60, "é x"]), max_size=4).map(tuple),
)


@given(st.lists(goods, min_size=1, max_size=4), st.lists(goods, max_size=12), st.integers(0, 10**9))
def test_a_reason_is_one_sentence_of_at_most_160_characters(cart: list[Goods], others: list[Goods], times: int) -> None:
    together = {(other.id, cart[0].id): times for other in others}
    for chosen in choose(rank(cart, others, together)):
        assert 0 < len(chosen.explanation) <= 160
        assert chosen.product_id in {other.id for other in others}


@given(st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)))
def test_any_json_is_checked_without_a_fault(answer: object) -> None:
    candidates = rank([BEANS], [Goods("pot", "Pot", tags=("espresso",))], {})
    assert check_answer(answer, candidates).chosen == []
    assert check_answer({"suggestions": answer}, candidates).chosen == []
    (kept,) = check_answer({"suggestions": [answer, {"product_id": "pot", "explanation": answer}]}, candidates).chosen
    assert kept.product_id == "pot"
