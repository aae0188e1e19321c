"""The journal of the model's calls: what each was asked, said and cost, for the operator, and nothing of who shops."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from storefront.clock import now
from storefront.database import acting_for, db, write
from storefront.ids import id_at
from storefront.tenants.guard import add_rows
from storefront.upsell import pruning
from storefront.upsell.assistant.models import UpsellAnswer, UpsellCall
from storefront.upsell.assistant.prompt import VERSION
from storefront.upsell.models import UpsellShowing
from tests.conftest import Person
from tests.tenants.cast import every_row
from tests.upsell import model_server as server
from tests.upsell.conftest import calls, showings
from tests.upsell.model_server import ModelServer

Journal = Callable[[], list[dict[str, Any]]]
JOURNAL = ("upsell_call", "upsell_showing", "upsell_answer")
KEPT_OF_A_CALL = (
    "model", "prompt_version", "language", "prompt", "response", "prompt_tokens", "completion_tokens",
    "cost", "latency_ms", "outcome", "dropped", "suggestions",
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
    assert (call.model, call.prompt_version, call.language, call.outcome) == ("some-model", VERSION, "en", "ok")
    assert (call.prompt, call.dropped) == (model.requests[0].prompt, {})
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
    assert [call.cost for call in calls(app)] == [cost]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_model_without_a_price_costs_nobody_knows_what(asking: Callable[..., Flask]) -> None:
    app = asking(UPSELL_MODEL="m", UPSELL_PRICES="other=1/1")
    look(app)
    assert [(call.cost, call.prompt_tokens) for call in calls(app)] == [(None, 700)]


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
    assert call.dropped == line["dropped"] == {"price": 1, "link": 1, "repeat": 1, "unknown_product": 2}
    words = {one["product"]["id"]: one["explanation"] for one in shown["suggestions"]}
    assert words["honey"] == "Sweet with coffee."
    assert "evil" not in str(words)
    assert "€" not in str(words)


def test_who_chose_is_written_down_with_what_was_shown(asking: Callable[..., Flask]) -> None:
    app = asking()
    first, again = look(app), look(app)
    (call,), shown = calls(app), showings(app)
    assert [(one.id, one.call_id, one.source, one.outcome, one.arm) for one in shown] == [
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


def old_and_new(old: int, new: int, days: int) -> None:
    """So many rows of each kind that are older than these days by an hour, and so many younger by an hour."""
    for many, age, word in ((old, timedelta(days=days, hours=1), "old"), (new, timedelta(days=days, hours=-1), "new")):
        moment = now() - age
        ids = [f"{word}-{i}" for i in range(many)]
        places = [{"id": id, "place": id_at(moment) + i, "cart_id": "c"} for i, id in enumerate(ids)]
        call = dict.fromkeys(("model", "prompt_version", "language", "prompt", "response", "outcome"), "x")
        numbers = dict.fromkeys(("prompt_tokens", "completion_tokens", "latency_ms"), 1)
        answer = {"same_cart": "s", "cart_id": "c", "asked_at": moment, "answered_at": moment, "suggestions": []}
        with write():
            add_rows(UpsellCall, [place | call | numbers | {"dropped": {}, "suggestions": []} for place in places])
            showing = {"arm": "rules", "outcome": "rules", "suggestions": []}
            add_rows(UpsellShowing, [place | showing for place in places])
            add_rows(UpsellAnswer, [answer | {"key": id} for id in ids])


def left(app: Flask, shop: str = "north") -> dict[str, list[str]]:
    rows = every_row(app, shop)
    return {table: sorted(row[1] for row in rows[table]) for table in JOURNAL}


def test_pruning_removes_what_is_old_in_batches_and_nothing_else(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "BATCH", 3)
    columns = [(pruning.calls.c.id, pruning.calls.c.place, "place")]
    columns += [(pruning.showings.c.id, pruning.showings.c.place, "place")]
    columns += [(pruning.answers.c.key, pruning.answers.c.asked_at, "moment")]
    monkeypatch.setattr(pruning, "OLD", [pruning.old_rows(*one) for one in columns])
    removed: list[int] = []

    def hear(_connection: object, cursor: Any, statement: str, *_: object) -> None:
        if statement.startswith("DELETE"):
            removed.append(cursor.rowcount)

    with app.app_context():
        engine = db.engine
        for shop in ("north", "south"):
            with acting_for(shop):
                old_and_new(7, 4, days=30)
        event.listen(engine, "after_cursor_execute", hear)
        with acting_for("north"):
            assert pruning.prune(31) == 0
            assert pruning.prune(30) == 21
    event.remove(engine, "after_cursor_execute", hear)
    assert max(removed) == 3, "a batch at a time"
    new, old = [f"new-{i}" for i in range(4)], [f"old-{i}" for i in range(7)]
    assert left(app) == dict.fromkeys(JOURNAL, new)
    assert left(app, "south") == dict.fromkeys(JOURNAL, new + old), "nobody asked there"


def test_more_than_one_batch_is_pruned_as_it_is_shipped(app: Flask) -> None:
    with app.app_context(), acting_for("north"):
        old_and_new(pruning.BATCH + 1, 1, days=90)
        assert pruning.prune(90) == 3 * (pruning.BATCH + 1)
    assert left(app) == {table: ["new-0"] for table in JOURNAL}
