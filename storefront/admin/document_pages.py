"""The back office's documents of an order: invoice, credit notes and delivery note, as pages to print and as PDF.

Invoices and credit notes name the buyer: their views ask for `customers:read`. Every role that has it may read orders,
too."""

from functools import partial

from flask import Response, flash, redirect, url_for
from werkzeug.wrappers import Response as AnyResponse

from storefront.admin.blueprints import pages
from storefront.documents import actions
from storefront.documents.contents import delivery_note, invoice_document
from storefront.documents.pages import credit_note_maker
from storefront.documents.queries import load_invoice
from storefront.documents.responses import document_page, document_pdf
from storefront.errors import WrongState
from storefront.i18n.gettext import _
from storefront.i18n.locale import shopper_language
from storefront.orders.queries import load_order
from storefront.staff.access import requires
from storefront.staff.permissions import Permission
from storefront.staff.sessions import signed_in
from storefront.tenants.context import current_tenant


@pages.get("/orders/<order_id>/print")
@requires(Permission.ORDERS_READ)
def print_order(order_id: str) -> Response:
    """A delivery note, in the language of who packs. It names the buyer only to who sees buyers."""
    order = load_order(order_id)
    return document_page(
        partial(delivery_note, current_tenant(), order, signed_in().may(Permission.CUSTOMERS_READ)),
        shopper_language(),
        back=_("Order %(number)s", number=order.number),
        back_url=url_for("admin.order", order_id=order_id),
        pdf_url=url_for("admin.print_order_pdf", order_id=order_id),
    )


@pages.get("/orders/<order_id>/print.pdf")
@requires(Permission.ORDERS_READ)
def print_order_pdf(order_id: str) -> AnyResponse:
    make = partial(delivery_note, current_tenant(), load_order(order_id), signed_in().may(Permission.CUSTOMERS_READ))
    return document_pdf(make, shopper_language(), url_for("admin.print_order", order_id=order_id))


@pages.get("/orders/<order_id>/invoice")
@requires(Permission.CUSTOMERS_READ)
def invoice(order_id: str) -> Response:
    order, issued = load_order(order_id), load_invoice(order_id)
    return document_page(
        partial(invoice_document, current_tenant(), order, issued),
        issued.language,
        back=_("Order %(number)s", number=order.number),
        back_url=url_for("admin.order", order_id=order_id),
        pdf_url=url_for("admin.invoice_pdf", order_id=order_id),
    )


@pages.get("/orders/<order_id>/invoice.pdf")
@requires(Permission.CUSTOMERS_READ)
def invoice_pdf(order_id: str) -> AnyResponse:
    order, issued = load_order(order_id), load_invoice(order_id)
    make = partial(invoice_document, current_tenant(), order, issued)
    return document_pdf(make, issued.language, url_for("admin.invoice", order_id=order_id))


@pages.get("/orders/<order_id>/refunds/<refund_id>/credit-note")
@requires(Permission.CUSTOMERS_READ)
def credit_note(order_id: str, refund_id: str) -> Response:
    order = load_order(order_id)
    return document_page(
        credit_note_maker(order, refund_id),
        actions.order_language(order),
        back=_("Order %(number)s", number=order.number),
        back_url=url_for("admin.order", order_id=order_id),
        pdf_url=url_for("admin.credit_note_pdf", order_id=order_id, refund_id=refund_id),
    )


@pages.get("/orders/<order_id>/refunds/<refund_id>/credit-note.pdf")
@requires(Permission.CUSTOMERS_READ)
def credit_note_pdf(order_id: str, refund_id: str) -> AnyResponse:
    order = load_order(order_id)
    page_url = url_for("admin.credit_note", order_id=order_id, refund_id=refund_id)
    return document_pdf(credit_note_maker(order, refund_id), actions.order_language(order), page_url)


@pages.post("/orders/<order_id>/invoice")
@requires(Permission.ORDERS_WRITE)
def issue_invoice(order_id: str) -> AnyResponse:
    try:
        actions.issue_invoice(current_tenant(), order_id)
    except WrongState as refusal:
        flash(refusal.detail, "error")
        return redirect(url_for("admin.order", order_id=order_id), 303)
    return redirect(url_for("admin.invoice", order_id=order_id), 303)
