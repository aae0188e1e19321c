"""Limits of a cart, and their error messages."""

from typing import Any

import pytest
from flask import Flask

from tests.api_contract import assert_problem, holdings
from tests.conftest import Person
from tests.factories import product, put_up, tenant

sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what is refused before any database hears of it."""
NOT_QUANTITIES = [-1, 1000, 10**30, 1.0, 2.5, True, False, "1", "", "many", None, [], [1], {}, -(2**63)]


def test_a_line_holds_one_to_999(shopper: Person):
    for quantity in (1, 2, 998, 999):
        cart = shopper.cart(beans=quantity)
        assert holdings(shopper.api("GET", f"/carts/{cart}").json) == {"beans": quantity}
        other = shopper.cart()
        item = {"product_id": "beans", "quantity": quantity}
        assert holdings(shopper.api("POST", f"/carts/{other}/items", item).json) == {"beans": quantity}
        set_ = shopper.api("PUT", f"/carts/{other}/items/cup", {"quantity": quantity})
        assert holdings(set_.json)["cup"] == quantity


def test_anything_else_is_no_quantity(shopper: Person):
    cart = shopper.cart(beans=5)
    for quantity in [0, *NOT_QUANTITIES]:
        item = {"product_id": "beans", "quantity": quantity}
        assert_problem(shopper.api("POST", "/carts", {"items": [item]}), 422, field="items.0.quantity")
        assert_problem(shopper.api("POST", f"/carts/{cart}/items", item), 422, field="quantity")
    for quantity in NOT_QUANTITIES:
        answer = shopper.api("PUT", f"/carts/{cart}/items/beans", {"quantity": quantity})
        assert_problem(answer, 422, field="quantity")
    assert holdings(shopper.api("GET", f"/carts/{cart}").json) == {"beans": 5}


def test_adding_over_999_is_refused_and_changes_nothing(shopper: Person):
    cart = shopper.cart(beans=990)
    add = {"product_id": "beans", "quantity": 10}
    assert_problem(shopper.api("POST", f"/carts/{cart}/items", add), 422, field="quantity")
    assert holdings(shopper.api("GET", f"/carts/{cart}").json) == {"beans": 990}
    assert holdings(shopper.api("POST", f"/carts/{cart}/items", add | {"quantity": 9}).json) == {"beans": 999}


@pytest.fixture
def wide(app: Flask) -> Person:
    """A shop with more products than a cart has lines."""
    put_up(app, tenant("wide", *(product(f"p{i}") for i in range(102))))
    return Person(app.test_client(), "wide")


def test_a_cart_has_at_most_a_hundred_lines(wide: Person):
    cart = wide.cart(**{f"p{i}": 1 for i in range(99)})
    assert len(holdings(wide.api("PUT", f"/carts/{cart}/items/p99", {"quantity": 1}).json)) == 100
    assert_problem(wide.api("POST", f"/carts/{cart}/items", {"product_id": "p100", "quantity": 1}), 422)
    assert_problem(wide.api("PUT", f"/carts/{cart}/items/p100", {"quantity": 1}), 422)
    items = [{"product_id": f"p{i}", "quantity": 1} for i in range(101)]
    assert_problem(wide.api("POST", "/carts", {"items": items}), 422, field="items")
    assert wide.api("POST", "/carts", {"items": items[:100]}).status_code == 201
    assert holdings(wide.api("POST", f"/carts/{cart}/items", {"product_id": "p5", "quantity": 1}).json)["p5"] == 2
    wide.api("DELETE", f"/carts/{cart}/items/p5")
    assert wide.api("POST", f"/carts/{cart}/items", {"product_id": "p100", "quantity": 1}).status_code == 200


def test_a_full_cart_can_be_ordered(wide: Person):
    order = wide.checkout(wide.cart(**{f"p{i}": 999 for i in range(100)}))
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
def test_a_faulty_body_is_refused_by_the_name_of_its_field(shopper: Person, method: str, path: str, cases: Any):
    cart = shopper.cart(cup=1)
    for body, field in cases:
        assert_problem(shopper.api(method, path.format(cart=cart), body), 422, field=field)
    assert holdings(shopper.api("GET", f"/carts/{cart}").json) == {"cup": 1}


def test_every_faulty_field_is_named_at_once(shopper: Person):
    problem = assert_problem(shopper.api("POST", f"/carts/{shopper.cart()}/items", {"quantity": 0}), 422)
    assert {error["field"] for error in problem["errors"]} == {"product_id", "quantity"}


@sqlite_only
@pytest.mark.parametrize("broken", [b"{", b"nothing", b'{"quantity": 1', b"\xff\xfe", b'{"quantity": NaN}', b"\0"])
def test_what_is_not_json_is_refused(shopper: Person, broken: bytes):
    cart = shopper.cart(cup=1)
    for method, path in (("PUT", f"/carts/{cart}/items/cup"), ("POST", f"/carts/{cart}/items"), ("POST", "/carts")):
        answer = shopper.api(method, path, data=broken, content_type="application/json")
        assert_problem(answer, 422 if b"NaN" in broken else 400)


@sqlite_only
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""])
def test_only_json_is_taken(shopper: Person, kind: str):
    cart = shopper.cart(cup=1)
    for method, path in (("PUT", f"/carts/{cart}/items/cup"), ("POST", f"/carts/{cart}/items"), ("POST", "/carts")):
        answer = shopper.api(method, path, data=b'{"quantity": 2}', content_type=kind)
        assert_problem(answer, 415)
    with_charset = shopper.api(
        "PUT", f"/carts/{cart}/items/cup", data=b'{"quantity": 2}', content_type="application/json; charset=utf-8"
    )
    assert with_charset.status_code == 200


@sqlite_only
def test_a_body_that_is_too_large_is_refused(shopper: Person):
    answer = shopper.api(
        "POST", "/carts", data=b'{"items": [' + b" " * 300_000 + b"]}", content_type="application/json"
    )
    assert_problem(answer, 413)
    fits = shopper.api("POST", "/carts", data=b'{"items": [' + b" " * 1000 + b"]}", content_type="application/json")
    assert fits.status_code == 201


@sqlite_only
def test_deeply_nested_json_breaks_nothing(shopper: Person):
    nested = b'{"items": ' + b"[" * 50_000 + b"]" * 50_000 + b"}"
    answer = shopper.api("POST", "/carts", data=nested, content_type="application/json")
    assert_problem(answer, 400)
