"""Reads of invoices and credit notes."""

from storefront.db.base import db
from storefront.db.tenant_context import current_tenant_id
from storefront.documents.models import Invoice
from storefront.errors import NotFound
from storefront.i18n.gettext import _
from storefront.orders.queries import OrderView
from storefront.orders.refund_queries import RefundView


def find_invoice(order_id: str) -> Invoice | None:
    """Return the invoice of an order; None if none has been issued."""
    return db.session.get(Invoice, (current_tenant_id(), order_id))


def load_invoice(order_id: str) -> Invoice:
    """Raises `NotFound` if none has been issued."""
    invoice = find_invoice(order_id)
    if invoice is None:
        raise NotFound(_("No invoice has been issued for this order yet."))
    return invoice


def credit_note_of(order: OrderView, refund_id: str) -> RefundView:
    """Return the refund with this id, which has a credit note. Raises `NotFound`."""
    found = next((refund for refund in order.refunds if refund.id == refund_id and refund.number), None)
    if found is None:
        raise NotFound(_("We couldn't find this credit note."))
    return found
