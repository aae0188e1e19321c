"""Orders go first: who thinks about suggestions in the same process lets them pass. Python runs one thread at a time,
so without this an order that meets three panels takes three times as long."""

import time
from threading import Lock

from flask import Flask, current_app, g, request

ORDERS = ("orders.place", "orders_api.checkout")
"""The requests that place an order, by the names of their views."""
AT_MOST = 0.02
"""Seconds that one call of `let_orders_pass` waits, so that a crowd of orders doesn't keep a panel for ever."""
LOOK_EVERY = 0.0005


class Orders:
    """How many orders are being placed in this process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.under_way = 0

    def change(self, by: int) -> None:
        with self._lock:
            self.under_way += by


def orders_of(app: Flask) -> Orders:
    found: Orders = app.extensions["storefront_orders_under_way"]
    return found


def init_app(app: Flask) -> None:
    app.extensions["storefront_orders_under_way"] = Orders()
    app.before_request(begin)
    app.teardown_request(end)


def begin() -> None:
    if request.endpoint in ORDERS:
        orders_of(current_app).change(1)
        g.places_order = True


def end(_fault: BaseException | None) -> None:
    if g.pop("places_order", False):
        orders_of(current_app).change(-1)


def let_orders_pass() -> None:
    """Wait a moment if an order is being placed, unless it is this request that places it."""
    orders = orders_of(current_app)
    if not orders.under_way or g.get("places_order"):
        return
    until = time.monotonic() + AT_MOST
    while orders.under_way and time.monotonic() < until:
        time.sleep(LOOK_EVERY)
