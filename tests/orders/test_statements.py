"""The number of SQL statements of each step. Lower a limit freely; raise one only deliberately."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from sqlalchemy import Engine, event

from tests.conftest import Person
from tests.factories import import_tenants, product, tenant

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@contextmanager
def recorded_statements(app: Flask) -> Iterator[list[str]]:
    """Record the statements in this context, without those that begin transactions or refresh the tenants."""
    statements: list[str] = []

    def record(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")) and not re.search(r"FROM (tenant|setting)\b", statement):
            statements.append(statement)

    event.listen(Engine, "before_cursor_execute", record)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", record)


@pytest.fixture
def shopper_with_cart(shopper: Person) -> Person:
    """A shopper with two products in the browser's cart."""
    shopper.post("/cart/items", {"product_id": "beans", "quantity": "1"})
    shopper.post("/cart/items", {"product_id": "cup", "quantity": "1"})
    shopper.get("/cart")  # shows the pending messages; pages with messages aren't cached
    return shopper


MAX_STATEMENTS = {
    "list": 1, "search": 1, "product": 1, "open a cart": 3, "add": 4, "set": 4, "cart": 1, "promo": 3, "checkout": 17,
    "order": 1, "page list": 2, "page product": 3, "page add": 5, "page cart": 2, "page checkout": 2, "page place": 12,
    "page order": 2, "suggestions": 6, "panel": 6,
}  # fmt: skip
"""API carts have three lines, the browser's cart has two; checkout by the API returns suggestions too. An order takes
the stock of each variant, and then that of all products at once, is entered into the index that staff search, and
queues its mail."""
CACHED_STEPS = ("page list", "page product")
"""Steps with cached results: they run twice, and the second run is counted."""


def test_no_step_exceeds_its_number_of_statements(app: Flask, shopper_with_cart: Person):
    cart, other = shopper_with_cart.cart(beans=1, cup=1, honey=1), shopper_with_cart.cart(beans=1, pot=1)
    order = shopper_with_cart.checkout(shopper_with_cart.cart(honey=1)).json["id"]
    item = {"product_id": "honey", "quantity": 1}
    steps = {
        "list": lambda: shopper_with_cart.api("GET", "/products"),
        "search": lambda: shopper_with_cart.api("GET", "/products?q=espresso&in_stock=true"),
        "product": lambda: shopper_with_cart.api("GET", "/products/beans"),
        "open a cart": lambda: shopper_with_cart.api("POST", "/carts", {"items": [item]}),
        "add": lambda: shopper_with_cart.api("POST", f"/carts/{cart}/items", item),
        "set": lambda: shopper_with_cart.api("PUT", f"/carts/{cart}/items/beans", {"quantity": 2}),
        "cart": lambda: shopper_with_cart.api("GET", f"/carts/{cart}"),
        "promo": lambda: shopper_with_cart.api("PUT", f"/carts/{cart}/promo", {"code": "SUMMER10"}),
        "suggestions": lambda: shopper_with_cart.api("GET", f"/carts/{other}/upsell"),
        "panel": lambda: shopper_with_cart.get("/checkout/upsell"),
        "checkout": lambda: shopper_with_cart.checkout(cart, key="k"),
        "order": lambda: shopper_with_cart.api("GET", f"/orders/{order}"),
        "page list": lambda: shopper_with_cart.get("/"),
        "page product": lambda: shopper_with_cart.get("/products/beans"),
        "page add": lambda: shopper_with_cart.post("/cart/items", {"product_id": "honey", "quantity": "1"}),
        "page cart": lambda: shopper_with_cart.get("/cart"),
        "page checkout": lambda: shopper_with_cart.get("/checkout"),
        "page place": lambda: shopper_with_cart.post("/checkout", {"email": "ada@example.com", "name": "Ada"}),
        "page order": lambda: shopper_with_cart.get(f"/orders/{order}"),
    }
    assert set(steps) == set(MAX_STATEMENTS)
    counts = {}
    for name, step in steps.items():
        if name in CACHED_STEPS:
            step()
        with recorded_statements(app) as statements:
            assert step().status_code < 400, name
        counts[name] = len(statements)
    exceeded = {
        name: (number, MAX_STATEMENTS[name]) for name, number in counts.items() if number > MAX_STATEMENTS[name]
    }
    assert not exceeded, f"number of statements and limit: {exceeded}; all: {counts}"


@pytest.mark.parametrize("read", ["cart", "checkout page", "order", "list"])
def test_number_of_statements_of_a_read_is_independent_of_the_lines(app: Flask, shopper_with_cart: Person, read: str):
    import_tenants(app, tenant("wide", *(product(f"p{i}", category="c") for i in range(60))))
    visitor = Person(app.test_client(), "wide")
    counts = []
    for lines in (1, 50):
        cart = visitor.cart(**{f"p{i}": 1 for i in range(lines)})
        order = visitor.checkout(visitor.cart(**{f"p{i}": 1 for i in range(lines)})).json["id"]
        browser = Person(app.test_client(), "wide")
        for i in range(lines):
            browser.post("/cart/items", {"product_id": f"p{i}"})
        with recorded_statements(app) as statements:
            {
                "cart": lambda cart=cart: visitor.api("GET", f"/carts/{cart}"),
                "checkout page": lambda browser=browser: browser.get("/checkout"),
                "order": lambda order=order: visitor.api("GET", f"/orders/{order}"),
                "list": lambda lines=lines: visitor.api("GET", f"/products?limit={lines}"),
            }[read]()
        counts.append(len(statements))
    assert counts[0] == counts[1]


def test_checkout_takes_one_more_statement_per_product(make_app: Callable[..., Flask]):
    app = make_app(UPSELL_ENABLED="false")
    import_tenants(app, tenant("wide", *(product(f"p{i}") for i in range(60))))
    visitor = Person(app.test_client(), "wide")
    counts = []
    for lines in (10, 11, 50):
        cart = visitor.cart(**{f"p{i}": 1 for i in range(lines)})
        with recorded_statements(app) as statements:
            assert visitor.checkout(cart).status_code == 201
        counts.append(len(statements))
    assert counts[1] - counts[0] <= 1
    assert counts[2] - counts[0] <= 40
