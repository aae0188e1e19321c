"""Withdrawing from the contract of an order. It changes neither the order's status nor its payment: staff see it, take
the items back or cancel the order, and refund it."""

import re
from datetime import datetime

from sqlalchemy import bindparam, update

from storefront.clock import now
from storefront.db.base import table_of
from storefront.db.tenancy import execute, tenant_scoped
from storefront.db.transactions import write
from storefront.errors import FieldError, Invalid, NotFound, WrongState
from storefront.events.actions import Change, record_events
from storefront.events.models import EventType
from storefront.i18n.gettext import _
from storefront.i18n.unicode_text import single_line
from storefront.mail.kinds import MailKind
from storefront.orders.fulfilment_validation import text_fault
from storefront.orders.mails import mail_buyer
from storefront.orders.models import Order, OrderStatus
from storefront.orders.queries import OrderView, find_order_id, load_order
from storefront.orders.validation import canonical_email
from storefront.tenants.settings import TenantSettings
from storefront.withdrawals.deadline import withdrawal_ends

MAX_STATEMENT_LENGTH = 2000
MAX_NUMBER_LENGTH = 16
orders = table_of(Order)
RECORD_WITHDRAWAL = tenant_scoped(
    update(orders)
    .where(
        orders.c.id == bindparam("order"),
        orders.c.withdrawn_at.is_(None),
        orders.c.status != OrderStatus.CANCELLED,
    )
    .values(withdrawn_at=bindparam("now"), withdrawal_statement=bindparam("statement"))
)


def check_tenant(tenant: TenantSettings) -> None:
    """Raises `NotFound` for a shop outside of the EU."""
    if not tenant.is_in_eu:
        raise NotFound(_("We couldn't find this page."))


def find_order(number: str, email: str) -> OrderView:
    """Return the order with this number and email address. Raises `Invalid`, with the same message if there is no such
    order and if the address is another one."""
    signs = re.sub(r"\W", "", number).upper()[:MAX_NUMBER_LENGTH]
    order_id = find_order_id(f"{signs[:4]}-{signs[4:]}")
    order = load_order(order_id) if order_id else None
    if order is None or canonical_email(single_line(email)) != canonical_email(order.email):
        raise Invalid(FieldError("number", _("We couldn't find an order with this number and email address.")))
    return order


def ends_at(tenant: TenantSettings, order: OrderView) -> datetime | None:
    """Return until when the buyer can withdraw; None while the order isn't shipped."""
    method = tenant.shipping_method(order.shipping_method)
    days = method.days[1] if method and method.days else None
    return withdrawal_ends(order.fulfilled_at, days, tenant.timezone)


def can_withdraw(tenant: TenantSettings, order: OrderView) -> bool:
    """Whether the order's page offers it."""
    ends = ends_at(tenant, order)
    is_open = order.status != OrderStatus.CANCELLED and order.withdrawn_at is None
    return tenant.is_in_eu and is_open and (ends is None or now() < ends)


def check_can_withdraw(tenant: TenantSettings, order: OrderView) -> None:
    """Raises `WrongState`, unless the buyer can withdraw or has done so."""
    if order.withdrawn_at is not None:
        return
    if order.status == OrderStatus.CANCELLED:
        raise WrongState(_("This order was cancelled, so there is no contract to withdraw from."))
    if not can_withdraw(tenant, order):
        raise WrongState(_("The time to withdraw from this order is over. Please contact us if something is wrong."))


def check_statement(statement: str) -> str:
    """Return what the buyer wrote, trimmed; it may be empty. Raises `Invalid`."""
    text = statement.replace("\r\n", "\n").strip()
    if fault := text_fault("statement", text.replace("\n", " "), MAX_STATEMENT_LENGTH):
        raise Invalid(fault)
    return text


def withdraw(tenant: TenantSettings, order_id: str, statement: str) -> datetime:
    """Record the withdrawal and return when it was received. Again changes nothing. Raises `NotFound`, `Invalid` or
    `WrongState`."""
    check_tenant(tenant)
    statement = check_statement(statement)
    check_can_withdraw(tenant, load_order(order_id))
    moment = now()
    with write(durable=True):
        values = {"order": order_id, "now": moment, "statement": statement or None}
        is_new = execute(RECORD_WITHDRAWAL, values).rowcount == 1
        order = load_order(order_id)
        if is_new:
            mail_buyer(MailKind.WITHDRAWAL_RECEIVED, order, received_at=moment.isoformat(), statement=statement)
            record_events([Change(EventType.WITHDRAWAL_RECEIVED, order_id, {"number": order.number})])
    if order.withdrawn_at is None:
        raise WrongState(_("This order was cancelled, so there is no contract to withdraw from."))
    return order.withdrawn_at
