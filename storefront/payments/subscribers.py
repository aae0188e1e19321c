"""Signal handlers: what follows for the payment when an order is cancelled."""

from typing import Any

from storefront.payments.jobs import schedule_settlement
from storefront.signals import order_with_payment_cancelled


def close_payment_page(_sender: Any, order_id: str) -> None:
    """Close the provider's page of a cancelled order, in the background. Refunds of paid orders follow this signal,
    too."""
    schedule_settlement(order_id)


def init_app() -> None:
    """Follow the signals. Connecting twice is the same as once."""
    order_with_payment_cancelled.connect(close_payment_page)
