"""The buyer's invoice and credit notes. The order's id is the capability, as for its confirmation."""

from flask import Blueprint, Flask, Response, redirect, url_for
from werkzeug.wrappers import Response as AnyResponse

from storefront.documents.actions import issue_invoice
from storefront.documents.queries import find_invoice
from storefront.documents.responses import document_page, document_pdf
from storefront.documents.sources import credit_note_source, invoice_source
from storefront.errors import WrongState
from storefront.i18n.gettext import _
from storefront.orders.models import OrderStatus
from storefront.orders.queries import OrderView, load_order
from storefront.tenants.context import current_tenant
from storefront.web.rate_limits import CART_CHANGES_LIMIT, DOCUMENT_LIMIT, limiter

pages = Blueprint("documents", __name__)
ORDER_PAGE = "orders.confirmation"


@pages.get("/orders/<order_id>/invoice")
def invoice(order_id: str) -> Response:
    pdf_url = url_for("documents.invoice_pdf", order_id=order_id)
    return document_page(invoice_source(order_id), ORDER_PAGE, pdf_url)


@pages.get("/orders/<order_id>/invoice.pdf")
@limiter.limit(DOCUMENT_LIMIT)
def invoice_pdf(order_id: str) -> AnyResponse:
    return document_pdf(invoice_source(order_id), url_for("documents.invoice", order_id=order_id))


@pages.post("/orders/<order_id>/invoice")
@limiter.limit(CART_CHANGES_LIMIT)
def get_invoice(order_id: str) -> AnyResponse:
    """Issue the invoice of an order that has been paid or shipped, unless it was issued before, and show it."""
    if not may_get_invoice(load_order(order_id)) and not find_invoice(order_id):
        raise WrongState(_("Your invoice will be available when your order has been paid or shipped."))
    issue_invoice(current_tenant(), order_id)
    return redirect(url_for("documents.invoice", order_id=order_id), 303)


@pages.get("/orders/<order_id>/refunds/<refund_id>/credit-note")
def credit_note(order_id: str, refund_id: str) -> Response:
    pdf_url = url_for("documents.credit_note_pdf", order_id=order_id, refund_id=refund_id)
    return document_page(credit_note_source(order_id, refund_id), ORDER_PAGE, pdf_url)


@pages.get("/orders/<order_id>/refunds/<refund_id>/credit-note.pdf")
@limiter.limit(DOCUMENT_LIMIT)
def credit_note_pdf(order_id: str, refund_id: str) -> AnyResponse:
    page_url = url_for("documents.credit_note", order_id=order_id, refund_id=refund_id)
    return document_pdf(credit_note_source(order_id, refund_id), page_url)


def may_get_invoice(order: OrderView) -> bool:
    """Whether buyers may have an invoice issued by themselves. Before, the staff can."""
    is_paid = order.payment is not None and order.payment.paid > 0
    is_due = order.status == OrderStatus.FULFILLED or (is_paid and order.status == OrderStatus.PLACED)
    return is_due and current_tenant().can_issue_invoices


def has_invoice(order: OrderView) -> bool:
    """Whether an invoice has been issued. The shop may have removed its address since."""
    return find_invoice(order.id) is not None


def init_app(app: Flask) -> None:
    app.jinja_env.globals.update(has_invoice=has_invoice, may_get_invoice=may_get_invoice)
