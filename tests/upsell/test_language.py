"""The model is asked in the shopper's language, ahead of time and at checkout alike; the rules speak it too."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from flask import Flask

from storefront.upsell import jobs
from tests.concurrency import comes_true
from tests.conftest import Person
from tests.factories import put_up, tenant
from tests.upsell.conftest import PATIENT_TIMINGS, calls, stock
from tests.upsell.model_server import ModelServer

GERMAN = {"Accept-Language": "de-DE, en;q=0.5"}
POT = {"id": "pot", "name": {"en": "Café Pot", "de": "Kaffeekanne"}, "price": "46.00", "tags": ["espresso"]}


@pytest.fixture
def awake(asking: Callable[..., Flask]) -> Iterator[Flask]:
    app = asking(replace(PATIENT_TIMINGS, prefetch_debounce=0.05))
    jobs.start(app)
    yield app
    jobs.stop(app)


def test_what_was_asked_ahead_is_what_the_checkout_asks(awake: Flask, model: ModelServer):
    ada = Person(awake.test_client(), "north")
    ada.post("/cart/items", {"product_id": "beans"}, headers=GERMAN)
    assert comes_true(lambda: [call for call in calls(awake) if call.outcome == "ok"])
    panel = ada.get("/checkout/upsell", headers=GERMAN).text
    assert "It goes with this cart" in panel
    asked = calls(awake)
    assert [call.language for call in asked] == ["de"], "and not once more at checkout"
    assert "Write the sentences in German (de)." in asked[0].prompt


def test_products_are_asked_about_by_the_names_that_the_checkout_shows(awake: Flask, model: ModelServer):
    brush = {"id": "brush", "name": {"ja": "筆", "en": "Brush"}, "price": "900", "stock": 9, "tags": ["ink"]}
    put_up(awake, tenant("south", brush, currency="JPY", locale="ja-JP"))
    reads = {"Accept-Language": "fr, ja;q=0.5"}
    ada = Person(awake.test_client(), "south")
    ada.post("/cart/items", {"product_id": "brush"}, headers=reads)
    assert comes_true(lambda: [call for call in calls(awake, "south") if call.outcome == "ok"])
    panel = ada.get("/checkout/upsell", headers=reads).text
    assert "It goes with this cart" in panel
    asked = [(call.language, "筆" in call.prompt, "Brush" in call.prompt) for call in calls(awake, "south")]
    assert asked == [("fr", True, False)], "and not once more at checkout"


def test_programs_are_answered_in_the_language_they_ask_for(asking: Callable[..., Flask]):
    app = asking()
    ada = Person(app.test_client(), "north")
    cart = ada.cart(beans=1)
    for headers in ({}, GERMAN, {"Accept-Language": "uk"}, {}):
        assert ada.api("GET", f"/carts/{cart}/upsell", headers=headers).status_code == 200
    assert [call.language for call in calls(app)] == ["en", "de", "uk"]


def test_the_rules_say_why_in_the_shoppers_language(app: Flask, shopper: Person):
    put_up(app, tenant("north", POT | {"stock": 9}, locale="en-IE"), refresh=True)
    stock(app, [{"id": "spoon", "name": "Spoon", "tags": ["beans"]}])
    cart = shopper.cart(beans=1)

    def said(**headers: str) -> str:
        return str(shopper.api("GET", f"/carts/{cart}/upsell", headers=headers).text)

    assert "like your Dawn Beans." in said()
    german = shopper.api("GET", f"/carts/{cart}/upsell", headers=GERMAN).json["suggestions"]
    assert {one["product"]["name"] for one in german} & {"Kaffeekanne", "Spoon"}
    for one in german:
        assert "in Ihrem Warenkorb" in one["explanation"], one
    shopper.post("/cart/items", {"product_id": "beans"})
    assert "у вашому кошику." in shopper.get("/checkout/upsell", headers={"Accept-Language": "uk"}).text
