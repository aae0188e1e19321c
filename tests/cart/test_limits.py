"""Limits of a cart, and their error messages."""

from typing import Any

import pytest
from flask import Flask

from tests.api_contract import assert_problem, holdings
from tests.conftest import Person
from tests.factories import import_tenants, product, tenant

sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For requests that are refused before they reach the database."""
NOT_QUANTITIES = [-1, 1000, 10**30, 1.0, 2.5, True, False, "1", "", "many", None, [], [1], {}, -(2**63)]


def test_quantities_from_1_to_999_are_accepted(shopper: Person):
    for quantity in (1, 2, 998, 999):
        cart = shopper.cart(beans=quantity)
        assert holdings(shopper.api("GET", f"/carts/{cart}").json) == {"beans": quantity}
        other = shopper.cart()
        item = {"product_id": "beans", "quantity": quantity}
        assert holdings(shopper.api("POST", f"/carts/{other}/items", item).json) == {"beans": quantity}
        set_ = shopper.api("PUT", f"/carts/{other}/items/cup", {"quantity": quantity})
        assert holdings(set_.json)["cup"] == quantity


def test_other_quantities_are_refused(shopper: Person):
    cart = shopper.cart(beans=5)
    for quantity in [0, *NOT_QUANTITIES]:
        item = {"product_id": "beans", "quantity": quantity}
        assert_problem(shopper.api("POST", "/carts", {"items": [item]}), 422, field="items.0.quantity")
        assert_problem(shopper.api("POST", f"/carts/{cart}/items", item), 422, field="quantity")
    for quantity in NOT_QUANTITIES:
        answer = shopper.api("PUT", f"/carts/{cart}/items/beans", {"quantity": quantity})
        assert_problem(answer, 422, field="quantity")
    assert holdings(shopper.api("GET", f"/carts/{cart}").json) == {"beans": 5}


def test_adding_above_999_is_refused_and_changes_nothing(shopper: Person):
    cart = shopper.cart(beans=990)
    add = {"product_id": "beans", "quantity": 10}
    assert_problem(shopper.api("POST", f"/carts/{cart}/items", add), 422, field="quantity")
    assert holdings(shopper.api("GET", f"/carts/{cart}").json) == {"beans": 990}
    assert holdings(shopper.api("POST", f"/carts/{cart}/items", add | {"quantity": 9}).json) == {"beans": 999}


@pytest.fixture
def many_products(app: Flask) -> Person:
    """A shop with more products than the maximum number of lines in a cart."""
    import_tenants(app, tenant("wide", *(product(f"p{i}") for i in range(102))))
    return Person(app.test_client(), "wide")


def test_a_cart_has_at_most_a_hundred_lines(many_products: Person):
    cart = many_products.cart(**{f"p{i}": 1 for i in range(99)})
    assert len(holdings(many_products.api("PUT", f"/carts/{cart}/items/p99", {"quantity": 1}).json)) == 100
    assert_problem(many_products.api("POST", f"/carts/{cart}/items", {"product_id": "p100", "quantity": 1}), 422)
    assert_problem(many_products.api("PUT", f"/carts/{cart}/items/p100", {"quantity": 1}), 422)
    items = [{"product_id": f"p{i}", "quantity": 1} for i in range(101)]
    assert_problem(many_products.api("POST", "/carts", {"items": items}), 422, field="items")
    assert many_products.api("POST", "/carts", {"items": items[:100]}).status_code == 201
    assert (
        holdings(many_products.api("POST", f"/carts/{cart}/items", {"product_id": "p5", "quantity": 1}).json)["p5"] == 2
    )
    many_products.api("DELETE", f"/carts/{cart}/items/p5")
    assert many_products.api("POST", f"/carts/{cart}/items", {"product_id": "p100", "quantity": 1}).status_code == 200


def test_a_full_cart_can_be_ordered(many_products: Person):
    order = many_products.checkout(many_products.cart(**{f"p{i}": 999 for i in range(100)}))
    assert order.status_code == 201, order.text
    assert len(order.json["items"]) == 100
    assert order.json["total"]["amount"] == 999 * 100 * 100


BODIES: list[tuple[str, str, list[tuple[Any, str]]]] = [
    ("POST", "/carts", [
        ({"items": {}}, "items"), ({"items": "x"}, "items"), ({"items": None}, "items"), ({"items": [1]}, "items.0"),
        ({"items": [{}]}, "items.0.product_id"), ({"items": [{"product_id": "beans"}]}, "items.0.quantity"),
        ({"items": [{"product_id": 5, "quantity": 1}]}, "items.0.product_id"), ({"more": 1}, "more"),
    ]),
    ("POST", "/carts/{cart}/items", [
        ({}, "product_id"), ({}, "quantity"), ({"product_id": None, "quantity": 1}, "product_id"),
        ({"product_id": ["beans"], "quantity": 1}, "product_id"), ({"product_id": "", "quantity": 1}, "product_id"),
        ({"product_id": "x" * 65, "quantity": 1}, "product_id"), ([], "body"), ("beans", "body"), (5, "body"),
    ]),
    ("PUT", "/carts/{cart}/items/beans", [({}, "quantity"), ({"quantity": 1, "price": 1}, "price"), ([], "body")]),
    ("PUT", "/carts/{cart}/promo", [({}, "code"), ({"code": 5}, "code"), ({"code": None}, "code"), ([1], "body")]),
]  # fmt: skip


@sqlite_only
@pytest.mark.parametrize("method, path, cases", BODIES)
def test_invalid_body_is_refused_with_the_name_of_the_field(shopper: Person, method: str, path: str, cases: Any):
    cart = shopper.cart(cup=1)
    for body, field in cases:
        assert_problem(shopper.api(method, path.format(cart=cart), body), 422, field=field)
    assert holdings(shopper.api("GET", f"/carts/{cart}").json) == {"cup": 1}


def test_all_invalid_fields_are_named_in_one_response(shopper: Person):
    problem = assert_problem(shopper.api("POST", f"/carts/{shopper.cart()}/items", {"quantity": 0}), 422)
    assert {error["field"] for error in problem["errors"]} == {"product_id", "quantity"}


@sqlite_only
@pytest.mark.parametrize("body", [b"{", b"nothing", b'{"quantity": 1', b"\xff\xfe", b'{"quantity": NaN}', b"\0"])
def test_malformed_json_is_refused(shopper: Person, body: bytes):
    cart = shopper.cart(cup=1)
    for method, path in (("PUT", f"/carts/{cart}/items/cup"), ("POST", f"/carts/{cart}/items"), ("POST", "/carts")):
        answer = shopper.api(method, path, data=body, content_type="application/json")
        assert_problem(answer, 422 if b"NaN" in body else 400)


@sqlite_only
@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""])
def test_only_the_json_media_type_is_accepted(shopper: Person, content_type: str):
    cart = shopper.cart(cup=1)
    for method, path in (("PUT", f"/carts/{cart}/items/cup"), ("POST", f"/carts/{cart}/items"), ("POST", "/carts")):
        answer = shopper.api(method, path, data=b'{"quantity": 2}', content_type=content_type)
        assert_problem(answer, 415)
    with_charset = shopper.api(
        "PUT", f"/carts/{cart}/items/cup", data=b'{"quantity": 2}', content_type="application/json; charset=utf-8"
    )
    assert with_charset.status_code == 200


@sqlite_only
def test_too_large_body_is_refused(shopper: Person):
    answer = shopper.api(
        "POST", "/carts", data=b'{"items": [' + b" " * 300_000 + b"]}", content_type="application/json"
    )
    assert_problem(answer, 413)
    fits = shopper.api("POST", "/carts", data=b'{"items": [' + b" " * 1000 + b"]}", content_type="application/json")
    assert fits.status_code == 201


@sqlite_only
def test_deeply_nested_json_is_refused(shopper: Person):
    nested = b'{"items": ' + b"[" * 50_000 + b"]" * 50_000 + b"}"
    answer = shopper.api("POST", "/carts", data=nested, content_type="application/json")
    assert_problem(answer, 400)
