"""The buyer's invoice. The order's id is the capability, as for its confirmation."""

from functools import partial

from flask import Blueprint, Flask, Response, redirect, url_for
from werkzeug.wrappers import Response as AnyResponse

from storefront.documents.actions import issue_invoice
from storefront.documents.contents import invoice_document
from storefront.documents.queries import find_invoice, load_invoice
from storefront.documents.responses import document_page, document_pdf
from storefront.errors import WrongState
from storefront.i18n.gettext import _
from storefront.orders.models import OrderStatus
from storefront.orders.queries import OrderView, load_order
from storefront.tenants.context import current_tenant
from storefront.web.rate_limits import CART_CHANGES_LIMIT, DOCUMENT_LIMIT, limiter

pages = Blueprint("documents", __name__)


@pages.get("/orders/<order_id>/invoice")
def invoice(order_id: str) -> Response:
    order, issued = load_order(order_id), load_invoice(order_id)
    return document_page(
        partial(invoice_document, current_tenant(), order, issued),
        issued.language,
        back=_("Order %(number)s", number=order.number),
        back_url=url_for("orders.confirmation", order_id=order_id),
        pdf_url=url_for("documents.invoice_pdf", order_id=order_id),
    )


@pages.get("/orders/<order_id>/invoice.pdf")
@limiter.limit(DOCUMENT_LIMIT)
def invoice_pdf(order_id: str) -> AnyResponse:
    order, issued = load_order(order_id), load_invoice(order_id)
    make = partial(invoice_document, current_tenant(), order, issued)
    return document_pdf(make, issued.language, url_for("documents.invoice", order_id=order_id))


@pages.post("/orders/<order_id>/invoice")
@limiter.limit(CART_CHANGES_LIMIT)
def get_invoice(order_id: str) -> AnyResponse:
    """Issue the invoice of an order that has been shipped, unless it was issued before, and show it."""
    if not may_get_invoice(load_order(order_id)) and not find_invoice(order_id):
        raise WrongState(_("Your invoice will be available when your order has been shipped."))
    issue_invoice(current_tenant(), order_id)
    return redirect(url_for("documents.invoice", order_id=order_id), 303)


def may_get_invoice(order: OrderView) -> bool:
    """Whether buyers may have an invoice issued by themselves. Before, the staff can."""
    return order.status == OrderStatus.FULFILLED and current_tenant().can_issue_invoices


def has_invoice(order: OrderView) -> bool:
    """Whether an invoice has been issued. Shops that can't issue one aren't asked."""
    return current_tenant().can_issue_invoices and find_invoice(order.id) is not None


def init_app(app: Flask) -> None:
    app.jinja_env.globals.update(has_invoice=has_invoice, may_get_invoice=may_get_invoice)
