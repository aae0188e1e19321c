"""Checkout and orders in the JSON API."""

import re
from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import select

from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.events.models import Event
from tests.api_contract import ORDER, PLACED, assert_problem, assert_shape, holdings, steps
from tests.conftest import Person
from tests.factories import change_product
from tests.tenants.factories import every_row


def test_checkout_turns_a_cart_into_an_order(shopper: Person):
    cart = shopper.cart(cup=1, beans=2)
    shopper.api("PUT", f"/carts/{cart}/promo", {"code": "summer10"})
    answer = shopper.checkout(cart)
    assert answer.status_code == 201
    assert_shape(answer.json, PLACED)
    order = answer.json
    assert (order["status"], order["email"], order["name"]) == ("placed", "ada@example.com", "Ada")
    assert steps(order) == (5100, 510, 918, 5508)
    assert order["promo_code"] == "SUMMER10"
    assert [(line["product_id"], line["name"], line["quantity"]) for line in order["items"]] == [
        ("cup", "Stone Cup", 1),
        ("beans", "Dawn Beans", 2),
    ]
    assert order["items"][1]["unit_price"] == {"amount": 1850, "currency": "EUR"}
    assert order["items"][1]["line_total"] == {"amount": 3700, "currency": "EUR"}
    assert order["items"][1]["from_upsell"] is False
    assert (shopper.stock("beans"), shopper.stock("cup")) == (98, 2)


def test_order_has_its_own_url(shopper: Person):
    answer = shopper.checkout(shopper.cart(beans=1))
    placed = answer.json
    assert answer.headers["Location"] == f"/t/north/api/v1/orders/{placed['id']}"
    order = shopper.client.get(answer.headers["Location"])
    assert order.status_code == 200
    assert_shape(order.json, ORDER)
    del placed["upsell"]
    assert order.json == placed
    assert len(placed["id"]) >= 20, "the id is guessable, and grants access to the order"


def test_unknown_order_is_a_404(shopper: Person):
    for unknown_id in ("nosuch", "A" * 22, "x" * 500, "%00", "%F0%9F%90%9D"):
        assert_problem(shopper.api("GET", f"/orders/{unknown_id}"), 404)
    number = shopper.checkout(shopper.cart(beans=1)).json["number"]
    assert_problem(shopper.api("GET", f"/orders/{number}"), 404)


def test_creation_time_is_rfc_3339_in_utc(shopper: Person):
    before = datetime.now(UTC)
    created = shopper.checkout(shopper.cart(beans=1)).json["created_at"]
    after = datetime.now(UTC)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)", created)
    assert before.replace(microsecond=0) <= datetime.fromisoformat(created) <= after


def test_order_numbers_are_short_unique_and_not_sequential(shopper: Person):
    numbers = [shopper.checkout(shopper.cart(beans=1)).json["number"] for _ in range(30)]
    assert len(set(numbers)) == 30
    assert all(len(number) <= 12 and re.fullmatch(r"[0-9A-Z-]+", number) for number in numbers)
    assert sorted(numbers) != numbers
    assert sorted(numbers, reverse=True) != numbers
    assert len({number[0] for number in numbers}) > 1
    assert len({number[-1] for number in numbers}) > 1


def test_order_keeps_names_and_prices_of_the_purchase(app: Flask, shopper: Person):
    order = shopper.checkout(shopper.cart(beans=2)).json
    del order["upsell"]
    change_product(app, "north", "beans", price=1, name="Something else", stock=0)
    assert shopper.api("GET", f"/orders/{order['id']}").json == order
    page = shopper.get(f"/orders/{order['id']}").text
    assert "Dawn Beans" in page
    assert "€44.40" in page
    assert "Something else" not in page


def test_order_has_the_price_at_checkout(app: Flask, shopper: Person):
    cart = shopper.cart(beans=2)
    change_product(app, "north", "beans", price=1000)
    assert steps(shopper.checkout(cart).json) == (2000, 0, 400, 2400)


def test_checkout_records_events(app: Flask, shopper: Person):
    order = shopper.checkout(shopper.cart(cup=1, beans=2)).json
    with app.app_context(), tenant_context("north"):
        events = db.session.scalars(select(Event).order_by(Event.id)).all()
        recorded = {(event.type, event.subject) for event in events}
        assert recorded == {("order.placed", order["id"]), ("stock.changed", "beans"), ("stock.changed", "cup")}
        stock = {event.subject: event.data["stock"] for event in events if event.type == "stock.changed"}
        assert stock == {"beans": 98, "cup": 2}
    assert not every_row(app, "south")["event"]


def test_no_order_is_placed_if_its_events_cannot_be_recorded(
    app: Flask, shopper: Person, monkeypatch: pytest.MonkeyPatch
):
    def fail(_events: object) -> None:
        raise RuntimeError("events can't be recorded")

    cart = shopper.cart(beans=2)
    before = every_row(app, "north")
    with monkeypatch.context() as patch:
        patch.setattr("storefront.orders.actions.record_events", fail)
        assert_problem(shopper.checkout(cart, key="k"), 500)
    assert every_row(app, "north") == before
    assert shopper.checkout(cart, key="k").status_code == 201
    assert shopper.stock("beans") == 98


def test_ordered_cart_has_the_status_ordered(shopper: Person):
    cart = shopper.cart(beans=2)
    shopper.checkout(cart)
    shown = shopper.api("GET", f"/carts/{cart}").json
    assert (shown["status"], holdings(shown)) == ("ordered", {"beans": 2})


def test_whole_stock_can_be_bought(shopper: Person):
    assert shopper.checkout(shopper.cart(cup=3)).status_code == 201
    assert shopper.stock("cup") == 0
    assert shopper.api("GET", f"/carts/{shopper.cart(cup=1)}").json["items"][0]["available"] is False


def test_order_is_in_the_currency_of_the_shop(app: Flask, shopper: Person, stranger: Person):
    east = Person(app.test_client(), "far-east")
    assert steps(stranger.checkout(stranger.cart(ink=2)).json) == (2900, 0, 264, 2900)
    order = east.checkout(east.cart(tea=3)).json
    assert steps(order) == (3750, 0, 0, 3750)
    assert order["total"]["currency"] == "KWD"
