"""The cart in the JSON API."""

from urllib.parse import quote

import pytest
from flask import Flask

from tests.api_contract import CART, assert_problem, assert_shape, holdings, steps
from tests.conftest import Person
from tests.factories import change_product


def test_new_cart_is_empty_and_open_and_has_a_url(shopper: Person):
    answer = shopper.api("POST", "/carts", {})
    assert answer.status_code == 201
    assert_shape(answer.json, CART)
    cart = answer.json
    assert (cart["status"], cart["items"], cart["promo_code"], steps(cart)) == ("open", [], None, (0, 0, 0, 0))
    assert answer.headers["Location"] == f"/t/north/api/v1/carts/{cart['id']}"
    assert shopper.client.get(answer.headers["Location"]).json == cart


def test_cart_can_be_created_with_items(shopper: Person):
    items = [{"product_id": "beans", "quantity": 2}, {"product_id": "cup", "quantity": 1}]
    answer = shopper.api("POST", "/carts", {"items": items})
    assert answer.status_code == 201
    assert_shape(answer.json, CART)
    assert holdings(answer.json) == {"beans": 2, "cup": 1}
    line = answer.json["items"][0]
    assert line["product"] == shopper.api("GET", "/products/beans").json
    assert line["line_total"] == {"amount": 3700, "currency": "EUR"}
    assert line["available"] is True


def test_product_given_twice_becomes_one_line(shopper: Person):
    repeated = [{"product_id": "beans", "quantity": 2}, {"product_id": "beans", "quantity": 3}]
    assert holdings(shopper.api("POST", "/carts", {"items": repeated}).json) == {"beans": 5}
    too_many = [{"product_id": "beans", "quantity": 999}, {"product_id": "beans", "quantity": 1}]
    assert_problem(shopper.api("POST", "/carts", {"items": too_many}), 422)


def test_refused_cart_is_not_created_partially(shopper: Person):
    items = [{"product_id": "beans", "quantity": 1}, {"product_id": "nosuch", "quantity": 1}]
    assert_problem(shopper.api("POST", "/carts", {"items": items}), 404)


def test_cart_ids_are_unguessable_and_differ(shopper: Person):
    ids = {shopper.cart() for _ in range(20)}
    assert len(ids) == 20
    assert all(len(id) >= 20 for id in ids)


def test_adding_increases_the_existing_quantity(shopper: Person):
    cart = shopper.cart(beans=2)
    answer = shopper.api("POST", f"/carts/{cart}/items", {"product_id": "beans", "quantity": 3})
    assert answer.status_code == 200
    assert_shape(answer.json, CART)
    assert holdings(answer.json) == {"beans": 5}
    more = shopper.api("POST", f"/carts/{cart}/items", {"product_id": "cup", "quantity": 1})
    assert holdings(more.json) == {"beans": 5, "cup": 1}
    assert shopper.api("GET", f"/carts/{cart}").json == more.json


def test_put_sets_the_quantity_and_zero_removes_the_line(shopper: Person):
    cart = shopper.cart(beans=2, cup=1)
    assert holdings(shopper.api("PUT", f"/carts/{cart}/items/beans", {"quantity": 7}).json) == {"beans": 7, "cup": 1}
    assert holdings(shopper.api("PUT", f"/carts/{cart}/items/pot", {"quantity": 2}).json)["pot"] == 2
    assert holdings(shopper.api("PUT", f"/carts/{cart}/items/beans", {"quantity": 0}).json) == {"cup": 1, "pot": 2}
    again = shopper.api("PUT", f"/carts/{cart}/items/beans", {"quantity": 0})
    assert (again.status_code, holdings(again.json)) == (200, {"cup": 1, "pot": 2})


def test_removing_a_line_is_idempotent(shopper: Person):
    cart = shopper.cart(beans=2, cup=1)
    for _ in range(2):
        answer = shopper.api("DELETE", f"/carts/{cart}/items/beans")
        assert (answer.status_code, holdings(answer.json)) == (200, {"cup": 1})


def test_lines_keep_the_order_in_which_they_were_added(shopper: Person):
    cart = shopper.cart(pot=1, beans=1, honey=1)
    shopper.api("POST", f"/carts/{cart}/items", {"product_id": "cup", "quantity": 1})
    shopper.api("POST", f"/carts/{cart}/items", {"product_id": "pot", "quantity": 1})
    assert list(holdings(shopper.api("GET", f"/carts/{cart}").json)) == ["pot", "beans", "honey", "cup"]


CALLS = [
    ("GET", "/carts/{cart}", None),
    ("POST", "/carts/{cart}/items", {"product_id": "beans", "quantity": 1}),
    ("PUT", "/carts/{cart}/items/beans", {"quantity": 1}),
    ("DELETE", "/carts/{cart}/items/beans", None),
    ("PUT", "/carts/{cart}/promo", {"code": "SUMMER10"}),
    ("DELETE", "/carts/{cart}/promo", None),
    ("GET", "/carts/{cart}/upsell", None),
    ("POST", "/carts/{cart}/checkout", {"email": "ada@example.com", "name": "Ada"}),
]


@pytest.mark.parametrize("unknown_id", ["nosuch", "A" * 22, "x" * 500, "%00", "%F0%9F%90%9D"])
def test_unknown_cart_is_a_404(shopper: Person, unknown_id: str):
    for method, path, body in CALLS:
        assert_problem(shopper.api(method, path.format(cart=unknown_id), body), 404)
        assert shopper.api(method, path.format(cart=shopper.cart(beans=1)), body).status_code < 300


def test_product_of_no_or_another_shop_is_a_404(shopper: Person):
    cart = shopper.cart(cup=1)
    for product_id in ("nosuch", "pen", "BEANS", "beans ", "%", "' OR 1=1 --", "ünïcode", "\0", "a\0b"):
        item = {"product_id": product_id, "quantity": 1}
        assert_problem(shopper.api("POST", "/carts", {"items": [item]}), 404)
        assert_problem(shopper.api("POST", f"/carts/{cart}/items", item), 404)
        for method, body in (("PUT", {"quantity": 1}), ("PUT", {"quantity": 0}), ("DELETE", None)):
            assert_problem(shopper.api(method, f"/carts/{cart}/items/{quote(product_id)}", body), 404)
    assert holdings(shopper.api("GET", f"/carts/{cart}").json) == {"cup": 1}


def test_quantity_above_the_stock_is_allowed_and_marked_unavailable(shopper: Person):
    cart = shopper.api("GET", f"/carts/{shopper.cart(cup=4, filter=1, beans=1)}").json
    assert [item["available"] for item in cart["items"]] == [False, False, True]
    exactly = shopper.api("PUT", f"/carts/{cart['id']}/items/cup", {"quantity": 3}).json
    assert [item["available"] for item in exactly["items"]] == [True, False, True]


def test_availability_and_price_are_current(app: Flask, shopper: Person):
    cart = shopper.cart(cup=3)
    change_product(app, "north", "cup", stock=2, price=1500)
    now = shopper.api("GET", f"/carts/{cart}").json
    assert now["items"][0]["available"] is False
    assert now["items"][0]["product"]["stock"] == 2
    assert now["subtotal"]["amount"] == 4500


def test_ordered_cart_cannot_be_changed(shopper: Person):
    cart = shopper.cart(beans=1)
    changes = [call for call in CALLS[1:] if "upsell" not in call[1] and "checkout" not in call[1]]
    for method, path, body in changes:
        assert shopper.api(method, path.format(cart=cart), body).status_code == 200, path
    shopper.api("PUT", f"/carts/{cart}/items/beans", {"quantity": 2})
    assert shopper.checkout(cart).status_code == 201
    before = shopper.api("GET", f"/carts/{cart}").json
    assert (before["status"], holdings(before)) == ("ordered", {"beans": 2})
    for method, path, body in changes:
        assert_problem(shopper.api(method, path.format(cart=cart), body), 409, "cart-ordered")
    assert shopper.api("GET", f"/carts/{cart}").json["items"][0]["quantity"] == 2
