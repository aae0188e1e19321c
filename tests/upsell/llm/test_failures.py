"""When the model server fails, the rules are the fallback, and each call is stored and logged with its outcome."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.conftest import Person
from tests.upsell import model_server as server
from tests.upsell.conftest import SHORT_TIMEOUT_SECONDS, stored_calls, stored_impressions
from tests.upsell.model_server import Behaviour, ModelServer

FAILURES: dict[str, tuple[Behaviour, *tuple[str, ...]]] = {
    "hangs": (server.hangs, "timeout"),
    "too slow": (server.slow(60), "timeout"),
    "slow-drip headers": (server.drips_headers, "timeout"),
    "slow-drip body": (server.drips_body, "timeout"),
    "disconnects": (server.disconnects, "connection_error"),
    "disconnects mid-response": (server.disconnects_mid_response, "connection_error"),
    "not HTTP": (server.answers_without_http, "connection_error"),
    "401": (server.fails(401), "http_401"),
    "429": (server.fails(429, Retry_After="1"), "http_429"),
    "429 with a day as Retry-After": (server.fails(429, Retry_After="86400", x_should_retry="true"), "http_429"),
    "500": (server.fails(500), "http_500"),
    "redirects": (server.fails(302, Location="http://127.0.0.1:9/"), "http_302"),
    "garbage": (server.sends(b"\x00\xff\xfe\x80 garbage"), "invalid_response"),
    "HTML": (server.sends(b"<html><body>Bad gateway</body></html>", "text/html"), "empty"),
    "no body": (server.sends(b""), "invalid_response"),
    "truncated JSON": (server.sends(server.completion("{}")[:60]), "invalid_response"),
    "JSON null": (server.sends(b"null"), "empty"),
    "a JSON list": (server.sends(b"[1, 2]"), "empty"),
    "an empty object": (server.sends(b"{}"), "empty"),
    "choices not objects": (server.sends(b'{"choices": [1, 2]}'), "empty"),
    "no choices": (server.sends(b'{"choices": []}'), "empty"),
    "finish reason length": (server.answers_with('{"suggestions": [{"product_id": "po', "length"), "truncated"),
    "refusal": (server.answers_with(None, refusal="I can't help with that."), "refused"),
    "no content": (server.answers_with(None), "empty"),
    "content of whitespace": (server.answers_with("  \n "), "empty"),
    "content not a string": (server.answers_with([{"type": "text", "text": "{}"}]), "empty"),
    "prose": (server.answers_with("Sure! I would suggest the pot."), "invalid_json"),
    "content deeply nested": (server.answers_with("[" * 30_000), "invalid_json"),
    "content a list": (server.answers_with("[]"), "ok", "shape"),
    "content a string": (server.answers_with('"pot"'), "ok", "shape"),
    "suggestions are missing": (server.answers_with('{"products": ["pot"]}'), "ok", "shape"),
    "suggestions are an object": (server.answers_with('{"suggestions": {"product_id": "pot"}}'), "ok", "shape"),
    "suggestions of wrong types": (server.suggest([None, 1, "pot", [], {"product_id": [1]}]), "ok", "unknown_product"),
    "no suggestions": (server.suggest([]), "ok"),
    "response of 10 MB": (server.sends(server.completion(" " * 10_000_000)), "response_too_large"),
    "error of 10 MB": (lambda exchange: exchange.send(500, b"x" * 10_000_000), "response_too_large"),
    "gzip bomb": (server.gzip_bomb(60_000_000), "response_too_large"),
}


ON_POSTGRESQL = ("slow-drip body", "prose", "suggestions are missing")
"""The database has little influence on these cases, so that only a few run on PostgreSQL too."""
CASES = [pytest.param("sqlite", name, id=name) for name in FAILURES]
CASES += [pytest.param("postgresql", name, id=f"{name}, on PostgreSQL") for name in ON_POSTGRESQL]


@pytest.mark.parametrize(("database_url", "behaviour"), CASES, indirect=["database_url"])
def test_rules_are_the_fallback_for(
    make_llm_app: Callable[..., Flask],
    model: ModelServer,
    logged_calls: Callable[[], list[dict[str, Any]]],
    behaviour: str,
) -> None:
    """Only cases that end by the timeout have a short one; the others must fail without waiting for it."""
    model.behave, (outcome, *_) = FAILURES[behaviour][0], FAILURES[behaviour][1:]
    times_out = outcome == "timeout"
    app = make_llm_app(UPSELL_TIMEOUT=str(SHORT_TIMEOUT_SECONDS)) if times_out else make_llm_app()
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
    for suggestion in upsell["suggestions"]:
        assert 0 < len(suggestion["explanation"]) <= 160
    assert model.wait_for(lambda: len(stored_calls(app)) == len(logged_calls()) == 2)
    assert len(model.requests) <= 2, "each call is made once, without a retry"
    assert times_out or len(model.requests) == 2
    impression = stored_impressions(app)[-1]
    assert (impression.id, impression.arm, impression.source) == (upsell["call_id"], "model", "rules")
    assert impression.decision in (("all_rejected",) if outcome == "ok" else ("failed", "pending"))
    check_stored_and_logged(app, logged_calls(), *FAILURES[behaviour][1:])


def check_stored_and_logged(
    app: Flask, lines: list[dict[str, Any]], outcome: str, rejection: str | None = None
) -> None:
    """Check that both calls have a row and a log line with equal content."""
    lines_by_call = {line["call_id"]: line for line in lines}
    assert len(lines_by_call) == len(lines) == 2
    for call in stored_calls(app):
        line = lines_by_call[call.id]
        assert call.outcome == outcome
        assert list(call.rejections) == ([rejection] if rejection else [])
        assert (line["tenant"], line["outcome"], line["prompt"]) == ("north", call.outcome, call.prompt)
        assert line["response"] == call.response
        assert "Dawn Beans" in call.prompt
        assert len(call.response) <= 4000, "the stored response is truncated"
        assert call.model
        assert call.latency_ms >= 0


def test_rules_are_the_fallback_when_the_model_server_is_down(
    make_llm_app: Callable[..., Any], model: ModelServer
) -> None:
    app = make_llm_app(OPENAI_BASE_URL="http://127.0.0.1:9/v1")
    person = Person(app.test_client(), "north")
    answer = person.api("GET", f"/carts/{person.cart(beans=1)}/upsell")
    assert (answer.status_code, answer.json["source"]) == (200, "rules")
    assert stored_calls(app)[0].outcome == "connection_error"
    assert not model.requests


def test_an_answer_within_the_timeout_is_used(
    llm_shopper: Person, model: ModelServer, logged_calls: Callable[[], list[dict[str, Any]]]
) -> None:
    model.behave = server.slow(SHORT_TIMEOUT_SECONDS / 4)
    answer = llm_shopper.api("GET", f"/carts/{llm_shopper.cart(beans=1, honey=1)}/upsell")
    assert answer.json["source"] == "llm"
    assert [one["product"]["id"] for one in answer.json["suggestions"]] == model.requests[0].known_ids[:3]
    first = answer.json["suggestions"][0]
    assert first["explanation"] == f"It goes with this cart ({first['product']['id']})."
    (call,), (line,), (impression,) = (
        stored_calls(llm_shopper.client.application),
        logged_calls(),
        stored_impressions(llm_shopper.client.application),
    )
    assert (call.outcome, call.prompt_tokens, call.completion_tokens) == ("ok", 700, 60)
    assert (impression.id, impression.call_id, impression.source) == (answer.json["call_id"], call.id, "llm")
    assert call.prompt == line["prompt"] == model.requests[0].prompt
    assert json.loads(call.response) == json.loads(line["response"])
    assert call.suggestions[0] == {
        "product_id": first["product"]["id"],
        "explanation": first["explanation"],
    }
