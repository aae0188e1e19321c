"""Whatever a product's text makes the model say, no shopper reads it: the server here obeys every text it is shown."""

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
from tests.upsell.conftest import stock
from tests.upsell.llm.moderation.attacks import ATTACKS, REFUSED, Attack
from tests.upsell.model_server import ModelServer

HONEST = "Its lid keeps what you brew warm."
REASON = "Shares “pot” with Dawn Beans in your cart."


def letters(number: int) -> str:
    """A word of its own for each number."""
    return f"q{chr(ord('a') + number // 26)}{chr(ord('a') + number % 26)}z"


@dataclass(frozen=True)
class Pair:
    """A product for the cart, the one that a rare tag ties to it, and what the model says of the latter."""

    word: str
    attack: Attack
    said: str

    @property
    def mine(self) -> str:
        return f"mine-{self.word}"

    @property
    def theirs(self) -> str:
        return f"theirs-{self.word}"

    @property
    def products(self) -> list[dict[str, object]]:
        text, where = self.attack.text, self.attack.where
        tags = [f"tie{self.word}", *([text] if where == "tags" else [])]
        return [
            {"id": self.mine, "name": f"Mine{self.word}", "tags": tags[:1]},
            {
                "id": self.theirs,
                "name": text if where == "name" else f"Theirs{self.word}",
                "description": text if where == "description" else "",
                "tags": tags,
            },
        ]


NAMED = Attack("markup in its name", "<img src=x onerror=alert(1)>", ("It is free.",), "price", "free", "name")
ALLOWED = Attack("none", "A pot with a lid.", (HONEST,), "", "\0")
PAIRS = [
    Pair(letters(i), attack, said)
    for i, (attack, said) in enumerate((one, said) for one in (*ATTACKS, NAMED, ALLOWED) for said in one.says)
]


def obeys(exchange: server.Exchange) -> None:
    """Says of the product that is tied to the cart's what its text demands, three times, and names one more."""
    (mine,) = (goods["name"] for goods in exchange.request.data["cart"])
    (pair,) = (one for one in PAIRS if f"Mine{one.word}" == mine)
    thrice = [{"product_id": pair.theirs, "explanation": pair.said}] * 3
    server.suggest([*thrice, {"product_id": "evil", "explanation": pair.said}])(exchange)


@pytest.fixture
def person(asking: Callable[..., Flask], model: ModelServer) -> Iterator[Person]:
    """Shops in the north, among products that steer the model."""
    model.behave = obeys
    app = asking()
    stock(app, [product for pair in PAIRS for product in pair.products])
    yield Person(app.test_client(), "north")


def panel_for(pair: Pair, person: Person) -> str:
    shopper = Person(person.client.application.test_client(), "north")
    shopper.post("/cart/items", {"product_id": pair.mine})
    answer = shopper.get("/checkout/upsell")
    assert answer.status_code == 200
    return answer.text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_no_shopper_reads_what_an_attack_wants_said(person: Person, model: ModelServer) -> None:
    for pair in PAIRS:
        answer = person.api("GET", f"/carts/{person.cart(**{pair.mine: 1})}/upsell")
        assert answer.status_code == 200, pair
        said = {one["product"]["id"]: one["explanation"] for one in answer.json["suggestions"]}
        assert pair.theirs in model.requests[-1].known_ids, f"{pair}: the model was asked about it"
        assert list(said).count(pair.theirs) == 1 == len(answer.json["suggestions"]), pair
        words, panel = said[pair.theirs], html.unescape(panel_for(pair, person))
        if pair.attack is ALLOWED:
            assert words == HONEST, "what is honest is shown"
            assert HONEST in panel
            continue
        assert pair.said.strip() not in words or not pair.said.strip(), pair
        assert pair.attack.mark.casefold() not in words.casefold(), pair
        assert words == strip_invisible(words), pair
        if pair.attack.where == "description":
            assert words in panel
            assert not pair.said.strip() or pair.said not in panel, pair


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_name_of_markup_is_shown_as_text(person: Person) -> None:
    (pair,) = (one for one in PAIRS if one.attack is NAMED)
    panel = panel_for(pair, person)
    assert html.escape(NAMED.text) in panel
    assert NAMED.text not in panel


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_what_an_attack_wants_said_is_dropped_and_counted_by_its_cause(attack: Attack) -> None:
    """Even when the attack has put the numbers that it wants said into the product's own texts."""
    goods = ProductText("a", "A pot", attack.text, "Brewers", ("pot",))
    for said in attack.says:
        answer = {"suggestions": [{"product_id": "a", "explanation": said}]}
        checked = validate_answer(answer, [Candidate(goods, REASON)], [goods])
        assert [one.explanation for one in checked.chosen] == [REASON]
        ((cause, times),) = checked.rejections.items()
        assert cause in attack.cause.split(), (said, cause)
        assert times == 1


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_the_model_is_shown_an_attack_as_visible_data_in_its_block(attack: Attack) -> None:
    goods = ProductText("a", attack.text, attack.text, attack.text, (attack.text,))
    _, user = messages([goods], [Candidate(goods, attack.text)])
    head, opening, data, closing = user["content"].split("\n")
    assert (opening, closing) == ("<<<DATA", "DATA>>>")
    assert "<<<" not in head + data
    assert ">>>" not in data
    told = json.loads(data)
    for text in (told["cart"][0]["name"], told["candidates"][0]["description"], told["candidates"][0]["known"]):
        assert text == strip_invisible(text)
        assert len(text) <= 240


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_the_catalogue_turns_away(app: Flask, text: str) -> None:
    with pytest.raises(ValueError):  # BadCatalog, or that the database can't encode it
        stock(app, [{"id": "bad", "name": "Bad", "description": text}])


def test_there_are_enough_attacks_and_no_two_are_alike() -> None:
    assert len(ATTACKS) >= 100
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS)
    assert len({(attack.text, attack.where) for attack in ATTACKS}) == len(ATTACKS)
    assert len({fold(said) for attack in ATTACKS for said in attack.says}) > 100
