"""Cancelling an order: stock is returned once, an event is written, and shipped orders are refused."""

from functools import partial

import pytest
from flask import Flask
from sqlalchemy import select, update

from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.errors import NotFound, WrongState
from storefront.events.models import Event
from storefront.orders.models import Order, OrderStatus
from storefront.signals import orders_changed
from tests.concurrency import at_once
from tests.conftest import Person
from tests.factories import cancel, place_order
from tests.tenants.factories import every_row


def status(app: Flask, order_id: str) -> str:
    with app.app_context(), tenant_context("north"):
        return str(db.session.scalar(select(Order.status).where(Order.id == order_id)))


def recorded_events(app: Flask, shop: str = "north") -> list[tuple[str, str, dict[str, object]]]:
    with app.app_context(), tenant_context(shop):
        rows = db.session.execute(select(Event.type, Event.subject, Event.data).order_by(Event.id))
        return [tuple(row) for row in rows]


def test_cancelling_returns_the_stock_of_the_order(app: Flask, shopper: Person) -> None:
    cancelled = place_order(shopper, beans=2, cup=3)
    kept = place_order(shopper, beans=5)
    assert (shopper.stock("beans"), shopper.stock("cup")) == (93, 0)
    cancel(app, cancelled)
    assert (shopper.stock("beans"), shopper.stock("cup")) == (95, 3)
    assert (status(app, cancelled), status(app, kept)) == (OrderStatus.CANCELLED, OrderStatus.PLACED)
    assert place_order(shopper, cup=3), "the returned stock can't be sold"


def test_cancelling_records_events(app: Flask, shopper: Person) -> None:
    order_id = place_order(shopper, beans=2, cup=1)
    before = len(recorded_events(app))
    cancel(app, order_id)
    assert recorded_events(app)[before:] == [
        ("order.cancelled", order_id, {"restocked": True}),
        ("stock.changed", "beans", {"stock": 100}),
        ("stock.changed", "cup", {"stock": 3}),
    ]


def test_cancelling_again_changes_nothing(app: Flask, shopper: Person) -> None:
    order_id = place_order(shopper, beans=2)
    cancel(app, order_id)
    before = every_row(app, "north")
    cancel(app, order_id)
    assert every_row(app, "north") == before


def test_concurrent_cancellations_return_the_stock_once(app: Flask, shopper: Person) -> None:
    order_id = place_order(shopper, beans=10, honey=1)
    at_once([lambda: cancel(app, order_id)] * 6)
    assert (shopper.stock("beans"), shopper.stock("honey")) == (100, 50)
    assert [type for type, *_ in recorded_events(app)].count("order.cancelled") == 1


def test_concurrent_orders_and_cancellations_lose_no_stock(app: Flask, shopper: Person) -> None:
    orders = [place_order(shopper, beans=1, honey=1) for _ in range(4)]
    buyers = [Person(app.test_client(), "north") for _ in range(4)]
    at_once(
        [lambda one=one: cancel(app, one) for one in orders]
        + [partial(place_order, one, honey=2, beans=2) for one in buyers]
    )
    assert (shopper.stock("beans"), shopper.stock("honey")) == (92, 42)


def test_fulfilled_order_cannot_be_cancelled(app: Flask, shopper: Person) -> None:
    order_id, other = place_order(shopper, beans=2), place_order(shopper, beans=1)
    with app.app_context(), tenant_context("north"):
        db.session.execute(update(Order).where(Order.id == order_id).values(status=OrderStatus.FULFILLED))
        db.session.commit()
    before = every_row(app, "north")
    with pytest.raises(WrongState):
        cancel(app, order_id)
    assert every_row(app, "north") == before
    cancel(app, other)
    assert shopper.stock("beans") == 98


def test_order_of_another_shop_is_not_found(app: Flask, shopper: Person) -> None:
    order_id = place_order(shopper, shared=2)
    before = {shop: every_row(app, shop) for shop in ("north", "south")}
    for id in (order_id, "nosuch", "", "x" * 300, "\0"):
        with pytest.raises(NotFound):
            cancel(app, id, "south")
    assert {shop: every_row(app, shop) for shop in before} == before
    cancel(app, order_id)
    assert shopper.stock("shared") == 20


def test_signal_is_sent_once_after_each_commit(app: Flask, shopper: Person) -> None:
    received: list[str] = []

    def receive(_sender: object) -> None:
        received.append(status(app, order_id) if order_id else OrderStatus.PLACED)

    order_id = ""
    with orders_changed.connected_to(receive):
        order_id = place_order(shopper, beans=1)
        cancel(app, order_id)
        cancel(app, order_id)
    assert received == [OrderStatus.PLACED, OrderStatus.CANCELLED]
