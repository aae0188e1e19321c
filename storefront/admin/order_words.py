"""Orders in words: names and shapes of a status, and what happened to an order, by whom."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storefront.events.actors import ActorType
from storefront.events.models import EventType
from storefront.i18n.formatting import format_money
from storefront.i18n.gettext import N_, _
from storefront.mail.kinds import KIND_NAMES, MailKind
from storefront.mail.models import OutboxMail
from storefront.orders.models import OrderNote, OrderStatus
from storefront.orders.queries import OrderView
from storefront.payments.words import refusal_text

PLACED, PREPARE, READY = N_("Placed"), N_("To prepare"), N_("Ready for pick-up")
STATUS_NAMES: Mapping[str, str] = {
    OrderStatus.PLACED: N_("To ship"),
    OrderStatus.FULFILLED: N_("Shipped"),
    OrderStatus.CANCELLED: N_("Cancelled"),
}
STATUS_SHAPES: Mapping[str, str] = {
    OrderStatus.PLACED: "new",
    OrderStatus.FULFILLED: "done",
    OrderStatus.CANCELLED: "off",
}


def status_name(order: OrderView) -> str:
    """Return the status of an order. One that is placed isn't always to be shipped."""
    if order.status == OrderStatus.PLACED and not order.is_to_ship:
        return _(PLACED)
    if order.is_pickup and order.status != OrderStatus.CANCELLED:
        return _(PREPARE if order.status == OrderStatus.PLACED else READY)
    return _(STATUS_NAMES[order.status])


@dataclass(frozen=True)
class TimelineEntry:
    """Something that happened to an order: `by` is in words; `note` is the staff's text, if it is one."""

    moment: datetime
    text: str
    by: str
    note: str = ""


def timeline(
    order: OrderView, events: Iterable[Any], notes: Iterable[OrderNote], mails: Iterable[OutboxMail]
) -> list[TimelineEntry]:
    """Return what happened to an order, the latest first."""
    entries = [
        TimelineEntry(
            event.created_at, event_text(event, order.is_pickup), actor_text(event.actor_type, event.actor_name)
        )
        for event in events
        if event.type in EVENT_TEXTS
    ]
    entries += [TimelineEntry(note.created_at, _("Note"), note.author or "", note.text) for note in notes]
    entries += [
        TimelineEntry(mail.sent_at, _("Email sent: %(what)s", what=mail_name(mail, order.is_pickup)), "")
        for mail in mails
        if mail.sent_at is not None
    ]
    return sorted(entries, key=lambda entry: entry.moment, reverse=True)


EVENT_TEXTS: Mapping[str, str] = {
    EventType.ORDER_PLACED: N_("Order placed"),
    EventType.ORDER_FULFILLED: N_("Shipped"),
    EventType.ORDER_CANCELLED: N_("Cancelled, items put back in stock"),
    EventType.ORDER_TRACKING_CHANGED: N_("Tracking changed"),
    EventType.ORDER_PAID: N_("Paid"),
    EventType.ORDER_REFUNDED: N_("Refunded"),
    EventType.REFUND_FAILED: N_("Refund failed"),
    EventType.WITHDRAWAL_RECEIVED: N_("Withdrew from contract"),
    EventType.PAYMENT_FAILED: N_("Payment failed"),
    EventType.PAYMENT_EXPIRED: N_("Not paid"),
    EventType.PAYMENT_LATE: N_("Paid after the order was cancelled"),
    EventType.PAYMENT_MISMATCH: N_("Another amount was paid"),
    EventType.PAYMENT_REPEATED: N_("Paid a second time"),
    EventType.MAIL_FAILED: N_("Email failed"),
    EventType.MAIL_RESENT: N_("Email sent again"),
    EventType.INVOICE_ISSUED: N_("Invoice issued"),
}


def mail_name(mail: OutboxMail, is_pickup: bool) -> str:
    return _(READY if is_pickup and mail.kind == MailKind.ORDER_SHIPPED else KIND_NAMES[mail.kind])


def event_text(event: Any, is_pickup: bool) -> str:
    if is_pickup and event.type == EventType.ORDER_FULFILLED:
        return _(READY)
    if event.type == EventType.ORDER_CANCELLED and event.data.get("restocked") is False:
        return _("Cancelled, items not put back in stock")
    if event.type == EventType.PAYMENT_REPEATED and event.data["refunded"]:
        return _("Paid a second time, and paid back")
    if detail := event_detail(event):
        return _("%(what)s: %(shipment)s", what=_(EVENT_TEXTS[event.type]), shipment=detail)
    return _(EVENT_TEXTS[event.type])


def event_detail(event: Any) -> str:
    """Return what an event is about: a mail, an amount, a reason, an invoice or a shipment."""
    after = event.after or {}
    if event.type in (EventType.MAIL_FAILED, EventType.MAIL_RESENT):
        kind = event.data.get("kind", "")
        return _(KIND_NAMES.get(kind, kind))
    if event.type in (EventType.PAYMENT_MISMATCH, EventType.PAYMENT_REPEATED, EventType.ORDER_REFUNDED):
        return format_money(event.data["amount"], event.data.get("currency"))
    if event.type == EventType.PAYMENT_FAILED and (reason := event.data.get("reason")):
        return f"{refusal_text(reason)} ({reason})"
    if event.type == EventType.INVOICE_ISSUED:
        return str(after.get("invoice", ""))
    return ", ".join(part for part in (after.get("carrier"), after.get("tracking")) if part)


def actor_text(type: str | None, name: str | None) -> str:
    """Return who made an event; empty for events of earlier versions."""
    texts = {
        ActorType.SHOPPER: _("Customer"),
        ActorType.PERSON: name or "",
        ActorType.KEY: _("API key %(name)s", name=name or ""),
        ActorType.COMMAND: _("Command %(name)s", name=name or ""),
        ActorType.SYSTEM: _("The shop itself"),
    }
    return texts[ActorType(type)] if type else ""
