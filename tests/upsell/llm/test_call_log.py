"""The stored and logged calls of the model: prompt, response and cost, without secrets and personal data."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from storefront.upsell.llm.rerank_prompt import PROMPT_VERSION
from tests.conftest import Person
from tests.staff.factories import api_key, bearer
from tests.tenants.factories import every_row
from tests.upsell import model_server as server
from tests.upsell.conftest import stored_calls, stored_impressions
from tests.upsell.model_server import ModelServer

ReadLoggedCalls = Callable[[], list[dict[str, Any]]]
LOG_TABLES = ("llm_call", "upsell_impression", "llm_response_cache")
LOGGED_COLUMNS = (
    "model", "prompt_version", "language", "prompt", "response", "prompt_tokens", "completion_tokens",
    "purpose", "cost_micros", "latency_ms", "outcome", "rejections", "suggestions",
)  # fmt: skip


def get_upsell(app: Flask, **cart: int) -> dict[str, Any]:
    person = Person(app.test_client(), "north")
    answer = person.api("GET", f"/carts/{person.cart(**cart or {'beans': 1})}/upsell")
    assert isinstance(answer.json, dict)
    return answer.json


def test_a_call_has_a_row_and_a_log_line_with_equal_content(
    make_llm_app: Callable[..., Flask], model: ModelServer, logged_calls: ReadLoggedCalls
) -> None:
    app = make_llm_app(UPSELL_MODEL="some-model", UPSELL_PRICES="some-model=0.25/2.00, other=9/9")
    upsell = get_upsell(app)
    (call,), (line,) = stored_calls(app), logged_calls()
    assert {name: line[name] for name in LOGGED_COLUMNS} == {name: getattr(call, name) for name in LOGGED_COLUMNS}
    assert (line["call_id"], line["tenant"]) == (call.id, "north")
    assert (call.model, call.prompt_version, call.language, call.outcome) == ("some-model", PROMPT_VERSION, "en", "ok")
    assert (call.prompt, call.rejections) == (model.requests[0].prompt, {})
    assert [one["product_id"] for one in call.suggestions] == [one["product"]["id"] for one in upsell["suggestions"]]


PRICES = {
    "0.25/2": 295,  # 0.25 * 700 + 2 * 60 millionths
    "0/0": 0,
    "0.001/0": 1,  # rounded up, so that small costs don't vanish from a sum
    "15/75": 15_000,
}


@pytest.mark.parametrize(("price", "cost"), PRICES.items())
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_cost_of_a_call_is_stored_in_micros(make_llm_app: Callable[..., Flask], price: str, cost: int) -> None:
    app = make_llm_app(UPSELL_MODEL="m", UPSELL_PRICES=f"m={price}")
    get_upsell(app)
    assert [call.cost_micros for call in stored_calls(app)] == [cost]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_cost_of_a_model_without_a_price_is_null(make_llm_app: Callable[..., Flask]) -> None:
    app = make_llm_app(UPSELL_MODEL="m", UPSELL_PRICES="other=1/1")
    get_upsell(app)
    assert [(call.cost_micros, call.prompt_tokens) for call in stored_calls(app)] == [(None, 700)]


def test_rejections_are_counted_by_reason(
    make_llm_app: Callable[..., Flask], model: ModelServer, logged_calls: ReadLoggedCalls
) -> None:
    app = make_llm_app()
    model.behave = server.suggest(
        [
            {"product_id": "pot", "explanation": "Only 5 € today!"},
            {"product_id": "cup", "explanation": "See www.evil.example for it."},
            {"product_id": "cup", "explanation": "Drink from it."},
            {"product_id": "nosuch", "explanation": "Buy it."},
            {"product_id": "pen", "explanation": "Another shop's."},
            {"product_id": "honey", "explanation": "Sweet with coffee."},
        ]
    )
    upsell = get_upsell(app, beans=1, shared=1)
    (call,), (line,) = stored_calls(app), logged_calls()
    assert call.rejections == line["rejections"] == {"price": 1, "link": 1, "repeat": 1, "unknown_product": 2}
    explanations = {one["product"]["id"]: one["explanation"] for one in upsell["suggestions"]}
    assert explanations["honey"] == "Sweet with coffee."
    assert "evil" not in str(explanations)
    assert "€" not in str(explanations)


def test_an_impression_contains_its_call_and_source(make_llm_app: Callable[..., Flask]) -> None:
    app = make_llm_app()
    first, second = get_upsell(app), get_upsell(app)
    (call,), impressions = stored_calls(app), stored_impressions(app)
    assert [(row.id, row.call_id, row.source, row.decision, row.arm) for row in impressions] == [
        (upsell["call_id"], call.id, "llm", "ok", "model") for upsell in (first, second)
    ]
    assert [one["product_id"] for one in impressions[0].suggestions] == [
        one["product"]["id"] for one in first["suggestions"]
    ]


def test_no_secret_and_no_personal_data_is_stored_or_logged(
    make_llm_app: Callable[..., Flask],
    model: ModelServer,
    caplog: pytest.LogCaptureFixture,
    logged_calls: ReadLoggedCalls,
) -> None:
    """With successful calls and with failing ones."""
    app = make_llm_app(OPENAI_API_KEY="sk-very-secret")
    person = Person(app.test_client(), "north")
    mail, name = "ada.lovelace@example.com", "Ada Lovelace-Byron"
    person.post("/cart/items", {"product_id": "beans"})
    person.get("/checkout/upsell")
    person.post("/checkout", {"email": mail, "name": name})
    for behaviour, id in ((server.good, "cup"), (server.fails(401), "honey"), (server.disconnects, "pot")):
        model.behave = behaviour
        cart = person.cart(**{id: 1})
        person.api("GET", f"/carts/{cart}/upsell")
        person.checkout(cart, email=mail, name=name)
    assert model.wait_for(lambda: len(stored_calls(app)) == 4)
    assert model.requests[0].headers["authorization"] == "Bearer sk-very-secret"
    cookie = person.client.get_cookie("shop", path="/t/north/")
    stored = str([every_row(app, "north")[table] for table in LOG_TABLES])
    output = json.dumps(logged_calls()) + caplog.text + stored
    assert "Dawn Beans" in output
    for secret in ("very-secret", "only for tests", mail, "lovelace", cookie.value if cookie else "no cookie"):
        assert secret.lower() not in output.lower()
    for request in model.requests:
        assert mail not in json.dumps(request.body)


def test_staff_output_and_logs_contain_no_cart_id_and_no_order_id(
    make_llm_app: Callable[..., Flask], logged_calls: ReadLoggedCalls, caplog: pytest.LogCaptureFixture
) -> None:
    """The id of a cart or an order grants access to it."""
    app = make_llm_app()
    key = bearer(api_key(app, "north", "upsell:read"))
    person = Person(app.test_client(), "north")
    cart = person.cart(beans=1)
    person.api("GET", f"/carts/{cart}/upsell")
    order = person.checkout(cart).json["id"]
    assert len(stored_calls(app)) >= 1
    call_list = person.api("GET", "/upsell/calls", headers=key)
    report = person.api("GET", "/upsell/report", headers=key)
    assert {call_list.status_code, report.status_code} == {200}
    assert call_list.json["items"]
    for output in (call_list.text, report.text, json.dumps(logged_calls()), caplog.text):
        assert cart not in output
        assert order not in output


def test_a_call_of_prepare_is_logged_with_its_purpose(
    make_llm_app: Callable[..., Flask], logged_calls: ReadLoggedCalls
) -> None:
    result = (
        make_llm_app()
        .test_cli_runner()
        .invoke(args=["upsell", "prepare", "--tenant", "north", "--limit", "1", "--yes"])
    )
    assert result.exit_code == 0, result.output
    (line,) = [line for line in logged_calls() if line["message"] == "upsell call"]
    assert (line["purpose"], "cart_id" in line) == ("complements", False)
