"""Whatever the model's server does, the shopper gets suggestions in time, and the operator can read what happened."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.conftest import Person
from tests.upsell import model_server as server
from tests.upsell.conftest import TIMEOUT, calls, showings
from tests.upsell.model_server import Behaviour, ModelServer

UNUSABLE: dict[str, tuple[Behaviour, *tuple[str, ...]]] = {
    "hangs": (server.hangs, "timeout"),
    "too slow": (server.slow(60), "timeout"),
    "drips its headers": (server.drips_headers, "timeout"),
    "drips its body": (server.drips_body, "timeout"),
    "hangs up": (server.hangs_up, "connection_error"),
    "hangs up midway": (server.hangs_up_midway, "connection_error"),
    "speaks another protocol": (server.speaks_another_protocol, "connection_error"),
    "401": (server.fails(401), "http_401"),
    "429": (server.fails(429, Retry_After="1"), "http_429"),
    "429 for ever": (server.fails(429, Retry_After="86400", x_should_retry="true"), "http_429"),
    "500": (server.fails(500), "http_500"),
    "redirects": (server.fails(302, Location="http://127.0.0.1:9/"), "http_302"),
    "garbage": (server.sends(b"\x00\xff\xfe\x80 garbage"), "invalid_response"),
    "HTML": (server.sends(b"<html><body>Bad gateway</body></html>", "text/html"), "empty"),
    "no body": (server.sends(b""), "invalid_response"),
    "JSON that breaks off": (server.sends(server.completion("{}")[:60]), "invalid_response"),
    "JSON null": (server.sends(b"null"), "empty"),
    "a JSON list": (server.sends(b"[1, 2]"), "empty"),
    "an empty object": (server.sends(b"{}"), "empty"),
    "choices of numbers": (server.sends(b'{"choices": [1, 2]}'), "empty"),
    "no choices": (server.sends(b'{"choices": []}'), "empty"),
    "cut off by its length": (server.says('{"suggestions": [{"product_id": "po', "length"), "truncated"),
    "refuses": (server.says(None, refusal="I can't help with that."), "refused"),
    "no content": (server.says(None), "empty"),
    "content of blanks": (server.says("  \n "), "empty"),
    "content of another type": (server.says([{"type": "text", "text": "{}"}]), "empty"),
    "prose": (server.says("Sure! I would suggest the pot."), "invalid_json"),
    "content nested without end": (server.says("[" * 30_000), "invalid_response"),
    "a list": (server.says("[]"), "ok", "shape"),
    "a string": (server.says('"pot"'), "ok", "shape"),
    "suggestions are missing": (server.says('{"products": ["pot"]}'), "ok", "shape"),
    "suggestions are an object": (server.says('{"suggestions": {"product_id": "pot"}}'), "ok", "shape"),
    "suggestions of odd things": (server.suggest([None, 1, "pot", [], {"product_id": [1]}]), "ok", "unknown_product"),
    "nothing": (server.suggest([]), "ok"),
    "ten megabytes": (server.sends(server.completion(" " * 10_000_000)), "response_too_large"),
    "ten megabytes of an error": (lambda exchange: exchange.send(500, b"x" * 10_000_000), "response_too_large"),
    "a bomb": (server.bomb(60_000_000), "response_too_large"),
}


ON_POSTGRESQL = ("drips its body", "prose", "suggestions are missing")
"""The server's manners are all the same to the database; these few are met on the other one too."""
CASES = [pytest.param("sqlite", name, id=name) for name in UNUSABLE]
CASES += [pytest.param("postgresql", name, id=f"{name}, on PostgreSQL") for name in ON_POSTGRESQL]


@pytest.mark.parametrize(("database_url", "behaviour"), CASES, indirect=["database_url"])
def test_the_rules_answer_in_time_when_the_model(
    asking: Callable[..., Flask], model: ModelServer, journal: Callable[[], list[dict[str, Any]]], behaviour: str
) -> None:
    """The shop is in a hurry where the model would keep it waiting; else it is seen that it needn't be. Without its
    deadline it would wait for ever."""
    model.behave, (outcome, *_) = UNUSABLE[behaviour][0], UNUSABLE[behaviour][1:]
    in_a_hurry = outcome == "timeout"
    app = asking(UPSELL_TIMEOUT=str(TIMEOUT)) if in_a_hurry else asking()
    person = Person(app.test_client(), "north")
    person.post("/cart/items", {"product_id": "beans"})
    panel = person.get("/checkout/upsell")
    cart_id = person.cart(beans=1, honey=1)
    answer = person.api("GET", f"/carts/{cart_id}/upsell")

    assert panel.status_code == 200
    assert 'data-suggestion="pot"' in panel.text
    assert answer.status_code == 200
    upsell = answer.json
    assert (upsell["enabled"], upsell["arm"], upsell["source"]) == (True, "model", "rules")
    assert {one["product"]["id"] for one in upsell["suggestions"]} == {"pot", "cup", "shared"}
    for one in upsell["suggestions"]:
        assert 0 < len(one["explanation"]) <= 160
    assert model.wait_for(lambda: len(calls(app)) == len(journal()) == 2)
    assert len(model.requests) <= 2, "each time it was asked once, and never again"
    assert in_a_hurry or len(model.requests) == 2
    shown = showings(app)[-1]
    assert (shown.id, shown.arm, shown.source) == (upsell["call_id"], "model", "rules")
    assert shown.decision in (("all_rejected",) if outcome == "ok" else ("failed", "pending"))
    check_written_down(app, journal(), *UNUSABLE[behaviour][1:])


def check_written_down(app: Flask, lines: list[dict[str, Any]], outcome: str, dropped: str | None = None) -> None:
    """Both calls are in the journal, each as a row and as a line, which say the same."""
    said = {line["call_id"]: line for line in lines}
    assert len(said) == len(lines) == 2
    for call in calls(app):
        line = said[call.id]
        assert call.outcome == outcome
        assert list(call.rejections) == ([dropped] if dropped else [])
        assert (line["tenant"], line["outcome"], line["prompt"]) == ("north", call.outcome, call.prompt)
        assert line["response"] == call.response
        assert "Dawn Beans" in call.prompt
        assert len(call.response) <= 4000, "an answer of any size must not fill the journal"
        assert call.model
        assert call.latency_ms >= 0


def test_a_model_that_is_down_leaves_it_to_the_rules(asking: Callable[..., Any], model: ModelServer) -> None:
    nowhere = asking(OPENAI_BASE_URL="http://127.0.0.1:9/v1")
    person = Person(nowhere.test_client(), "north")
    answer = person.api("GET", f"/carts/{person.cart(beans=1)}/upsell")
    assert (answer.status_code, answer.json["source"]) == (200, "rules")
    assert calls(nowhere)[0].outcome == "connection_error"
    assert not model.requests


def test_a_model_that_answers_in_time_is_heard(
    advised: Person, model: ModelServer, journal: Callable[[], list[dict[str, Any]]]
) -> None:
    model.behave = server.slow(TIMEOUT / 4)
    answer = advised.api("GET", f"/carts/{advised.cart(beans=1, honey=1)}/upsell")
    assert answer.json["source"] == "llm"
    assert [one["product"]["id"] for one in answer.json["suggestions"]] == model.requests[0].known_ids[:3]
    first = answer.json["suggestions"][0]
    assert first["explanation"] == f"It goes with this cart ({first['product']['id']})."
    (call,), (line,), (shown,) = calls(advised.client.application), journal(), showings(advised.client.application)
    assert (call.outcome, call.prompt_tokens, call.completion_tokens) == ("ok", 700, 60)
    assert (shown.id, shown.call_id, shown.source) == (answer.json["call_id"], call.id, "llm")
    assert call.prompt == line["prompt"] == model.requests[0].prompt
    assert json.loads(call.response) == json.loads(line["response"])
    assert call.suggestions[0] == {
        "product_id": first["product"]["id"],
        "explanation": first["explanation"],
    }
