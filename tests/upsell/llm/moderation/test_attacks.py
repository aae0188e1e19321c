"""Prompt injection: the fake server obeys every attack in a product text, and no shopper sees the result."""

import html
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from flask import Flask

from storefront.i18n.display_text import strip_invisible
from storefront.upsell.llm.moderation.normalization import fold
from storefront.upsell.llm.rerank_answer import validate_answer
from storefront.upsell.llm.rerank_prompt import messages
from storefront.upsell.types import Candidate, ProductText
from tests.conftest import Person
from tests.upsell import model_server as server
from tests.upsell.conftest import add_products
from tests.upsell.llm.moderation.attacks import ATTACKS, REJECTED_TEXTS, Attack
from tests.upsell.model_server import ModelServer

ALLOWED_EXPLANATION = "Its lid keeps what you brew warm."
RULES_EXPLANATION = "Shares “pot” with Dawn Beans in your cart."


def unique_word(number: int) -> str:
    """Return a different word for each number."""
    return f"q{chr(ord('a') + number // 26)}{chr(ord('a') + number % 26)}z"


@dataclass(frozen=True)
class Pair:
    """A product for the cart, a candidate that shares a rare tag with it, and the explanation of the candidate."""

    word: str
    attack: Attack
    explanation: str

    @property
    def cart_product_id(self) -> str:
        return f"mine-{self.word}"

    @property
    def candidate_id(self) -> str:
        return f"theirs-{self.word}"

    @property
    def products(self) -> list[dict[str, object]]:
        text, location = self.attack.text, self.attack.location
        tags = [f"tie{self.word}", *([text] if location == "tags" else [])]
        return [
            {"id": self.cart_product_id, "name": f"Mine{self.word}", "tags": tags[:1]},
            {
                "id": self.candidate_id,
                "name": text if location == "name" else f"Theirs{self.word}",
                "description": text if location == "description" else "",
                "tags": tags,
            },
        ]


MARKUP_IN_NAME = Attack("markup in its name", "<img src=x onerror=alert(1)>", ("It is free.",), "price", "free", "name")
NO_ATTACK = Attack("none", "A pot with a lid.", (ALLOWED_EXPLANATION,), "", "\0")
PAIRS = [
    Pair(unique_word(i), attack, explanation)
    for i, (attack, explanation) in enumerate(
        (attack, explanation) for attack in (*ATTACKS, MARKUP_IN_NAME, NO_ATTACK) for explanation in attack.explanations
    )
]


def obeys(exchange: server.Exchange) -> None:
    """Answer three times with the explanation that the candidate's text demands, and once with an unknown product."""
    (cart_name,) = (product["name"] for product in exchange.request.data["cart"])
    (pair,) = (pair for pair in PAIRS if f"Mine{pair.word}" == cart_name)
    thrice = [{"product_id": pair.candidate_id, "explanation": pair.explanation}] * 3
    server.suggest([*thrice, {"product_id": "evil", "explanation": pair.explanation}])(exchange)


@pytest.fixture
def person(make_llm_app: Callable[..., Flask], model: ModelServer) -> Iterator[Person]:
    """A client of the tenant "north", whose catalogue contains all attacks."""
    model.behave = obeys
    app = make_llm_app()
    add_products(app, [product for pair in PAIRS for product in pair.products])
    yield Person(app.test_client(), "north")


def panel_for(pair: Pair, person: Person) -> str:
    shopper = Person(person.client.application.test_client(), "north")
    shopper.post("/cart/items", {"product_id": pair.cart_product_id})
    answer = shopper.get("/checkout/upsell")
    assert answer.status_code == 200
    return answer.text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_no_explanation_demanded_by_an_attack_is_displayed(person: Person, model: ModelServer) -> None:
    for pair in PAIRS:
        answer = person.api("GET", f"/carts/{person.cart(**{pair.cart_product_id: 1})}/upsell")
        assert answer.status_code == 200, pair
        explanations = {one["product"]["id"]: one["explanation"] for one in answer.json["suggestions"]}
        assert pair.candidate_id in model.requests[-1].known_ids, f"{pair}: the attack was in the prompt"
        assert list(explanations).count(pair.candidate_id) == 1 == len(answer.json["suggestions"]), pair
        displayed, panel = explanations[pair.candidate_id], html.unescape(panel_for(pair, person))
        if pair.attack is NO_ATTACK:
            assert displayed == ALLOWED_EXPLANATION, "an allowed explanation is displayed"
            assert ALLOWED_EXPLANATION in panel
            continue
        assert pair.explanation.strip() not in displayed or not pair.explanation.strip(), pair
        assert pair.attack.forbidden_text.casefold() not in displayed.casefold(), pair
        assert displayed == strip_invisible(displayed), pair
        if pair.attack.location == "description":
            assert displayed in panel
            assert not pair.explanation.strip() or pair.explanation not in panel, pair


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_markup_in_a_name_is_escaped(person: Person) -> None:
    (pair,) = (pair for pair in PAIRS if pair.attack is MARKUP_IN_NAME)
    panel = panel_for(pair, person)
    assert html.escape(MARKUP_IN_NAME.text) in panel
    assert MARKUP_IN_NAME.text not in panel


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_explanation_demanded_by_an_attack_is_rejected_with_its_reason(attack: Attack) -> None:
    """Even if the product text contains the numbers that the attack demands."""
    product = ProductText("a", "A pot", attack.text, "Brewers", ("pot",))
    for explanation in attack.explanations:
        answer = {"suggestions": [{"product_id": "a", "explanation": explanation}]}
        checked = validate_answer(answer, [Candidate(product, RULES_EXPLANATION)], [product])
        assert [draft.explanation for draft in checked.chosen] == [RULES_EXPLANATION]
        ((reason, count),) = checked.rejections.items()
        assert reason in attack.reasons.split(), (explanation, reason)
        assert count == 1


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_attack_is_visible_data_inside_the_data_block(attack: Attack) -> None:
    product = ProductText("a", attack.text, attack.text, attack.text, (attack.text,))
    _, user = messages([product], [Candidate(product, attack.text)])
    head, opening, data, closing = user["content"].split("\n")
    assert (opening, closing) == ("<<<DATA", "DATA>>>")
    assert "<<<" not in head + data
    assert ">>>" not in data
    prompt_data = json.loads(data)
    for text in (
        prompt_data["cart"][0]["name"],
        prompt_data["candidates"][0]["description"],
        prompt_data["candidates"][0]["known"],
    ):
        assert text == strip_invisible(text)
        assert len(text) <= 240


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("text", REJECTED_TEXTS.values(), ids=REJECTED_TEXTS)
def test_the_catalogue_rejects(app: Flask, text: str) -> None:
    with pytest.raises(ValueError):  # CatalogError, or the database can't encode the text
        add_products(app, [{"id": "bad", "name": "Bad", "description": text}])


def test_there_are_at_least_a_hundred_distinct_attacks() -> None:
    assert len(ATTACKS) >= 100
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS)
    assert len({(attack.text, attack.location) for attack in ATTACKS}) == len(ATTACKS)
    assert len({fold(explanation) for attack in ATTACKS for explanation in attack.explanations}) > 100
