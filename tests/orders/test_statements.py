"""The number of statements of each step. A limit may go down; raising one is a decision."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from sqlalchemy import Engine, event

from tests.conftest import Person
from tests.factories import product, put_up, tenant

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@contextmanager
def counting(app: Flask) -> Iterator[list[str]]:
    """The statements that run meanwhile, without those that begin transactions or look who the tenants are now."""
    said: list[str] = []

    def hear(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")) and not re.search(r"FROM (tenant|setting)\b", statement):
            said.append(statement)

    event.listen(Engine, "before_cursor_execute", hear)
    try:
        yield said
    finally:
        event.remove(Engine, "before_cursor_execute", hear)


@pytest.fixture
def busy(shopper: Person) -> Person:
    """A shopper with something in the browser's cart."""
    shopper.post("/cart/items", {"product_id": "beans", "quantity": "1"})
    shopper.post("/cart/items", {"product_id": "cup", "quantity": "1"})
    shopper.get("/cart")  # what was to be said is said: a page with a message is never a remembered one
    return shopper


BOUNDS = {
    "list": 1, "search": 1, "product": 1, "open a cart": 3, "add": 4, "set": 4, "cart": 1, "promo": 3, "checkout": 16,
    "order": 1, "page list": 2, "page product": 3, "page add": 5, "page cart": 2, "page checkout": 2, "page place": 11,
    "page order": 1, "suggestions": 6, "panel": 6,
}  # fmt: skip
"""A cart has three lines here, and two in the browser; checkout by the API answers with suggestions too. An order takes
the stock of each variant, and then that of all products at once, and is entered into the index that staff search."""
WARM = ("page list", "page product")
"""Steps that remember something for some seconds: asked twice, and counted the second time."""


def test_no_step_asks_more_than_it_did(app: Flask, busy: Person):
    cart, other = busy.cart(beans=1, cup=1, honey=1), busy.cart(beans=1, pot=1)
    order = busy.checkout(busy.cart(honey=1)).json["id"]
    item = {"product_id": "honey", "quantity": 1}
    steps = {
        "list": lambda: busy.api("GET", "/products"),
        "search": lambda: busy.api("GET", "/products?q=espresso&in_stock=true"),
        "product": lambda: busy.api("GET", "/products/beans"),
        "open a cart": lambda: busy.api("POST", "/carts", {"items": [item]}),
        "add": lambda: busy.api("POST", f"/carts/{cart}/items", item),
        "set": lambda: busy.api("PUT", f"/carts/{cart}/items/beans", {"quantity": 2}),
        "cart": lambda: busy.api("GET", f"/carts/{cart}"),
        "promo": lambda: busy.api("PUT", f"/carts/{cart}/promo", {"code": "SUMMER10"}),
        "suggestions": lambda: busy.api("GET", f"/carts/{other}/upsell"),
        "panel": lambda: busy.get("/checkout/upsell"),
        "checkout": lambda: busy.checkout(cart, key="k"),
        "order": lambda: busy.api("GET", f"/orders/{order}"),
        "page list": lambda: busy.get("/"),
        "page product": lambda: busy.get("/products/beans"),
        "page add": lambda: busy.post("/cart/items", {"product_id": "honey", "quantity": "1"}),
        "page cart": lambda: busy.get("/cart"),
        "page checkout": lambda: busy.get("/checkout"),
        "page place": lambda: busy.post("/checkout", {"email": "ada@example.com", "name": "Ada"}),
        "page order": lambda: busy.get(f"/orders/{order}"),
    }
    assert set(steps) == set(BOUNDS)
    asked = {}
    for name, step in steps.items():
        if name in WARM:
            step()
        with counting(app) as said:
            assert step().status_code < 400, name
        asked[name] = len(said)
    over = {name: (number, BOUNDS[name]) for name, number in asked.items() if number > BOUNDS[name]}
    assert not over, f"statements, and what they were: {over}; all: {asked}"


@pytest.mark.parametrize("read", ["cart", "checkout page", "order", "list"])
def test_reading_asks_as_much_for_many_as_for_few(app: Flask, busy: Person, read: str):
    put_up(app, tenant("wide", *(product(f"p{i}", category="c") for i in range(60))))
    visitor = Person(app.test_client(), "wide")
    asked = []
    for lines in (1, 50):
        cart = visitor.cart(**{f"p{i}": 1 for i in range(lines)})
        order = visitor.checkout(visitor.cart(**{f"p{i}": 1 for i in range(lines)})).json["id"]
        browser = Person(app.test_client(), "wide")
        for i in range(lines):
            browser.post("/cart/items", {"product_id": f"p{i}"})
        with counting(app) as said:
            {
                "cart": lambda cart=cart: visitor.api("GET", f"/carts/{cart}"),
                "checkout page": lambda browser=browser: browser.get("/checkout"),
                "order": lambda order=order: visitor.api("GET", f"/orders/{order}"),
                "list": lambda lines=lines: visitor.api("GET", f"/products?limit={lines}"),
            }[read]()
        asked.append(len(said))
    assert asked[0] == asked[1]


def test_an_order_asks_once_more_for_each_product_and_no_more(make_app: Callable[..., Flask]):
    app = make_app(UPSELL_ENABLED="false")
    put_up(app, tenant("wide", *(product(f"p{i}") for i in range(60))))
    visitor = Person(app.test_client(), "wide")
    asked = []
    for lines in (10, 11, 50):
        cart = visitor.cart(**{f"p{i}": 1 for i in range(lines)})
        with counting(app) as said:
            assert visitor.checkout(cart).status_code == 201
        asked.append(len(said))
    assert asked[1] - asked[0] <= 1
    assert asked[2] - asked[0] <= 40
