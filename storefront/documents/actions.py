"""Issuing an invoice, once per order."""

from sqlalchemy import bindparam, select

from storefront.clock import now
from storefront.db.base import db, table_of
from storefront.db.tenancy import execute, tenant_scoped
from storefront.db.transactions import write
from storefront.documents.models import Invoice, InvoiceCounter
from storefront.documents.numbering import next_number
from storefront.documents.queries import find_invoice
from storefront.errors import WrongState
from storefront.events.actions import Change, record_events
from storefront.events.models import EventType
from storefront.i18n.gettext import _
from storefront.i18n.locale import shopper_language
from storefront.i18n.negotiation import known_language
from storefront.orders.models import Order, OrderStatus
from storefront.orders.queries import OrderView, load_order
from storefront.tenants.settings import TenantSettings

INVOICE_PREFIX = "INV"
orders = table_of(Order)
LOCK_ORDER = tenant_scoped(select(orders.c.id).where(orders.c.id == bindparam("id")).with_for_update())


def issue_invoice(tenant: TenantSettings, order_id: str) -> None:
    """Issue the invoice of an order. Again changes nothing.

    Raises `NotFound`, or `WrongState` if the order was cancelled or waits for an online payment, or the shop has no
    address.
    """
    load_order(order_id)
    with write(durable=True):
        execute(LOCK_ORDER, {"id": order_id})  # two issue it at once, or one while another cancels it
        if find_invoice(order_id):
            return
        order = load_order(order_id)
        check_issuing(tenant, order)
        moment = now()
        number = next_number(InvoiceCounter, INVOICE_PREFIX, moment.astimezone(tenant.timezone).year)
        db.session.add(
            Invoice(
                order_id=order_id,
                number=number,
                issued_at=moment,
                supplied_at=order.fulfilled_at,
                language=order_language(order),
                seller=seller_of(tenant),
            )
        )
        db.session.flush()
        record_events([Change(EventType.INVOICE_ISSUED, order_id, {}, {}, {"invoice": number})])


def check_issuing(tenant: TenantSettings, order: OrderView) -> None:
    """Raises `WrongState` if there can't be an invoice."""
    if order.status == OrderStatus.CANCELLED:
        raise WrongState(_("This order was cancelled, so there is no invoice for it."))
    if order.waits_for_payment:
        raise WrongState(_("This order hasn't been paid yet. Its invoice can be issued as soon as it is."))
    if not tenant.can_issue_invoices:
        raise WrongState(_("The shop's address is missing in its settings. An invoice must have it."))


def seller_of(tenant: TenantSettings) -> dict[str, str]:
    """Return what an invoice keeps of the shop."""
    members = ("address", "vat_id", "email", "phone")
    kept = {"name": tenant.seller_name, "shop": tenant.name, "timezone": tenant.timezone.key}
    return kept | {name: tenant.contact[name] for name in members if name in tenant.contact}


def order_language(order: OrderView) -> str:
    """Return the language of an order; of one of an earlier version that of its items' names, as far as it is known."""
    stored = (order.language, *(line.language for line in order.lines))
    return next((known for language in stored if (known := known_language(language or ""))), shopper_language())
