"""A shop's orders as JSON, each as the API's `Order`."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from storefront.orders.api import Order, order_fields
from storefront.orders.search import OrderQuery, list_orders

BATCH = 500


def exported_orders(since: datetime | None = None) -> Iterator[dict[str, Any]]:
    """Yield the current tenant's orders, the oldest first."""
    position = -1
    while True:
        page = list_orders(OrderQuery(since=since, after=position), BATCH)
        for order in reversed(page.orders):
            yield Order.model_construct(**order_fields(order)).model_dump(mode="json")
        if not page.has_newer:
            return
        position = page.orders[0].position
