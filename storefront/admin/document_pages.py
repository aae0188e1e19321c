"""The back office's documents of an order: invoice, credit notes and delivery note, as pages to print and as PDF.

Invoices and credit notes name the buyer: their views ask for `customers:read`. Every role that has it may read orders,
too."""

from flask import Response, flash, redirect, url_for
from werkzeug.wrappers import Response as AnyResponse

from storefront.admin.blueprints import pages
from storefront.documents import actions
from storefront.documents.responses import document_page, document_pdf
from storefront.documents.sources import DocumentSource, credit_note_source, delivery_note_source, invoice_source
from storefront.errors import WrongState
from storefront.staff.access import requires
from storefront.staff.permissions import Permission
from storefront.staff.sessions import signed_in
from storefront.tenants.context import current_tenant

ORDER_PAGE = "admin.order"


@pages.get("/orders/<order_id>/print")
@requires(Permission.ORDERS_READ)
def print_order(order_id: str) -> Response:
    return document_page(own_delivery_note(order_id), ORDER_PAGE, url_for("admin.print_order_pdf", order_id=order_id))


@pages.get("/orders/<order_id>/print.pdf")
@requires(Permission.ORDERS_READ)
def print_order_pdf(order_id: str) -> AnyResponse:
    return document_pdf(own_delivery_note(order_id), url_for("admin.print_order", order_id=order_id))


def own_delivery_note(order_id: str) -> DocumentSource:
    """It names the buyer only to people who may see buyers."""
    return delivery_note_source(order_id, shows_buyer=signed_in().may(Permission.CUSTOMERS_READ))


@pages.get("/orders/<order_id>/invoice")
@requires(Permission.CUSTOMERS_READ)
def invoice(order_id: str) -> Response:
    return document_page(invoice_source(order_id), ORDER_PAGE, url_for("admin.invoice_pdf", order_id=order_id))


@pages.get("/orders/<order_id>/invoice.pdf")
@requires(Permission.CUSTOMERS_READ)
def invoice_pdf(order_id: str) -> AnyResponse:
    return document_pdf(invoice_source(order_id), url_for("admin.invoice", order_id=order_id))


@pages.get("/orders/<order_id>/refunds/<refund_id>/credit-note")
@requires(Permission.CUSTOMERS_READ)
def credit_note(order_id: str, refund_id: str) -> Response:
    pdf_url = url_for("admin.credit_note_pdf", order_id=order_id, refund_id=refund_id)
    return document_page(credit_note_source(order_id, refund_id), ORDER_PAGE, pdf_url)


@pages.get("/orders/<order_id>/refunds/<refund_id>/credit-note.pdf")
@requires(Permission.CUSTOMERS_READ)
def credit_note_pdf(order_id: str, refund_id: str) -> AnyResponse:
    page_url = url_for("admin.credit_note", order_id=order_id, refund_id=refund_id)
    return document_pdf(credit_note_source(order_id, refund_id), page_url)


@pages.post("/orders/<order_id>/invoice")
@requires(Permission.ORDERS_WRITE)
def issue_invoice(order_id: str) -> AnyResponse:
    try:
        actions.issue_invoice(current_tenant(), order_id)
    except WrongState as refusal:
        flash(refusal.detail, "error")
        return redirect(url_for("admin.order", order_id=order_id), 303)
    return redirect(url_for("admin.invoice", order_id=order_id), 303)
