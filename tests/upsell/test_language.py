"""Prefetch, checkout and rules use the shopper's language."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from flask import Flask

from storefront.upsell import jobs
from tests.concurrency import eventually
from tests.conftest import Person
from tests.factories import import_tenants, tenant
from tests.upsell.conftest import GENEROUS_TIMINGS, add_products, stored_calls
from tests.upsell.model_server import ModelServer

GERMAN = {"Accept-Language": "de-DE, en;q=0.5"}
POT = {"id": "pot", "name": {"en": "Café Pot", "de": "Kaffeekanne"}, "price": "46.00", "tags": ["espresso"]}


@pytest.fixture
def serving_app(make_llm_app: Callable[..., Flask]) -> Iterator[Flask]:
    """An app with a model and running background jobs."""
    app = make_llm_app(replace(GENEROUS_TIMINGS, prefetch_debounce=0.05))
    jobs.start(app)
    yield app
    jobs.stop(app)


def test_checkout_reuses_the_prefetched_answer(serving_app: Flask, model: ModelServer):
    ada = Person(serving_app.test_client(), "north")
    ada.post("/cart/items", {"product_id": "beans"}, headers=GERMAN)
    assert eventually(lambda: [call for call in stored_calls(serving_app) if call.outcome == "ok"])
    panel = ada.get("/checkout/upsell", headers=GERMAN).text
    assert "It goes with this cart" in panel
    prefetched = stored_calls(serving_app)
    assert [call.language for call in prefetched] == ["de"], "checkout makes no second call"
    assert "Write the sentences in German (de)." in prefetched[0].prompt


def test_prompts_use_the_product_names_that_checkout_displays(serving_app: Flask, model: ModelServer):
    brush = {"id": "brush", "name": {"ja": "筆", "en": "Brush"}, "price": "900", "stock": 9, "tags": ["ink"]}
    import_tenants(serving_app, tenant("south", brush, currency="JPY", locale="ja-JP"))
    french = {"Accept-Language": "fr, ja;q=0.5"}
    ada = Person(serving_app.test_client(), "south")
    ada.post("/cart/items", {"product_id": "brush"}, headers=french)
    assert eventually(lambda: [call for call in stored_calls(serving_app, "south") if call.outcome == "ok"])
    panel = ada.get("/checkout/upsell", headers=french).text
    assert "It goes with this cart" in panel
    prefetched = [
        (call.language, "筆" in call.prompt, "Brush" in call.prompt) for call in stored_calls(serving_app, "south")
    ]
    assert prefetched == [("fr", True, False)], "checkout makes no second call"


def test_api_answers_follow_the_accept_language_header(make_llm_app: Callable[..., Flask]):
    app = make_llm_app()
    ada = Person(app.test_client(), "north")
    cart = ada.cart(beans=1)
    for headers in ({}, GERMAN, {"Accept-Language": "uk"}, {}):
        assert ada.api("GET", f"/carts/{cart}/upsell", headers=headers).status_code == 200
    assert [call.language for call in stored_calls(app)] == ["en", "de", "uk"]


def test_rule_explanations_are_in_the_shoppers_language(app: Flask, shopper: Person):
    import_tenants(app, tenant("north", POT | {"stock": 9}, locale="en-IE"), refresh=True)
    add_products(app, [{"id": "spoon", "name": "Spoon", "tags": ["beans"]}])
    cart = shopper.cart(beans=1)

    def response_text(**headers: str) -> str:
        return str(shopper.api("GET", f"/carts/{cart}/upsell", headers=headers).text)

    assert "like your Dawn Beans." in response_text()
    german = shopper.api("GET", f"/carts/{cart}/upsell", headers=GERMAN).json["suggestions"]
    assert {suggestion["product"]["name"] for suggestion in german} & {"Kaffeekanne", "Spoon"}
    for suggestion in german:
        assert "in Ihrem Warenkorb" in suggestion["explanation"], suggestion
    shopper.post("/cart/items", {"product_id": "beans"})
    assert "у вашому кошику." in shopper.get("/checkout/upsell", headers={"Accept-Language": "uk"}).text
