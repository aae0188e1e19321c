"""`flask upsell prepare`: what a model writes down beforehand, how it is paid for, what the engine makes of it."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, event, select

from storefront.catalog.importer import import_catalog
from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.tenants.registry import registry
from storefront.upsell import commands
from storefront.upsell.llm import batch, complement_prompt
from storefront.upsell.llm.models import LlmUsage
from storefront.upsell.recommender.candidates import find_candidates_by_id
from storefront.upsell.recommender.models import Complement
from storefront.upsell.selection import select_top
from tests.conftest import Person
from tests.upsell.conftest import calls, stock, teach
from tests.upsell.model_server import Behaviour, Exchange, ModelServer, Picky, fails, hangs, says
from tests.upsell.test_suggestions import suggested

NORTH = 6
"""Products of the test's catalogue in the north."""
CUP = "The cup is at hand when the rain is over."
PANTRY = "Something sweet belongs to a rainy day."


def prepare(app: Flask, *words: str, answer: str | None = None) -> str:
    result = app.test_cli_runner().invoke(args=["upsell", "prepare", "--tenant", "north", *words], input=answer)
    assert result.exit_code == 0, result.output
    return result.output


def completes(products: dict[str, Any] | None = None, categories: dict[str, Any] | None = None) -> Behaviour:
    """Says of each product that these complete it, as far as they are allowed."""

    def behave(exchange: Exchange) -> None:
        if exchange.request.response_format == "json_schema":
            schema = exchange.request.body["response_format"]["json_schema"]["schema"]["properties"]
            ids = schema["products"]["items"]["properties"]["product_id"]["enum"]
        else:
            ids = [product["product_id"] for product in exchange.request.data["other_products"]]
        found = [{"product_id": id, "why": why} for id, why in (products or {}).items() if id in ids]
        kinds = [{"category": kind, "why": why} for kind, why in (categories or {}).items()]
        says(json.dumps({"products": found, "categories": kinds}))(exchange)

    return behave


def complements(app: Flask, product_id: str) -> dict[str, str]:
    """Of a product in the north, why each product or category completes it."""
    with app.app_context(), tenant_context("north"):
        rows = db.session.scalars(select(Complement).where(Complement.product_id == product_id))
        return {row.complement_product_id or row.category: row.explanation for row in rows}


def about(model: ModelServer) -> list[str]:
    """The products that the model was asked about, by name."""
    return [request.data["product"]["name"] for request in model.requests]


@pytest.fixture
def app(asking: Callable[..., Flask], model: ModelServer) -> Flask:
    model.behave = completes({"cup": CUP})
    return asking(UPSELL_HOLDOUT="0", UPSELL_IN_FLIGHT="1")


def test_each_product_is_asked_about_once(app: Flask, model: ModelServer) -> None:
    said = prepare(app, "--yes")
    assert "6 products prepared; dropped from answers: nothing" in said
    assert len(model.requests) == len(set(about(model))) == NORTH
    assert complements(app, "beans") == {"cup": CUP}
    assert complements(app, "cup") == {}, "nothing completes itself"
    assert prepare(app, "--yes") == "north: every product is prepared.\n"
    assert len(model.requests) == NORTH


def test_every_call_is_in_the_journal_and_counted(app: Flask) -> None:
    prepare(app, "--yes")
    assert {(call.purpose, call.cart_id, call.prompt_version, call.outcome) for call in calls(app)} == {
        ("complements", None, "prepare-1", "ok")
    }
    assert calls(app)[0].suggestions == [{"product_id": "cup", "explanation": CUP}]
    with app.app_context(), tenant_context("north"):
        assert [(row.calls, row.tokens) for row in db.session.scalars(select(LlmUsage))] == [(NORTH, NORTH * 760)]


def test_several_are_asked_at_a_time(asking: Callable[..., Flask], model: ModelServer) -> None:
    model.behave = completes({"cup": CUP})
    assert "6 products prepared" in prepare(asking(UPSELL_IN_FLIGHT="4"), "--yes")
    assert len(set(about(model))) == NORTH


def test_it_costs_nothing_before_it_was_agreed_to(asking: Callable[..., Flask], model: ModelServer) -> None:
    app = asking(UPSELL_PRICES="gpt-5.4-mini=0.25/2.00")
    said = prepare(app, answer="n\n")
    assert "6 products, once each: gpt-5.4-mini, about" in said
    assert "USD" in said
    assert model.requests == []
    prepare(app, "--limit", "2", answer="y\n")
    assert len(model.requests) == 2


def test_only_this_shops_goods_are_named(app: Flask, model: ModelServer) -> None:
    prepare(app, "--yes")
    asked = "".join(request.prompt for request in model.requests)
    for foreign in ("Fountain Pen", "Night Ink", "South", "Writing", "Paper"):
        assert foreign not in asked.replace("paper filters", "")
    first = next(request for request in model.requests if request.data["product"]["name"] == "Dawn Beans")
    assert {one["product_id"] for one in first.data["other_products"]} == {"pot", "cup", "filter", "honey", "shared"}
    assert sorted(first.data["categories"]) == ["Brewers", "Coffee", "Pantry", "Tableware"]
    assert "<b>" in first.prompt, "texts are data"
    assert first.prompt.count("<<<DATA") == 2, "the instruction's and the block's"
    assert first.body["response_format"]["json_schema"]["strict"] is True


def test_after_a_fault_it_goes_on_where_it_was(app: Flask, model: ModelServer) -> None:
    def tires(exchange: Exchange) -> None:
        (completes({"cup": CUP}) if len(model.requests) <= 1 else fails(500))(exchange)

    model.behave = tires
    said = prepare(app, "--yes")
    assert "1 product prepared" in said
    assert "Without an answer: http_500 5." in said
    assert "5 products left for the next run, because the model failed 5 times in a row." in said
    first = about(model)[0]
    model.behave = completes({"cup": CUP})
    model.requests.clear()
    assert "5 products prepared" in prepare(app, "--yes")
    assert first not in about(model)
    assert len(about(model)) == 5


def test_ctrl_c_loses_nothing_that_was_paid_for(
    asking: Callable[..., Flask], model: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = asking(UPSELL_IN_FLIGHT="3")
    model.behave = completes({"cup": CUP})
    pressed: list[int] = []

    @contextmanager
    def bar(_label: str, _length: int) -> Iterator[Callable[[int], None]]:
        def step(many: int) -> None:
            pressed.append(many)
            if len(pressed) == 1:
                raise KeyboardInterrupt

        yield step

    monkeypatch.setattr(commands, "progress_bar", bar)
    said = prepare(app, "--yes")
    assert len(calls(app)) == len(model.requests) == 3
    assert "3 products prepared" in said
    assert "3 products left for the next run, because it was interrupted." in said
    prepare(app, "--yes")
    assert len(set(about(model))) == len(model.requests) == NORTH


@contextmanager
def interrupted_at_the_third(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Somebody presses Ctrl-C while the third answer is waited for."""
    wait, waits = batch.wait, list[int]()  # type: ignore[attr-defined]

    def pressed(*wanted: Any, **more: Any) -> Any:
        waits.append(1)
        if len(waits) == 3:
            raise KeyboardInterrupt
        return wait(*wanted, **more)

    with monkeypatch.context() as patch:
        patch.setattr(batch, "wait", pressed)
        yield


def test_ctrl_c_does_not_wait_for_a_call_that_hangs_and_writes_it_down(
    app: Flask, model: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def third_hangs(exchange: Exchange) -> None:
        answer = hangs if len(model.requests) == 3 else completes({"cup": CUP})
        answer(exchange)

    model.behave = third_hangs
    start = time.monotonic()
    with interrupted_at_the_third(monkeypatch):
        said = prepare(app, "--yes")
    assert time.monotonic() - start < complement_prompt.TIMEOUT_SECONDS / 4
    assert "because it was interrupted." in said
    assert [call.outcome for call in calls(app)] == ["ok", "ok", "shutting_down"]
    with app.app_context(), tenant_context("north"):
        (use,) = db.session.scalars(select(LlmUsage))
        assert use.calls == 3
        assert use.tokens == 2 * 760 + calls(app)[-1].prompt_tokens


def test_a_server_without_schemas_prepares_too(app: Flask, model: ModelServer) -> None:
    def in_a_fence(exchange: Exchange) -> None:
        products = [{"product_id": "cup", "why": CUP}, {"product_id": "made up", "why": CUP}]
        says(f"Sure!\n```json\n{json.dumps({'products': products})}\n```")(exchange)

    error = {"error": {"message": "Bad request"}}
    model.behave = Picky(400, lambda _: error, formats=(None,), limits=("max_tokens",), then=in_a_fence)
    assert "6 products prepared; dropped from answers: unknown_product 7" in prepare(app, "--yes"), "itself is unknown"
    assert complements(app, "beans") == {"cup": CUP}
    assert len(model.requests) == NORTH + 3, "what it takes was found out at the first product"
    assert {call.outcome for call in calls(app)} == {"ok"}


def test_changed_texts_are_asked_about_again(app: Flask, model: ModelServer) -> None:
    prepare(app, "--yes")
    model.requests.clear()
    model.behave = completes({"pot": "The pot is for the beans."})
    changed = {"id": "beans", "name": "Dusk Beans", "category": "Coffee", "price": "18.50", "stock": 1}
    with app.app_context():
        shop = {"id": "north", "name": "North", "currency": "EUR", "products": [changed]}
        import_catalog(json.dumps({"tenants": [shop]}).encode(), True)
    prepare(app, "--yes")
    assert about(model) == ["Dusk Beans"]
    assert complements(app, "beans") == {"pot": "The pot is for the beans."}, "in the place of the old ones"
    assert complements(app, "honey") == {"cup": CUP}


def test_the_days_budget_stops_it(asking: Callable[..., Flask], model: ModelServer) -> None:
    model.behave = completes({"cup": CUP})
    app = asking(UPSELL_BUDGET="100/4600 tokens", UPSELL_IN_FLIGHT="1")
    said = prepare(app, "--yes")
    assert len(model.requests) == 3, "760 tokens each, and room for the about 2,750 that the next one can use"
    assert "3 products prepared" in said
    assert "3 products left for the next run, because the day's budget is used up." in said
    assert "0 products prepared" in prepare(app, "--yes")
    assert len(model.requests) == 3


def test_faulty_answers_are_dropped_and_counted(app: Flask, model: ModelServer) -> None:
    products = [
        {"product_id": "pen", "why": "Of another shop."},
        {"product_id": "beans", "why": "Itself."},
        {"product_id": "cup", "why": "Now only 3 € for you."},
        {"product_id": "cup", "why": CUP},
        {"product_id": "pot", "why": "See www.example.com for more."},
        {"product_id": "honey", "why": "Honey sweetens the cup."},
        {"product_id": "shared", "why": "Both are used or enjoyed together with it, not alone."},
        "not even an entry",
    ]
    categories = [{"category": kind, "why": "They go together."} for kind in ("Writing", "Brewers", "Brewers")]
    model.behave = says(json.dumps({"products": products, "categories": categories}))
    said = prepare(app, "--yes", "--limit", "1")
    assert complements(app, "beans") == {
        "cup": "",
        "pot": "",
        "honey": "Honey sweetens the cup.",
        "shared": "",
        "Brewers": "They go together.",
    }
    assert calls(app)[0].rejections == {
        "unknown_product": 3,
        "price": 1,
        "repeat": 2,
        "link": 1,
        "prompt": 1,
        "unknown_category": 1,
    }
    assert "unknown_product 3" in said


@pytest.mark.parametrize("content", ['"words"', "[]", "{}", '{"products": {}}'])
def test_an_answer_of_another_shape_is_dropped(app: Flask, model: ModelServer, content: str) -> None:
    model.behave = says(content)
    assert "dropped from answers: shape 1" in prepare(app, "--yes", "--limit", "1")


def test_no_more_than_six_products_and_three_categories(app: Flask, model: ModelServer) -> None:
    stock(app, [{"id": f"x{i}", "name": f"xxx{i}", "category": f"X{i}"} for i in range(8)])
    model.behave = completes({f"x{i}": "Good with it." for i in range(8)}, {f"X{i}": "Good with it." for i in range(8)})
    prepare(app, "--yes", "--limit", "1")
    assert list(calls(app)[0].rejections) == ["too_many"]
    assert len(complements(app, "beans")) == 9


# --- what the engine makes of it --------------------------------------------------------------------------------------


def test_what_was_prepared_is_suggested_before_anything_was_bought(app: Flask, model: ModelServer) -> None:
    stock(app, [{"id": "odd", "name": "Umbrella"}])
    shopper = Person(app.test_client(), "north")
    assert "cup" not in rules_suggest(app, shopper, "odd")
    model.behave = completes({"cup": CUP}, {"Pantry": PANTRY})
    prepare(app, "--yes")
    found = rules_suggest(app, shopper, "odd")
    assert next(iter(found)) == "cup", "a product is worth more than a category"
    assert found["cup"] == CUP
    assert found["honey"] == PANTRY


def test_a_handful_of_orders_outweighs_it(app: Flask, model: ModelServer) -> None:
    stock(app, [{"id": "odd", "name": "Umbrella", "stock": 99}])
    shopper = Person(app.test_client(), "north")
    prepare(app, "--yes")
    assert next(iter(rules_suggest(app, shopper, "odd"))) == "cup"
    for _ in range(4):
        shopper.checkout(shopper.cart(odd=1, pot=1))
    teach(app)
    found = rules_suggest(app, shopper, "odd")
    assert list(found)[:2] == ["pot", "cup"]
    assert found["pot"] == "Often bought together with your Umbrella: 4 orders so far."
    assert found["cup"] == CUP


def test_where_nothing_is_prepared_nothing_is_asked_of_the_database(app: Flask) -> None:
    shopper = Person(app.test_client(), "north")
    cart_id = shopper.cart(beans=1)

    def statements() -> list[str]:
        seen: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            seen.append(statement)

        event.listen(Engine, "before_cursor_execute", note)
        try:
            suggested(shopper, cart_id)
        finally:
            event.remove(Engine, "before_cursor_execute", note)
        return [statement for statement in seen if statement.startswith("SELECT complement.")]

    assert statements() == []
    prepare(app, "--yes")
    assert len(statements()) == 1


def rules_suggest(app: Flask, person: Person, product_id: str) -> dict[str, str]:
    """What the rules suggest with this product, in their order."""
    with app.app_context(), tenant_context(person.shop):
        tenant = registry().all()[person.shop]
        found = select_top(find_candidates_by_id(tenant, [product_id]).candidates, tenant.upsell)
        return {one.product_id: one.explanation for one in found}


def test_each_shop_has_its_own(app: Flask, model: ModelServer) -> None:
    """Both sell a product with the id `shared`; a shop with one product has nothing to prepare."""
    model.behave = completes({"honey": "Honey goes with it.", "ink": "Ink goes with it."})
    result = app.test_cli_runner().invoke(args=["upsell", "prepare", "--yes"])
    assert result.exit_code == 0, result.output
    assert "far-east: every product is prepared." in result.output
    with app.app_context():
        for shop, other in (("north", "honey"), ("south", "ink")):
            with tenant_context(shop):
                rows = db.session.scalars(select(Complement).where(Complement.product_id == "shared"))
                assert [row.complement_product_id for row in rows] == [other]
    assert "ink" not in rules_suggest(app, Person(app.test_client(), "north"), "shared")
