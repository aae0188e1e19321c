"""Which documents an order has, and in which language each is made."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from storefront.documents.actions import order_language
from storefront.documents.contents import delivery_note, invoice_document
from storefront.documents.credit_note import credit_note_document
from storefront.documents.document import Document
from storefront.documents.queries import credit_note_of, find_invoice, load_invoice
from storefront.i18n.locale import shopper_language
from storefront.orders.queries import load_order
from storefront.tenants.context import current_tenant


@dataclass(frozen=True)
class DocumentSource:
    """A document of an order: `make` is called in a context of the language."""

    order_id: str
    order_number: str
    language: str
    make: Callable[[], Document]


def invoice_source(order_id: str) -> DocumentSource:
    """Raises `NotFound` if no invoice has been issued."""
    order, issued = load_order(order_id), load_invoice(order_id)
    make = partial(invoice_document, current_tenant(), order, issued)
    return DocumentSource(order.id, order.number, issued.language, make)


def credit_note_source(order_id: str, refund_id: str) -> DocumentSource:
    """Raises `NotFound` without a credit note."""
    order = load_order(order_id)
    refund = credit_note_of(order, refund_id)
    make = partial(credit_note_document, current_tenant(), order, refund, find_invoice(order.id))
    return DocumentSource(order.id, order.number, order_language(order), make)


def delivery_note_source(order_id: str, shows_buyer: bool) -> DocumentSource:
    """In the language of the person who packs."""
    order = load_order(order_id)
    make = partial(delivery_note, current_tenant(), order, shows_buyer)
    return DocumentSource(order.id, order.number, shopper_language(), make)
