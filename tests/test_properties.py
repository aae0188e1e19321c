"""Property-based test: after any actions of several shoppers in two shops, stock and orders agree."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from storefront import create_app
from tests.api_contract import holdings, steps
from tests.conftest import Person, Prepared, dispose, settings_for
from tests.postgres import Postgres

STOCK = {
    "north": {"beans": 100, "pot": 10, "cup": 3, "filter": 0, "shared": 20},
    "south": {"pen": 5, "ink": 40, "paper": 80, "shared": 7},
}
TAX = {"north": (20, False), "south": (10, True)}
OFF = {"SUMMER10": 10}
EVERYTHING = sorted({id for shop in STOCK.values() for id in shop})


def half_up(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)


def expected_steps(shop: str, subtotal: int, code: str | None) -> tuple[int, int, int, int]:
    """The contract's price, in whole numbers only and without the shop's own code."""
    rate, included = TAX[shop]
    discount = half_up(subtotal * OFF.get(code or "", 0), 100)
    net = subtotal - discount
    if included:
        return subtotal, discount, half_up(net * rate, 100 + rate), net
    tax = half_up(net * rate, 100)
    return subtotal, discount, tax, net + tax


class Market(RuleBasedStateMachine):
    """What each cart should hold, which orders there are, and what is left, kept beside the shop's own books."""

    app: Flask
    carts = Bundle("carts")

    @initialize()
    def open(self) -> None:
        self.shops = {shop: Person(self.app.test_client(), shop) for shop in STOCK}
        self.left = {shop: dict(products) for shop, products in STOCK.items()}
        self.price = {
            shop: {id: person.api("GET", f"/products/{id}").json["price"]["amount"] for id in STOCK[shop]}
            for shop, person in self.shops.items()
        }
        self.lines: dict[str, dict[str, int]] = {}
        self.codes: dict[str, str | None] = {}
        self.orders: dict[str, str] = {}
        self.keys: dict[tuple[str, str], str] = {}

    @rule(target=carts, shop=st.sampled_from(sorted(STOCK)))
    def take_a_cart(self, shop: str) -> tuple[str, str]:
        cart = self.shops[shop].cart()
        self.lines[cart], self.codes[cart] = {}, None
        return shop, cart

    def sent(self, cart: str, answer: Any, allowed: bool, refusal: int, when_ordered: int = 409) -> bool:
        """Whether the change was taken, which it must be exactly when it is allowed and the cart is open."""
        if cart in self.orders:
            assert answer.status_code == when_ordered, answer.text
        else:
            assert answer.status_code == (200 if allowed else refusal), answer.text
        return allowed and cart not in self.orders

    @rule(which=carts, product=st.sampled_from(EVERYTHING), quantity=st.integers(1, 12))
    def add(self, which: tuple[str, str], product: str, quantity: int) -> None:
        shop, cart = which
        answer = self.shops[shop].api("POST", f"/carts/{cart}/items", {"product_id": product, "quantity": quantity})
        if self.sent(cart, answer, product in STOCK[shop], 404):
            self.lines[cart][product] = self.lines[cart].get(product, 0) + quantity

    @rule(which=carts, product=st.sampled_from(EVERYTHING), quantity=st.sampled_from([0, 1, 2, 7, 999, 1000]))
    def set(self, which: tuple[str, str], product: str, quantity: int) -> None:
        shop, cart = which
        answer = self.shops[shop].api("PUT", f"/carts/{cart}/items/{product}", {"quantity": quantity})
        known, invalid = product in STOCK[shop], quantity == 1000
        refusal, when_ordered = (422, 422) if invalid else (404, 409)
        if self.sent(cart, answer, known and not invalid, refusal, when_ordered):
            self.lines[cart][product] = quantity
            self.lines[cart] = {id: many for id, many in self.lines[cart].items() if many}

    @rule(which=carts, code=st.sampled_from(["SUMMER10", "summer10", "BYGONE", "NOSUCH"]))
    def use_code(self, which: tuple[str, str], code: str) -> None:
        shop, cart = which
        answer = self.shops[shop].api("PUT", f"/carts/{cart}/promo", {"code": code})
        if self.sent(cart, answer, shop == "north" and code.upper() == "SUMMER10", 422):
            self.codes[cart] = "SUMMER10"

    @rule(which=carts)
    def drop_code(self, which: tuple[str, str]) -> None:
        shop, cart = which
        if self.sent(cart, self.shops[shop].api("DELETE", f"/carts/{cart}/promo"), True, 409):
            self.codes[cart] = None

    @rule(which=carts, key=st.sampled_from([None, None, "a", "b"]), wrong_total=st.booleans())
    def check_out(self, which: tuple[str, str], key: str | None, wrong_total: bool) -> None:
        shop, cart = which
        lines = self.lines[cart]
        subtotal = sum(self.price[shop][id] * many for id, many in lines.items())
        steps_due = expected_steps(shop, subtotal, self.codes[cart])
        answer = self.shops[shop].checkout(cart, key=key, expected_total=steps_due[3] + wrong_total)
        taken_by = self.keys.get((shop, key or ""))
        if taken_by is not None and (taken_by != cart or wrong_total):
            assert answer.status_code == 422, "a key came with another request"
        elif cart in self.orders:
            assert answer.status_code == 200
            assert answer.json["id"] == self.orders[cart]
        elif not lines or wrong_total or any(self.left[shop][id] < many for id, many in lines.items()):
            assert answer.status_code == 409, answer.text
        else:
            assert answer.status_code == 201, answer.text
            assert steps(answer.json) == steps_due
            assert {item["product_id"]: item["quantity"] for item in answer.json["items"]} == lines
            self.orders[cart] = answer.json["id"]
            if key:
                self.keys[shop, key] = cart
            for id, many in lines.items():
                self.left[shop][id] -= many

    @rule(which=carts, product=st.sampled_from(EVERYTHING))
    def try_the_other_shop(self, which: tuple[str, str], product: str) -> None:
        shop, cart = which
        stranger = self.shops["south" if shop == "north" else "north"]
        assert stranger.api("GET", f"/carts/{cart}").status_code == 404
        assert stranger.api("PUT", f"/carts/{cart}/items/{product}", {"quantity": 1}).status_code == 404
        assert stranger.checkout(cart).status_code == 404

    @rule(which=carts)
    def look(self, which: tuple[str, str]) -> None:
        shop, cart = which
        shown = self.shops[shop].api("GET", f"/carts/{cart}").json
        assert holdings(shown) == self.lines[cart]
        assert shown["promo_code"] == self.codes[cart]
        assert shown["status"] == ("ordered" if cart in self.orders else "open")
        assert steps(shown) == expected_steps(shop, shown["subtotal"]["amount"], self.codes[cart])
        for item in shown["items"]:
            assert item["available"] == (item["quantity"] <= self.left[shop][item["product"]["id"]])

    @invariant()
    def what_is_left_and_what_was_sold_is_what_was_loaded(self) -> None:
        for shop, person in self.shops.items():
            listed = {item["id"]: item["stock"] for item in person.api("GET", "/products?limit=100").json["items"]}
            assert {id: listed[id] for id in STOCK[shop]} == self.left[shop]
            assert min(listed.values()) >= 0

    def teardown(self) -> None:
        """At the end of the day the orders themselves add up."""
        if not hasattr(self, "shops"):
            return
        assert len(set(self.orders.values())) == len(self.orders), "one order a cart, one cart an order"
        sold = {shop: dict.fromkeys(products, 0) for shop, products in STOCK.items()}
        for order_id in self.orders.values():
            shop, order = next(
                (shop, found.json)
                for shop, person in self.shops.items()
                if (found := person.api("GET", f"/orders/{order_id}")).status_code == 200
            )
            assert sum(item["line_total"]["amount"] for item in order["items"]) == order["subtotal"]["amount"]
            assert steps(order) == expected_steps(shop, order["subtotal"]["amount"], order["promo_code"])
            for item in order["items"]:
                sold[shop][item["product_id"]] += item["quantity"]
        for shop, products in STOCK.items():
            assert sold[shop] == {id: loaded - self.left[shop][id] for id, loaded in products.items()}


@contextmanager
def fresh_app(url: str, folder: Path) -> Iterator[Flask]:
    app = create_app(settings_for(url, folder, UPSELL_ENABLED="false"))
    try:
        yield app
    finally:
        dispose(app)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_whatever_shoppers_do_the_books_are_right(kind: str, prepared: Prepared, request: pytest.FixtureRequest):
    server: Postgres | None = request.getfixturevalue("postgres") if kind == "postgresql" else None

    class Day(Market):
        """A market on a database of its own."""

        def __init__(self) -> None:
            super().__init__()
            self.folder = tempfile.TemporaryDirectory()
            folder = Path(self.folder.name)
            self.url = prepared.postgresql(server) if server else prepared.sqlite(folder)
            self.shop = fresh_app(self.url, folder)
            self.app = self.shop.__enter__()

        def teardown(self) -> None:
            try:
                super().teardown()
            finally:
                self.shop.__exit__(None, None, None)
                if server:
                    server.drop(self.url)
                self.folder.cleanup()

    run_state_machine_as_test(
        Day,
        settings=settings(
            max_examples=8 if server else 25,
            stateful_step_count=40,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate] if server else [Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )
