"""HTML view of an order: its confirmation and live status."""

from flask import Blueprint, Response

from storefront.orders.queries import load_order
from storefront.web.htmx import render_page

pages = Blueprint("orders", __name__)


@pages.get("/orders/<order_id>")
def confirmation(order_id: str) -> Response:
    """Show an order; its id is the capability."""
    return render_page("orders/order.html", extra_partials=("messages",), order=load_order(order_id))
