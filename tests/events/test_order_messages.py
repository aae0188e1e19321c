"""News of an order's payment in the stream of all pages: without the order's id, which would show the order."""

import json

from storefront.events.models import EventType
from storefront.events.sse_format import order_digest
from storefront.events.tailer import PUBLIC_EVENT_TYPES, sse_message


class Row:
    id, subject, data = 7, "an-order-id", {"amount": 1250, "method": "stripe"}
    type = EventType.ORDER_PAID


def test_message_names_the_order_by_a_digest_only():
    message = sse_message(Row, "EUR").decode()
    assert message.startswith("id: 7\nevent: order\ndata: ")
    assert json.loads(message.partition("data: ")[2]) == {"order": order_digest("an-order-id")}
    assert "an-order-id" not in message
    assert "1250" not in message
    assert order_digest("another-id") != order_digest("an-order-id")


def test_other_events_of_orders_stay_private():
    assert {EventType.ORDER_PLACED, EventType.ORDER_CANCELLED, EventType.ORDER_NOTED}.isdisjoint(PUBLIC_EVENT_TYPES)
