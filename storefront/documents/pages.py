"""The buyer's invoice and credit notes. The order's id is the capability, as for its confirmation."""

from functools import partial

from flask import Blueprint, Flask, Response, redirect, url_for
from werkzeug.wrappers import Response as AnyResponse

from storefront.documents.actions import issue_invoice, order_language
from storefront.documents.contents import invoice_document
from storefront.documents.credit_note import credit_note_document
from storefront.documents.queries import credit_note_of, find_invoice, load_invoice
from storefront.documents.responses import MakeDocument, document_page, document_pdf
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
    """Issue the invoice of an order that has been paid or shipped, unless it was issued before, and show it."""
    if not may_get_invoice(load_order(order_id)) and not find_invoice(order_id):
        raise WrongState(_("Your invoice will be available when your order has been paid or shipped."))
    issue_invoice(current_tenant(), order_id)
    return redirect(url_for("documents.invoice", order_id=order_id), 303)


@pages.get("/orders/<order_id>/refunds/<refund_id>/credit-note")
def credit_note(order_id: str, refund_id: str) -> Response:
    order = load_order(order_id)
    return document_page(
        credit_note_maker(order, refund_id),
        order_language(order),
        back=_("Order %(number)s", number=order.number),
        back_url=url_for("orders.confirmation", order_id=order_id),
        pdf_url=url_for("documents.credit_note_pdf", order_id=order_id, refund_id=refund_id),
    )


@pages.get("/orders/<order_id>/refunds/<refund_id>/credit-note.pdf")
@limiter.limit(DOCUMENT_LIMIT)
def credit_note_pdf(order_id: str, refund_id: str) -> AnyResponse:
    order = load_order(order_id)
    page_url = url_for("documents.credit_note", order_id=order_id, refund_id=refund_id)
    return document_pdf(credit_note_maker(order, refund_id), order_language(order), page_url)


def credit_note_maker(order: OrderView, refund_id: str) -> MakeDocument:
    """Raises `NotFound` without a credit note."""
    refund = credit_note_of(order, refund_id)
    return partial(credit_note_document, current_tenant(), order, refund, find_invoice(order.id))


def may_get_invoice(order: OrderView) -> bool:
    """Whether buyers may have an invoice issued by themselves. Before, the staff can."""
    is_paid = order.payment is not None and order.payment.paid > 0
    is_due = order.status == OrderStatus.FULFILLED or (is_paid and order.status == OrderStatus.PLACED)
    return is_due and current_tenant().can_issue_invoices


def has_invoice(order: OrderView) -> bool:
    """Whether an invoice has been issued. Shops that can't issue one aren't asked."""
    return current_tenant().can_issue_invoices and find_invoice(order.id) is not None


def init_app(app: Flask) -> None:
    app.jinja_env.globals.update(has_invoice=has_invoice, may_get_invoice=may_get_invoice)
