"""Repeating a checkout returns the same order: by its cart, or by its Idempotency-Key."""

import pytest
from flask import Flask

from tests.api_contract import PLACED, assert_problem, assert_shape
from tests.conftest import Person
from tests.factories import change_product
from tests.tenants.factories import every_row


def test_the_same_cart_again_is_the_same_order(shopper: Person):
    cart = shopper.cart(beans=2)
    first = shopper.checkout(cart)
    for more in ({}, {"key": "k"}, {"name": "Somebody else"}, {"expected_total": 1}):
        again = shopper.checkout(cart, **more)
        assert again.status_code == 200
        assert again.json["id"] == first.json["id"]
        assert again.headers["Location"] == first.headers["Location"]
        assert_shape(again.json, PLACED)
    assert shopper.stock("beans") == 98


def test_the_same_key_again_is_the_same_order_as_a_200(app: Flask, shopper: Person):
    cart = shopper.cart(beans=2)
    first = shopper.checkout(cart, key="k")
    assert first.status_code == 201
    change_product(app, "north", "beans", price=1)
    before = every_row(app, "north")
    again = shopper.checkout(cart, key="k")
    assert again.status_code == 200
    assert_shape(again.json, PLACED)
    assert {**again.json, "upsell": None} == {**first.json, "upsell": None}
    assert again.headers["Location"] == first.headers["Location"]
    assert every_row(app, "north") == before


def test_the_same_key_with_another_request_is_refused(app: Flask, shopper: Person):
    cart, other = shopper.cart(beans=2), shopper.cart(beans=2)
    assert shopper.checkout(cart, key="k", expected_total=4440).status_code == 201
    before = every_row(app, "north")
    for changed in ({"name": "Bea", "expected_total": 4440}, {"email": "b@example.com", "expected_total": 4440}, {}):
        assert_problem(shopper.checkout(cart, key="k", **changed), 422, field="Idempotency-Key")
    assert_problem(shopper.checkout(other, key="k", expected_total=4440), 422, field="Idempotency-Key")
    assert every_row(app, "north") == before
    assert shopper.checkout(cart, key="k", expected_total=4440).status_code == 200
    assert shopper.checkout(other, key="another").status_code == 201


def test_the_key_of_a_second_key_is_not_taken(shopper: Person):
    """A second key on a cart that was ordered finds its order, and stays free for a cart of its own."""
    cart = shopper.cart(beans=1)
    first = shopper.checkout(cart, key="one").json["id"]
    assert shopper.checkout(cart, key="two").json["id"] == first
    other = shopper.checkout(shopper.cart(beans=1), key="two")
    assert other.status_code == 201
    assert other.json["id"] != first


def test_keys_are_exact(shopper: Person):
    ids = {
        shopper.checkout(shopper.cart(beans=1), key=key).json["id"] for key in ("a", "A", "a a", '"a"', "a.", "0" * 255)
    }
    assert len(ids) == 6


@pytest.mark.parametrize("key", ["", "x" * 256, "ünï", "a\tb", "\x7f"])
def test_a_key_that_is_none_is_refused(shopper: Person, key: str):
    cart = shopper.cart(beans=1)
    body = {"email": "ada@example.com", "name": "Ada"}
    headers = {"HTTP_IDEMPOTENCY_KEY": key.encode().decode("latin-1")}
    answer = shopper.api("POST", f"/carts/{cart}/checkout", body, environ_overrides=headers)
    assert_problem(answer, 422, field="Idempotency-Key")
    assert shopper.stock("beans") == 100
    assert shopper.checkout(cart, key="a good one").status_code == 201


def test_a_refused_checkout_keeps_no_key(app: Flask, shopper: Person):
    cart = shopper.cart(cup=4)
    before = every_row(app, "north")
    assert_problem(shopper.checkout(cart, key="k"), 409, "out-of-stock")
    assert_problem(shopper.checkout(cart, key="k", name=""), 422, field="name")
    assert_problem(shopper.checkout(shopper.cart(), key="k"), 409, "cart-empty")
    assert every_row(app, "north")["orders"] == before["orders"] == []
    other = shopper.checkout(shopper.cart(beans=1), key="k", name="Bea")
    assert other.status_code == 201


def test_an_order_without_a_key_lends_none(shopper: Person):
    orders = {shopper.checkout(shopper.cart(beans=1)).json["id"] for _ in range(3)}
    assert len(orders) == 3
