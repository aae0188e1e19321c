"""Whatever happens to a product with options, its stock is the sum of its active variants, and its price their lowest.

Hypothesis generates sequences of orders, cancellations and updates of the catalogue, which archive variants, sell them
again, and give the product other options or none. A model predicts each stock.
"""

from itertools import count
from typing import Any

from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from storefront.db.tenant_context import tenant_context
from storefront.orders.fulfilment import cancel_order
from tests.catalog.variants import variant
from tests.conftest import Person
from tests.factories import import_tenants, product, tenant

COLOUR = {"name": "Colour", "values": ["Red", "Blue"]}
SIZE = {"name": "Size", "values": ["S", "M"]}
BY_COLOUR = {"red": ["Red"], "blue": ["Blue"]}
BY_BOTH = {"red": ["Red", "S"], "red-m": ["Red", "M"], "blue": ["Blue", "S"]}
SHAPES: list[tuple[list[dict[str, Any]], dict[str, list[str]]]] = [
    ([COLOUR], BY_COLOUR),
    ([COLOUR, SIZE], BY_BOTH),
    ([SIZE, COLOUR], {id: values[::-1] for id, values in BY_BOTH.items()}),
    ([], {"tee": []}),
]
IDS = ["tee", *BY_BOTH]
numbers = count(1)


class StockModel(RuleBasedStateMachine):
    """The model of one product: the stock of each variant there ever was, and the price of each that is sold."""

    orders = Bundle("orders")
    app: Flask

    @initialize()
    def open_shop(self) -> None:
        self.shop = f"shop-{next(numbers)}"
        self.person = Person(self.app.test_client(), self.shop)
        self.stock: dict[str, int] = {}
        self.prices: dict[str, int] = {}
        self.update(SHAPES[1], list(BY_BOTH), [3, 4, 5], [900, 800, 700])

    @rule(
        shape=st.sampled_from(SHAPES),
        sold=st.lists(st.sampled_from(list(BY_BOTH)), min_size=1, unique=True),
        stock=st.lists(st.integers(0, 6), min_size=3, max_size=3),
        prices=st.lists(st.integers(0, 900), min_size=3, max_size=3),
    )
    def update(
        self,
        shape: tuple[list[dict[str, Any]], dict[str, list[str]]],
        sold: list[str],
        stock: list[int],
        prices: list[int],
    ) -> None:
        """Load a file with these variants, as far as the options allow them; with the first if they allow none."""
        options, values = shape
        ids = [id for id in sold if id in values] or [next(iter(values))]
        price = {id: prices[place] for place, id in enumerate(ids)}
        given = {id: stock[place] for place, id in enumerate(ids)}
        entry = product("tee", f"{price[ids[0]] / 100:.2f}", given[ids[0]])
        if options:
            del entry["stock"]
            entry["options"] = options
            entry["variants"] = [
                variant(id, *values[id], stock=given[id], price=f"{price[id] / 100:.2f}") for id in ids
            ]
        import_tenants(self.app, tenant(self.shop, entry), refresh=True)
        self.stock = given | self.stock
        self.prices = price

    @rule(target=orders, wanted=st.dictionaries(st.sampled_from(IDS), st.integers(1, 3), min_size=1))
    def order(self, wanted: dict[str, int]) -> Any:
        items = [{"variant_id": id, "quantity": quantity} for id, quantity in wanted.items()]
        cart = self.person.api("POST", "/carts", {"items": items})
        assert cart.status_code == (201 if wanted.keys() <= self.prices.keys() else 404), cart.text
        if cart.status_code == 404:
            return multiple()
        placed = self.person.checkout(cart.json["id"])
        enough = all(self.stock[id] >= quantity for id, quantity in wanted.items())
        assert placed.status_code == (201 if enough else 409), placed.text
        if not enough:
            return multiple()
        for id, quantity in wanted.items():
            self.stock[id] -= quantity
        return placed.json["id"], wanted

    @rule(order=consumes(orders), times=st.integers(1, 2))
    def cancel(self, order: tuple[str, dict[str, int]], times: int) -> None:
        for _ in range(times):
            with self.app.app_context(), tenant_context(self.shop):
                cancel_order(order[0])
        for id, quantity in order[1].items():
            self.stock[id] += quantity

    @invariant()
    def stock_and_price_are_those_of_the_variants(self) -> None:
        if not hasattr(self, "shop"):
            return
        found: Any = self.person.api("GET", "/products/tee").json
        assert {one["id"]: one["stock"] for one in found["variants"]} == {id: self.stock[id] for id in self.prices}
        assert {one["id"]: one["price"]["amount"] for one in found["variants"]} == self.prices
        assert found["stock"] == sum(self.stock[id] for id in self.prices)
        assert found["price"]["amount"] == min(self.prices.values())


def test_a_products_stock_is_the_sum_of_its_variants_after_any_actions(app: Flask):
    class StockModelOfApp(StockModel):
        """A model of shops in this test's database."""

    StockModelOfApp.app = app
    run_state_machine_as_test(
        StockModelOfApp,
        settings=settings(
            max_examples=12,
            stateful_step_count=25,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
