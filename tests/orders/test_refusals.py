"""A refusal at checkout gives the reason, and nothing has changed."""

from typing import Any

import pytest
from flask import Flask

from storefront.db.base import db
from storefront.tenants.models import Tenant
from storefront.tenants.registry import registry
from tests.api_contract import assert_problem, holdings, steps
from tests.conftest import Person
from tests.factories import change_product
from tests.tenants.factories import every_row


def test_an_empty_cart_is_no_order(shopper: Person):
    cart = shopper.cart()
    assert_problem(shopper.checkout(cart), 409, "cart-empty")
    shopper.api("POST", f"/carts/{cart}/items", {"product_id": "beans", "quantity": 1})
    assert shopper.checkout(cart).status_code == 201


def test_what_is_short_is_named_and_nothing_is_taken(app: Flask, shopper: Person):
    cart = shopper.cart(beans=2, cup=4, filter=1, honey=1)
    before = every_row(app, "north")
    problem = assert_problem(shopper.checkout(cart, key="k"), 409, "out-of-stock")
    assert sorted(problem["items"], key=lambda item: item["product_id"]) == [
        {"product_id": "cup", "requested": 4, "available": 3},
        {"product_id": "filter", "requested": 1, "available": 0},
    ]
    assert every_row(app, "north") == before
    shopper.api("PUT", f"/carts/{cart}/items/cup", {"quantity": 3})
    shopper.api("DELETE", f"/carts/{cart}/items/filter")
    assert shopper.checkout(cart, key="k").status_code == 201, "a refusal keeps no key"
    assert [shopper.stock(id) for id in ("beans", "cup", "honey")] == [98, 0, 49]


def test_a_total_that_is_not_what_was_shown_is_refused(app: Flask, shopper: Person):
    cart = shopper.cart(beans=2)
    change_product(app, "north", "beans", price=2000)
    before = every_row(app, "north")
    problem = assert_problem(shopper.checkout(cart, key="k", expected_total=4440), 409, "price-changed")
    assert problem["total"] == {"amount": 4800, "currency": "EUR"}
    assert every_row(app, "north") == before
    for wrong in (0, 4799, 4801, -4800):
        assert_problem(shopper.checkout(cart, expected_total=wrong), 409, "price-changed")
    assert shopper.checkout(cart, key="k", expected_total=4800).status_code == 201
    assert shopper.stock("beans") == 98


def expire(app: Flask) -> None:
    """SUMMER10 runs out while carts hold it."""
    with app.app_context():
        row = db.session.get(Tenant, "north")
        row.promotions = [{"code": "SUMMER10", "percent": "10", "until": "2020-01-01"}]
        db.session.commit()
        registry().invalidate()


def forget(app: Flask) -> None:
    """SUMMER10 is taken out of the shop while carts hold it."""
    with app.app_context():
        db.session.get(Tenant, "north").promotions = []
        db.session.commit()
        registry().invalidate()


@pytest.mark.parametrize("run_out", [expire, forget])
def test_a_code_that_ran_out_is_a_changed_price(app: Flask, shopper: Person, run_out: Any):
    cart = shopper.cart(beans=2)
    shopper.api("PUT", f"/carts/{cart}/promo", {"code": "SUMMER10"})
    run_out(app)
    before = every_row(app, "north")
    for expected_total in (None, 3996):
        problem = assert_problem(shopper.checkout(cart, expected_total=expected_total), 409, "price-changed")
        assert problem["total"] == {"amount": 4440, "currency": "EUR"}
    assert every_row(app, "north") == before
    shown = shopper.api("GET", f"/carts/{cart}").json
    assert steps(shown) == (3700, 0, 740, 4440)
    order = shopper.checkout(cart, expected_total=4440)
    assert (order.status_code, steps(order.json)) == (201, (3700, 0, 740, 4440))


def test_a_code_that_ran_out_can_be_taken_off(app: Flask, shopper: Person):
    cart = shopper.cart(beans=2)
    shopper.api("PUT", f"/carts/{cart}/promo", {"code": "SUMMER10"})
    expire(app)
    shopper.api("DELETE", f"/carts/{cart}/promo")
    assert steps(shopper.checkout(cart).json) == (3700, 0, 740, 4440)


BUYER = {"email": "ada@example.com", "name": "Ada"}
FAULTS = [
    ({"name": "Ada"}, "email"), ({"email": "ada@example.com"}, "name"), (BUYER | {"email": "nobody"}, "email"),
    (BUYER | {"email": ""}, "email"), (BUYER | {"email": "a@b"}, "email"),
    (BUYER | {"email": "a b@example.com"}, "email"),
    (BUYER | {"email": "a@example.com\nBcc: x@y.zz"}, "email"), (BUYER | {"email": "a@@example.com"}, "email"),
    (BUYER | {"email": "a" * 250 + "@example.com"}, "email"), (BUYER | {"email": 5}, "email"),
    (BUYER | {"name": ""}, "name"),
    (BUYER | {"name": "   "}, "name"), (BUYER | {"name": "x" * 201}, "name"), (BUYER | {"name": "A\0da"}, "name"),
    (BUYER | {"name": ["Ada"]}, "name"), (BUYER | {"expected_total": "4440"}, "expected_total"),
    (BUYER | {"expected_total": 1.5}, "expected_total"), (BUYER | {"expected_total": True}, "expected_total"),
    (BUYER | {"expected_total": 10**40}, "expected_total"), (BUYER | {"more": 1}, "more"), ([], "body"),
]  # fmt: skip


def test_a_faulty_body_is_refused_by_the_name_of_its_field(app: Flask, shopper: Person):
    cart = shopper.cart(beans=1)
    before = every_row(app, "north")
    for body, field in FAULTS:
        answer = shopper.api("POST", f"/carts/{cart}/checkout", body, headers={"Idempotency-Key": "k"})
        assert_problem(answer, 422, field=field)
    assert every_row(app, "north") == before
    assert shopper.checkout(cart, key="k").status_code == 201


@pytest.mark.parametrize(
    "email, name",
    [
        ("ada@example.com", "Ada"),
        (" ada@example.com ", "Ada"),
        ("a+b.c@x-y.example.co", "Åda Ünï 🐝"),
        ("a@b.ie", "O’Neill, Jr."),
    ],
)
def test_who_can_be_reached_can_buy(shopper: Person, email: str, name: str):
    order = shopper.checkout(shopper.cart(beans=1), email=email, name=name)
    assert order.status_code == 201, order.text
    assert (order.json["email"], order.json["name"]) == (email.strip(), name)


def test_a_null_total_is_no_total(shopper: Person):
    assert shopper.checkout(shopper.cart(beans=1), expected_total=None).status_code == 201


def test_a_cart_of_nobody_is_a_404_before_all_else(shopper: Person):
    assert_problem(shopper.checkout("nosuch", expected_total=5), 404)
    assert_problem(shopper.checkout("nosuch", key="k"), 404)
    assert shopper.checkout(shopper.cart(beans=1), key="k").status_code == 201


def test_the_cart_of_a_refused_checkout_is_still_open(shopper: Person):
    cart = shopper.cart(cup=4)
    assert_problem(shopper.checkout(cart), 409, "out-of-stock")
    shown = shopper.api("GET", f"/carts/{cart}").json
    assert (shown["status"], holdings(shown)) == ("open", {"cup": 4})
