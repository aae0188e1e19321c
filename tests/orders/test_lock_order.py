"""Transactions that run at the same time lock rows in one order, so that they never deadlock on PostgreSQL."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask

import storefront.orders.actions as placing
from storefront.catalog.shop_settings import change_settings
from storefront.db.tenant_context import tenant_context
from storefront.db.transactions import write, write_connection
from storefront.events import actions as events
from storefront.orders import pricing
from storefront.promotions.actions import claim_use
from tests.concurrency import eventually
from tests.conftest import Person, connect
from tests.factories import cancel, import_tenants, product, tenant

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # SQLite has one lock


def is_waiting(database_url: str) -> bool:
    """Whether a connection waits for a lock."""
    with connect(database_url) as session:
        ours = "datname = current_database() AND wait_event_type = 'Lock'"
        return session.execute(f"SELECT 1 FROM pg_stat_activity WHERE {ours}").fetchone() is not None


def test_cancelling_gives_a_use_back_before_it_records_events(
    app: Flask, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An order that is being placed has the promotion's lock, and wants that of the events."""
    goods = product("mug", "10.00"), product("cup", "10.00")
    import_tenants(app, tenant("west", *goods, promotions=[{"code": "HALF", "percent": "50", "limit": 100}]))
    shop = Person(app.test_client(), "west")

    def cart(**items: int) -> str:
        made = shop.cart(**items)
        assert shop.api("PUT", f"/carts/{made}/promo", {"code": "half"}).status_code == 200
        return made

    earlier = shop.checkout(cart(mug=1)).json["id"]
    with ThreadPoolExecutor(1) as other:
        cancelled: list[Any] = []

        def record(given: Any) -> None:
            cancelled.append(other.submit(cancel, app, earlier, "west"))
            assert eventually(lambda: is_waiting(database_url))
            events.record_events(given)

        monkeypatch.setattr(placing, "record_events", record)
        assert shop.checkout(cart(cup=1)).status_code == 201
        cancelled[0].result(timeout=60)
    assert shop.api("GET", f"/orders/{earlier}").json["status"] == "cancelled"


def test_settings_are_changed_while_an_event_is_recorded(
    app: Flask, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event's row refers to the shop's, which the change of settings has locked."""
    next_ids: Callable[..., int] = events.next_ids

    def record() -> None:
        with app.app_context(), tenant_context("north"), write():
            events.append_events(write_connection(), "north", [("test", "north", {})])

    record()  # the first event's sequence refers to the shop, too
    with ThreadPoolExecutor(1) as other:
        changed: list[Any] = []

        def change() -> None:
            with app.app_context(), tenant_context("north"):
                change_settings("north", "test", lambda row: {"country": "IE"})

        def ids(*args: Any) -> int:
            first = next_ids(*args)
            if not changed:
                changed.append(other.submit(change))
                assert eventually(lambda: is_waiting(database_url))
            return first

        monkeypatch.setattr(events, "next_ids", ids)
        record()
        changed[0].result(timeout=60)


def test_orders_that_try_several_used_up_promotions_lock_them_in_one_order(
    app: Flask, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which one is tried first depends on the cart: the percentage is better for a large one."""
    offers = {"code": "TENTH", "percent": "10"}, {"code": "FIVER", "amount": "5.00"}
    promotions = [{**offer, "automatic": True, "limit": 1} for offer in offers]
    import_tenants(app, tenant("west", product("mug", "10.00"), product("cup", "100.00"), promotions=promotions))
    shop = Person(app.test_client(), "west")
    for items in ({"mug": 1}, {"cup": 1}):
        assert shop.checkout(shop.cart(**items)).status_code == 201  # they use both up
    small, large = shop.cart(mug=1), shop.cart(cup=1)
    with ThreadPoolExecutor(1) as other:
        placed: list[Any] = []

        def claim(*args: Any) -> Any:
            problem = claim_use(*args)
            if not placed:
                placed.append(other.submit(Person(app.test_client(), "west").checkout, large))
                assert eventually(lambda: is_waiting(database_url))
            return problem

        monkeypatch.setattr(pricing, "claim_use", claim)
        assert shop.checkout(small).status_code == 201
        assert placed[0].result(timeout=60).status_code == 201
