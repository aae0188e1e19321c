"""Only allowed products and explanations of an answer are displayed; the rest is rejected and counted."""

import html
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import Person
from tests.upsell import model_server as server
from tests.upsell.conftest import stored_calls
from tests.upsell.model_server import ModelServer

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the same on both databases

LONG = "It goes very well with this cart. " * 6
HIDDEN = "invisible_characters"
REJECTED = {
    "markup": ("<b>Great</b> with the beans.", "markup"),
    "a script": ("Great<script>alert(1)</script>", "markup"),
    "an entity": ("Great &lt;b&gt; with the beans", "markup"),
    "a markdown link": ("Great [here](evil) with the beans.", "markup"),
    "markdown bold": ("A **great** pot.", "markup"),
    "a template": ("{{ config }} goes with it.", "markup"),
    "code": ("`rm -rf` goes with it.", "markup"),
    "a fullwidth bracket": ("＜script＞ goes with it", "markup"),  # NFKC maps these to < and >
    "a link": ("See https://evil.example.com/ for more.", "link"),
    "a bare domain": ("Order it at evil.com instead.", "link"),
    "a subdomain": ("Order it at www.evil.example instead.", "link"),
    "an e-mail address": ("Write to thief@evil.example for it.", "email"),
    "zero-width characters": ("Gr\u200beat with the beans.", HIDDEN),
    "a right-to-left override": ("Great \u202ewith the beans.", HIDDEN),
    "a byte order mark": ("\ufeffGreat with the beans.", HIDDEN),
    "a NUL": ("Great\x00 with the beans.", HIDDEN),
    "an escape sequence": ("Great \x1b[31m with the beans.", HIDDEN),
    "a lone surrogate": ("Great \ud83d with the beans.", HIDDEN),
    "200 characters": (LONG[:200], "too_long"),
    "an empty string": ("", "empty_explanation"),
    "whitespace": (" \n ", "empty_explanation"),
    "a number": (42, "empty_explanation"),
    "null": (None, "empty_explanation"),
    "a list": (["Great"], "empty_explanation"),
    "an object": ({"text": "Great"}, "empty_explanation"),
}


@pytest.mark.parametrize(("explanation", "reason"), REJECTED.values(), ids=REJECTED)
def test_a_rejected_explanation_is_replaced_by_the_rules_one(
    llm_shopper: Person,
    model: ModelServer,
    logged_calls: Callable[[], list[dict[str, Any]]],
    explanation: object,
    reason: str,
) -> None:
    model.behave = server.explain(explanation)
    answer = llm_shopper.api("GET", f"/carts/{llm_shopper.cart(beans=1)}/upsell")
    assert answer.status_code == 200, answer.text
    assert answer.json["source"] == "llm", "the choice of the product is kept"
    (suggestion,) = answer.json["suggestions"]
    assert suggestion["product"]["id"] == model.requests[0].known_ids[0]
    assert suggestion["explanation"].endswith("your Dawn Beans.")
    (call,), (line,) = stored_calls(llm_shopper.client.application), logged_calls()
    assert (call.outcome, call.rejections) == ("ok", {reason: 1})
    assert line["response"] == call.response != ""


ACCEPTED = {
    "a sentence": "Its steel holds the heat of your Dawn Beans.",
    "other scripts": "Passt gut — très bien, 合う, ☕ «так».",
    "numbers and punctuation": "One cup at a time; steel & glass (no paper) + a lid, of enamel/stone!",
    "a full stop without a space": "Goes with it.Really",
    "160 characters": ("An even cup of it. " * 9)[:159] + ".",
    "surplus whitespace": "  Goes \n with   it. ",
}


@pytest.mark.parametrize("explanation", ACCEPTED.values(), ids=ACCEPTED)
def test_an_accepted_explanation_is_displayed_unchanged(
    llm_shopper: Person, model: ModelServer, explanation: str
) -> None:
    model.behave = server.explain(explanation)
    llm_shopper.post("/cart/items", {"product_id": "beans"})
    panel = llm_shopper.get("/checkout/upsell")
    assert " ".join(explanation.split()) in html.unescape(panel.text)
    assert stored_calls(llm_shopper.client.application)[0].rejections == {}


def suggestions_for(person: Person, model: ModelServer, chosen: list[object], **cart: int) -> list[dict[str, Any]]:
    """Return the suggestions for a cart when the model chooses these ids."""
    model.behave = server.suggest([{"product_id": id, "explanation": f"Take {id}."} for id in chosen])
    answer = person.api("GET", f"/carts/{person.cart(**cart)}/upsell")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json["suggestions"]
    return found


@pytest.mark.parametrize(
    "invalid_id",
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
    ids=lambda invalid_id: str(invalid_id)[:16],
)
def test_ids_outside_the_candidates_are_rejected(llm_shopper: Person, model: ModelServer, invalid_id: object) -> None:
    """Unknown ids, products of another tenant (pen, ink), in the cart (beans) or sold out (filter)."""
    suggested = suggestions_for(llm_shopper, model, [invalid_id, "cup", invalid_id], beans=1)
    assert [(one["product"]["id"], one["explanation"]) for one in suggested] == [("cup", "Take cup.")]
    assert stored_calls(llm_shopper.client.application)[0].rejections["unknown_product"] > 0


def test_an_id_of_two_tenants_means_the_own_product(llm_shopper: Person, model: ModelServer) -> None:
    (suggested,) = suggestions_for(llm_shopper, model, ["shared"], honey=1)
    assert suggested["product"]["name"] == "North's own"


def test_repeated_products_are_rejected(llm_shopper: Person, model: ModelServer) -> None:
    assert [
        one["product"]["id"] for one in suggestions_for(llm_shopper, model, ["cup", "cup", "pot", "cup"], beans=1)
    ] == [
        "cup",
        "pot",
    ]
    assert stored_calls(llm_shopper.client.application)[0].rejections == {"repeat": 2}


def test_at_most_three_of_a_hundred_suggestions_are_used(llm_shopper: Person, model: ModelServer) -> None:
    hundred_ids: list[object] = [*(id for id in ("cup", "pot", "shared") for _ in range(33)), "cup"]
    assert len(suggestions_for(llm_shopper, model, hundred_ids, beans=1, honey=1)) == 3


def test_an_answer_with_several_faults_is_used_and_stored(llm_shopper: Person, model: ModelServer) -> None:
    """Rejections are counted for each reason."""
    faulty = [("cup", "Gr\u200beat"), ("pot", "<b>"), ("shared", LONG), ("cup", "again"), ("pen", "Take the pen.")]
    model.behave = server.suggest([{"product_id": id, "explanation": text} for id, text in faulty])
    answer = llm_shopper.api("GET", f"/carts/{llm_shopper.cart(beans=1, honey=1)}/upsell")
    assert answer.status_code == 200, answer.text
    assert len(answer.json["suggestions"]) == 3
    assert stored_calls(llm_shopper.client.application)[0].rejections == {
        "invisible_characters": 1,
        "markup": 1,
        "too_long": 1,
        "repeat": 1,
        "unknown_product": 1,
    }


def test_a_product_that_sold_out_during_the_call_is_not_suggested(llm_shopper: Person, model: ModelServer) -> None:
    def sell_the_cups_then_answer(exchange: server.Exchange) -> None:
        buyer = Person(llm_shopper.client.application.test_client(), "north")
        assert buyer.checkout(buyer.cart(cup=3)).status_code == 201
        server.suggest([{"product_id": id, "explanation": "Take it."} for id in ("cup", "pot")])(exchange)

    model.behave = sell_the_cups_then_answer
    cart_id = llm_shopper.cart(beans=1)
    assert llm_shopper.stock("cup") == 3
    answer = llm_shopper.api("GET", f"/carts/{cart_id}/upsell")
    assert [one["product"]["id"] for one in answer.json["suggestions"]] == ["pot"]
    assert llm_shopper.stock("cup") == 0


def test_markup_in_an_answer_is_not_rendered(llm_shopper: Person, model: ModelServer) -> None:
    model.behave = server.explain("Great<script>alert(1)</script> [x](https://evil.example)")
    llm_shopper.post("/cart/items", {"product_id": "beans"})
    for path in ("/checkout/upsell", "/checkout/upsell?page=1"):
        page = llm_shopper.get(path).text
        explanations = re.findall(r'<div class="suggestion-words">.*?<p>(.*?)</p>', page, re.DOTALL)
        assert explanations, "suggestions are displayed"
        assert not re.search(r"[<>]|evil|alert", " ".join(explanations))


def test_the_response_is_stored_and_logged_verbatim(
    llm_shopper: Person, model: ModelServer, logged_calls: Callable[[], list[dict[str, Any]]]
) -> None:
    text = json.dumps({"suggestions": [{"product_id": "pot", "explanation": "Gut für “Dawn Beans” ☕"}]})
    model.behave = server.answers_with(text)
    llm_shopper.api("GET", f"/carts/{llm_shopper.cart(beans=1)}/upsell")
    assert stored_calls(llm_shopper.client.application)[0].response == logged_calls()[0]["response"] == text
