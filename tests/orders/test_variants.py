"""Carts and orders of variants: each has its own stock, and an order keeps what was chosen."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.events.models import Event
from storefront.orders.fulfilment import cancel_order
from tests.api_contract import CART, ORDER, assert_problem, assert_shape
from tests.catalog.test_variants import sums
from tests.catalog.variants import open_wear, tee, variant
from tests.concurrency import at_once, people
from tests.conftest import Person


def cart_of(person: Person, *variant_ids: str, quantity: int = 1) -> str:
    items = [{"variant_id": id, "quantity": quantity} for id in variant_ids]
    answer = person.api("POST", "/carts", {"items": items})
    assert answer.status_code == 201, answer.text
    return str(answer.json["id"])


def stock(person: Person) -> dict[str, int]:
    found: Any = person.api("GET", "/products/tee").json
    return {one["id"]: one["stock"] for one in found["variants"]} | {"tee": found["stock"]}


def test_a_cart_has_a_line_for_each_variant(app: Flask):
    shopper = open_wear(app)
    cart = shopper.api("GET", f"/carts/{cart_of(shopper, 'tee-red-s', 'tee-blue-s', quantity=2)}").json
    assert_shape(cart, CART)
    assert [(one["variant_id"], one["options"], one["line_total"]["amount"]) for one in cart["items"]] == [
        ("tee-red-s", ["Red", "S"], 4000),
        ("tee-blue-s", ["Blue", "S"], 4400),
    ]


def test_lines_are_changed_by_the_variants_id(app: Flask):
    shopper = open_wear(app)
    cart = cart_of(shopper, "tee-red-s")
    both = {"product_id": "tee", "variant_id": "tee-blue-s", "quantity": 1}
    assert shopper.api("POST", f"/carts/{cart}/items", both).status_code == 200
    assert shopper.api("POST", f"/carts/{cart}/items", both).status_code == 200
    assert shopper.api("PUT", f"/carts/{cart}/items/tee-red-s", {"quantity": 4}).status_code == 200
    found = shopper.api("GET", f"/carts/{cart}").json["items"]
    assert {one["variant_id"]: one["quantity"] for one in found} == {"tee-red-s": 4, "tee-blue-s": 2}
    left = shopper.api("DELETE", f"/carts/{cart}/items/tee-red-s").json["items"]
    assert [one["variant_id"] for one in left] == ["tee-blue-s"]
    assert shopper.api("PUT", f"/carts/{cart}/items/tee", {"quantity": 1}).status_code == 404


@pytest.mark.parametrize(
    ("item", "status", "field"),
    [
        ({"product_id": "tee"}, 422, "variant_id"),
        ({"product_id": "sock", "variant_id": "tee-red-s"}, 422, "variant_id"),
        ({}, 422, "product_id"),
        ({"variant_id": ""}, 422, "variant_id"),
        ({"variant_id": "tee-red-xl"}, 404, ""),
        ({"product_id": "hat"}, 404, ""),
    ],
)
def test_what_is_not_a_choice_is_refused(app: Flask, item: dict[str, str], status: int, field: str):
    shopper = open_wear(app)
    cart = cart_of(shopper, "tee-red-s")
    sent = {**item, "quantity": 1}
    problem = assert_problem(shopper.api("POST", f"/carts/{cart}/items", sent), status, field=field)
    assert len(problem.get("errors", ())) == (status == 422), "an error of the other field, which may be left out"
    refused = shopper.api("POST", "/carts", {"items": [sent]})
    by_schema = field == "product_id" or "" in item.values()
    assert_problem(refused, status, field=f"items.0.{field}" if by_schema else field)
    assert len(shopper.api("GET", f"/carts/{cart}").json["items"]) == 1


def test_the_only_variant_needs_no_choice(app: Flask):
    shopper = open_wear(app, tee(variant("tee-red-s", "Red", "S")))
    cart = shopper.api("POST", "/carts", {"items": [{"product_id": "tee", "quantity": 1}]})
    assert cart.json["items"][0]["variant_id"] == "tee-red-s"


def test_an_order_takes_the_variants_stock_and_keeps_what_was_chosen(app: Flask):
    shopper = open_wear(app)
    placed = shopper.checkout(cart_of(shopper, "tee-red-s", "tee-blue-s", quantity=2))
    assert placed.status_code == 201, placed.text
    assert stock(shopper) == {"tee-red-s": 1, "tee-red-m": 0, "tee-blue-s": 3, "tee": 4}
    open_wear(app, tee(variant("tee-blue-s", "Blue", "S", price="1.00")), refresh=True)
    order = shopper.api("GET", f"/orders/{placed.json['id']}").json
    assert_shape(order, ORDER)
    assert [(one["variant_id"], one["options"], one["unit_price"]["amount"]) for one in order["items"]] == [
        ("tee-red-s", ["Red", "S"], 2000),
        ("tee-blue-s", ["Blue", "S"], 2200),
    ]


def test_a_cancelled_order_gives_each_variant_back(app: Flask):
    shopper = open_wear(app)
    order = shopper.checkout(cart_of(shopper, "tee-red-s", "tee-blue-s")).json["id"]
    open_wear(app, tee(variant("tee-red-s", "Red", "S"), variant("tee-red-m", "Red", "M")), refresh=True)
    with app.app_context(), tenant_context("wear"):
        cancel_order(order)
    assert stock(shopper) == {"tee-red-s": 3, "tee-red-m": 0, "tee": 3}, "the blue one isn't sold any more"
    open_wear(app, refresh=True)
    assert stock(shopper) == {"tee-red-s": 3, "tee-red-m": 0, "tee-blue-s": 5, "tee": 8}


def test_events_name_the_variant(app: Flask):
    shopper = open_wear(app)
    shopper.checkout(shopper.cart(sock=1))
    shopper.checkout(cart_of(shopper, "tee-red-s"))
    with app.app_context(), tenant_context("wear"):
        told = db.session.scalars(select(Event).where(Event.type == "stock.changed").order_by(Event.id)).all()
    assert [(one.subject, one.data) for one in told] == [
        ("sock", {"stock": 999}),
        ("tee", {"stock": 2, "variant_id": "tee-red-s"}),
    ]


def test_twenty_shoppers_for_the_last_of_two_variants_in_opposite_order(app: Flask):
    """Half of the carts have the one first, the other half the other; whoever gets one gets both. The race is repeated
    until carts of both kinds have won it."""
    shopper = open_wear(app, tee(variant("a", "Red", "S", stock=1), variant("b", "Blue", "S", stock=1)))
    winners: set[tuple[str, ...]] = set()
    for attempt in range(20):
        orders_of_lines = [("a", "b") if (i + attempt) % 2 else ("b", "a") for i in range(20)]
        carts = [cart_of(shopper, *lines) for lines in orders_of_lines]
        acts = [partial(who.checkout, cart) for who, cart in zip(people(app, 20, "wear"), carts, strict=True)]
        answers = at_once(acts)
        assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 19}
        assert stock(shopper) == {"a": 0, "b": 0, "tee": 0}
        assert sums(app, "tee")[1:] == (0, 0)
        (won,) = (i for i, answer in enumerate(answers) if answer.status_code == 201)
        winners.add(orders_of_lines[won])
        if len(winners) == 2:
            break
        with app.app_context(), tenant_context("wear"):
            cancel_order(answers[won].json["id"])
    assert winners == {("a", "b"), ("b", "a")}


def test_orders_cancellations_and_an_update_at_once_keep_the_sum(app: Flask):
    shopper = open_wear(app, tee(variant("a", "Red", "S", stock=50), variant("b", "Blue", "S", stock=50)))
    orders = [shopper.checkout(cart_of(shopper, "a", "b")).json["id"] for _ in range(5)]
    carts = [cart_of(shopper, "a", "b") for _ in range(10)]

    changed = tee(variant("a", "Red", "S", price="9.00"), variant("c", "Red", "M", stock=7))

    def cancel(order_id: str) -> None:
        with app.app_context(), tenant_context("wear"):
            cancel_order(order_id)

    acts: list[Callable[[], object]] = [
        *(partial(who.checkout, cart) for who, cart in zip(people(app, 10, "wear"), carts, strict=True)),
        *(partial(cancel, order) for order in orders),
        partial(open_wear, app, changed, refresh=True),
    ]
    at_once(acts)
    price, total, of_variants = sums(app, "tee")
    assert (price, total) == (900, of_variants)
