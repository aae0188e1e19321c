"""Of a model's answer only known products and plain words are shown; the rest is dropped, and written down as such."""

import html
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import Person
from tests.upsell import model_server as server
from tests.upsell.conftest import calls
from tests.upsell.model_server import ModelServer

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the same on both databases

LONG = "It goes very well with this cart. " * 6
HIDDEN = "invisible_characters"
UNSHOWABLE = {
    "markup": ("<b>Great</b> with the beans.", "markup"),
    "a script": ("Great<script>alert(1)</script>", "markup"),
    "an entity": ("Great &lt;b&gt; with the beans", "markup"),
    "markdown's link": ("Great [here](evil) with the beans.", "markup"),
    "markdown's bold": ("A **great** pot.", "markup"),
    "a template": ("{{ config }} goes with it.", "markup"),
    "code": ("`rm -rf` goes with it.", "markup"),
    "a wide bracket": ("＜script＞ goes with it", "markup"),  # NFKC makes brackets of these
    "a link": ("See https://evil.example.com/ for more.", "link"),
    "a bare domain": ("Order it at evil.com instead.", "link"),
    "a subdomain": ("Order it at www.evil.example instead.", "link"),
    "an e-mail address": ("Write to thief@evil.example for it.", "email"),
    "zero-width characters": ("Gr\u200beat with the beans.", HIDDEN),
    "a right-to-left override": ("Great \u202ewith the beans.", HIDDEN),
    "a byte order mark": ("\ufeffGreat with the beans.", HIDDEN),
    "a NUL": ("Great\x00 with the beans.", HIDDEN),
    "an escape": ("Great \x1b[31m with the beans.", HIDDEN),
    "half a character": ("Great \ud83d with the beans.", HIDDEN),
    "200 characters": (LONG[:200], "too_long"),
    "nothing": ("", "empty_explanation"),
    "blanks": (" \n ", "empty_explanation"),
    "a number": (42, "empty_explanation"),
    "null": (None, "empty_explanation"),
    "a list": (["Great"], "empty_explanation"),
    "an object": ({"text": "Great"}, "empty_explanation"),
}


@pytest.mark.parametrize(("explanation", "cause"), UNSHOWABLE.values(), ids=UNSHOWABLE)
def test_the_shops_own_words_stand_in_for(
    advised: Person,
    model: ModelServer,
    journal: Callable[[], list[dict[str, Any]]],
    explanation: object,
    cause: str,
) -> None:
    model.behave = server.explain(explanation)
    answer = advised.api("GET", f"/carts/{advised.cart(beans=1)}/upsell")
    assert answer.status_code == 200, answer.text
    assert answer.json["source"] == "llm", "the product was well chosen"
    (suggestion,) = answer.json["suggestions"]
    assert suggestion["product"]["id"] == model.requests[0].known_ids[0]
    assert suggestion["explanation"].endswith("your Dawn Beans.")
    (call,), (line,) = calls(advised.client.application), journal()
    assert (call.outcome, call.rejections) == ("ok", {cause: 1})
    assert line["response"] == call.response != ""


PLAIN = {
    "a sentence": "Its steel holds the heat of your Dawn Beans.",
    "other scripts": "Passt gut — très bien, 合う, ☕ «так».",
    "numbers and signs": "One cup at a time; steel & glass (no paper) + a lid, of enamel/stone!",
    "a full stop without a blank": "Goes with it.Really",
    "160 characters": ("An even cup of it. " * 9)[:159] + ".",
    "more blanks than needed": "  Goes \n with   it. ",
}


@pytest.mark.parametrize("explanation", PLAIN.values(), ids=PLAIN)
def test_plain_words_are_shown_as_they_are(advised: Person, model: ModelServer, explanation: str) -> None:
    model.behave = server.explain(explanation)
    advised.post("/cart/items", {"product_id": "beans"})
    panel = advised.get("/checkout/upsell")
    assert " ".join(explanation.split()) in html.unescape(panel.text)
    assert calls(advised.client.application)[0].rejections == {}


def answer_to(person: Person, model: ModelServer, chosen: list[object], **cart: int) -> list[dict[str, Any]]:
    """What the shop suggests when the model suggests these ids."""
    model.behave = server.suggest([{"product_id": id, "explanation": f"Take {id}."} for id in chosen])
    answer = person.api("GET", f"/carts/{person.cart(**cart)}/upsell")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json["suggestions"]
    return found


@pytest.mark.parametrize(
    "stray",
    [
        "nothing-like-it",
        "pen",
        "ink",
        "beans",
        "filter",
        "POT",
        "",
        7,
        None,
        ["pot"],
        "pot\0",
        "../north/pot",
        "9" * 9999,
    ],
    ids=lambda stray: str(stray)[:16],
)
def test_only_products_that_can_be_had_here_are_suggested(advised: Person, model: ModelServer, stray: object) -> None:
    """Neither made-up ids, nor another shop's (pen, ink), nor what is in the cart (beans) or sold out (filter)."""
    suggested = answer_to(advised, model, [stray, "cup", stray], beans=1)
    assert [(one["product"]["id"], one["explanation"]) for one in suggested] == [("cup", "Take cup.")]
    assert calls(advised.client.application)[0].rejections["unknown_product"] > 0


def test_an_id_that_two_shops_have_is_this_shops_own(advised: Person, model: ModelServer) -> None:
    (suggested,) = answer_to(advised, model, ["shared"], honey=1)
    assert suggested["product"]["name"] == "North's own"


def test_nothing_is_suggested_twice(advised: Person, model: ModelServer) -> None:
    assert [one["product"]["id"] for one in answer_to(advised, model, ["cup", "cup", "pot", "cup"], beans=1)] == [
        "cup",
        "pot",
    ]
    assert calls(advised.client.application)[0].rejections == {"repeat": 2}


def test_a_hundred_suggestions_are_three(advised: Person, model: ModelServer) -> None:
    many: list[object] = [*(id for id in ("cup", "pot", "shared") for _ in range(33)), "cup"]
    assert len(answer_to(advised, model, many, beans=1, honey=1)) == 3


def test_an_answer_with_every_fault_at_once_is_answered_and_written_down(advised: Person, model: ModelServer) -> None:
    """The list of what was dropped is as long as a list of faults can be."""
    bad = [("cup", "Gr\u200beat"), ("pot", "<b>"), ("shared", LONG), ("cup", "again"), ("pen", "Take the pen.")]
    model.behave = server.suggest([{"product_id": id, "explanation": words} for id, words in bad])
    answer = advised.api("GET", f"/carts/{advised.cart(beans=1, honey=1)}/upsell")
    assert answer.status_code == 200, answer.text
    assert len(answer.json["suggestions"]) == 3
    assert calls(advised.client.application)[0].rejections == {
        "invisible_characters": 1,
        "markup": 1,
        "too_long": 1,
        "repeat": 1,
        "unknown_product": 1,
    }


def test_what_sold_out_while_the_model_thought_is_not_suggested(advised: Person, model: ModelServer) -> None:
    def sell_the_cups_then_answer(exchange: server.Exchange) -> None:
        buyer = Person(advised.client.application.test_client(), "north")
        assert buyer.checkout(buyer.cart(cup=3)).status_code == 201
        server.suggest([{"product_id": id, "explanation": "Take it."} for id in ("cup", "pot")])(exchange)

    model.behave = sell_the_cups_then_answer
    cart_id = advised.cart(beans=1)
    assert advised.stock("cup") == 3
    answer = advised.api("GET", f"/carts/{cart_id}/upsell")
    assert [one["product"]["id"] for one in answer.json["suggestions"]] == ["pot"]
    assert advised.stock("cup") == 0


def test_no_markup_of_the_model_reaches_a_page(advised: Person, model: ModelServer) -> None:
    model.behave = server.explain("Great<script>alert(1)</script> [x](https://evil.example)")
    advised.post("/cart/items", {"product_id": "beans"})
    for address in ("/checkout/upsell", "/checkout/upsell?page=1"):
        page = advised.get(address).text
        words = re.findall(r'<div class="suggestion-words">.*?<p>(.*?)</p>', page, re.DOTALL)
        assert words, "something is suggested"
        assert not re.search(r"[<>]|evil|alert", " ".join(words))


def test_the_response_is_kept_word_for_word(
    advised: Person, model: ModelServer, journal: Callable[[], list[dict[str, Any]]]
) -> None:
    text = json.dumps({"suggestions": [{"product_id": "pot", "explanation": "Gut für “Dawn Beans” ☕"}]})
    model.behave = server.says(text)
    advised.api("GET", f"/carts/{advised.cart(beans=1)}/upsell")
    assert calls(advised.client.application)[0].response == journal()[0]["response"] == text
