"""The journal of the model's calls: what each was asked, said and cost, for the operator, and nothing of who shops."""

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
from tests.upsell.conftest import calls, showings
from tests.upsell.model_server import ModelServer

Journal = Callable[[], list[dict[str, Any]]]
JOURNAL = ("llm_call", "upsell_impression", "llm_response_cache")
KEPT_OF_A_CALL = (
    "model", "prompt_version", "language", "prompt", "response", "prompt_tokens", "completion_tokens",
    "purpose", "cost_micros", "latency_ms", "outcome", "rejections", "suggestions",
)  # fmt: skip


def look(app: Flask, **cart: int) -> dict[str, Any]:
    person = Person(app.test_client(), "north")
    answer = person.api("GET", f"/carts/{person.cart(**cart or {'beans': 1})}/upsell")
    assert isinstance(answer.json, dict)
    return answer.json


def test_a_call_is_a_row_and_a_line_that_say_the_same(
    asking: Callable[..., Flask], model: ModelServer, journal: Journal
) -> None:
    app = asking(UPSELL_MODEL="some-model", UPSELL_PRICES="some-model=0.25/2.00, other=9/9")
    shown = look(app)
    (call,), (line,) = calls(app), journal()
    assert {name: line[name] for name in KEPT_OF_A_CALL} == {name: getattr(call, name) for name in KEPT_OF_A_CALL}
    assert (line["call_id"], line["tenant"]) == (call.id, "north")
    assert (call.model, call.prompt_version, call.language, call.outcome) == ("some-model", PROMPT_VERSION, "en", "ok")
    assert (call.prompt, call.rejections) == (model.requests[0].prompt, {})
    assert [one["product_id"] for one in call.suggestions] == [one["product"]["id"] for one in shown["suggestions"]]


PRICES = {
    "0.25/2": 295,  # 0.25 * 700 + 2 * 60 millionths
    "0/0": 0,
    "0.001/0": 1,  # less than a millionth is one, so that no sum of calls is lost
    "15/75": 15_000,
}


@pytest.mark.parametrize(("price", "cost"), PRICES.items())
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_call_costs_millionths_of_the_currency(asking: Callable[..., Flask], price: str, cost: int) -> None:
    app = asking(UPSELL_MODEL="m", UPSELL_PRICES=f"m={price}")
    look(app)
    assert [call.cost_micros for call in calls(app)] == [cost]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_model_without_a_price_costs_nobody_knows_what(asking: Callable[..., Flask]) -> None:
    app = asking(UPSELL_MODEL="m", UPSELL_PRICES="other=1/1")
    look(app)
    assert [(call.cost_micros, call.prompt_tokens) for call in calls(app)] == [(None, 700)]


def test_what_was_dropped_is_counted_by_its_cause(
    asking: Callable[..., Flask], model: ModelServer, journal: Journal
) -> None:
    app = asking()
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
    shown = look(app, beans=1, shared=1)
    (call,), (line,) = calls(app), journal()
    assert call.rejections == line["rejections"] == {"price": 1, "link": 1, "repeat": 1, "unknown_product": 2}
    words = {one["product"]["id"]: one["explanation"] for one in shown["suggestions"]}
    assert words["honey"] == "Sweet with coffee."
    assert "evil" not in str(words)
    assert "€" not in str(words)


def test_who_chose_is_written_down_with_what_was_shown(asking: Callable[..., Flask]) -> None:
    app = asking()
    first, again = look(app), look(app)
    (call,), shown = calls(app), showings(app)
    assert [(one.id, one.call_id, one.source, one.decision, one.arm) for one in shown] == [
        (upsell["call_id"], call.id, "llm", "ok", "model") for upsell in (first, again)
    ]
    assert [one["product_id"] for one in shown[0].suggestions] == [one["product"]["id"] for one in first["suggestions"]]


def test_no_secret_and_nothing_of_the_shopper_is_in_the_journal(
    asking: Callable[..., Flask], model: ModelServer, caplog: pytest.LogCaptureFixture, journal: Journal
) -> None:
    """Neither where all goes well nor where the model fails and repeats what it was sent."""
    app = asking(OPENAI_API_KEY="sk-very-secret")
    person = Person(app.test_client(), "north")
    mail, name = "ada.lovelace@example.com", "Ada Lovelace-Byron"
    person.post("/cart/items", {"product_id": "beans"})
    person.get("/checkout/upsell")
    person.post("/checkout", {"email": mail, "name": name})
    for behaviour, id in ((server.good, "cup"), (server.fails(401), "honey"), (server.hangs_up, "pot")):
        model.behave = behaviour
        cart = person.cart(**{id: 1})
        person.api("GET", f"/carts/{cart}/upsell")
        person.checkout(cart, email=mail, name=name)
    assert model.wait_for(lambda: len(calls(app)) == 4)
    assert model.requests[0].headers["authorization"] == "Bearer sk-very-secret"
    cookie = person.client.get_cookie("shop", path="/t/north/")
    kept = str([every_row(app, "north")[table] for table in JOURNAL])
    said = json.dumps(journal()) + caplog.text + kept
    assert "Dawn Beans" in said
    for secret in ("very-secret", "only for tests", mail, "lovelace", cookie.value if cookie else "no cookie"):
        assert secret.lower() not in said.lower()
    for request in model.requests:
        assert mail not in json.dumps(request.body)


def test_no_cart_and_no_order_can_be_opened_from_what_staff_read(
    asking: Callable[..., Flask], journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    """Who has the id of a cart or of an order has the cart or the order."""
    app = asking()
    key = bearer(api_key(app, "north", "upsell:read"))
    person = Person(app.test_client(), "north")
    cart = person.cart(beans=1)
    person.api("GET", f"/carts/{cart}/upsell")
    order = person.checkout(cart).json["id"]
    assert len(calls(app)) >= 1
    listed = person.api("GET", "/upsell/calls", headers=key)
    report = person.api("GET", "/upsell/report", headers=key)
    assert {listed.status_code, report.status_code} == {200}
    assert listed.json["items"]
    for told in (listed.text, report.text, json.dumps(journal()), caplog.text):
        assert cart not in told
        assert order not in told


def test_a_call_ahead_of_time_says_what_it_was_for(asking: Callable[..., Flask], journal: Journal) -> None:
    done = asking().test_cli_runner().invoke(args=["upsell", "prepare", "--tenant", "north", "--limit", "1", "--yes"])
    assert done.exit_code == 0, done.output
    (line,) = [line for line in journal() if line["message"] == "upsell call"]
    assert (line["purpose"], "cart_id" in line) == ("complements", False)
