"""Events in words: what happened, to what, and the values before and after."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from flask import url_for

from storefront.admin import order_words, product_words
from storefront.admin.audit_queries import order_numbers
from storefront.admin.change_words import list_change
from storefront.admin.order_words import actor_text
from storefront.admin.product_history import variant_change
from storefront.admin.product_queries import product_names
from storefront.admin.settings_words import SETTING_NAMES, settings_subject
from storefront.events.actors import ActorType
from storefront.events.models import HIDDEN, EventType
from storefront.i18n.formatting import format_money
from storefront.i18n.gettext import N_, _
from storefront.mail.kinds import KIND_NAMES
from storefront.orders.payment_models import PaymentStatus
from storefront.payments import words as payment_words
from storefront.staff.roles import role_names

TYPE_NAMES: Mapping[str, str] = {
    EventType.ORDER_PLACED: N_("Order placed"),
    EventType.ORDER_FULFILLED: N_("Order shipped"),
    EventType.ORDER_CANCELLED: N_("Order cancelled"),
    EventType.ORDER_TRACKING_CHANGED: N_("Tracking changed"),
    EventType.ORDER_NOTED: N_("Note added to order"),
    EventType.ORDER_PAID: N_("Order paid"),
    EventType.ORDER_REFUNDED: N_("Order refunded"),
    EventType.REFUND_FAILED: N_("Refund failed"),
    EventType.WITHDRAWAL_RECEIVED: N_("Customer withdrew from contract"),
    EventType.PAYMENT_FAILED: N_("Payment failed"),
    EventType.PAYMENT_EXPIRED: N_("Not paid"),
    EventType.PAYMENT_LATE: N_("Paid after the order was cancelled"),
    EventType.PAYMENT_MISMATCH: N_("Another amount was paid"),
    EventType.PAYMENT_REPEATED: N_("Paid a second time"),
    EventType.INVOICE_ISSUED: N_("Invoice issued"),
    EventType.STOCK_CHANGED: N_("Stock changed"),
    EventType.PRICE_CHANGED: N_("Price changed"),
    EventType.PRODUCT_CREATED: N_("Product created"),
    EventType.PRODUCT_CHANGED: N_("Product changed"),
    EventType.MERCHANDISING_CHANGED: N_("Suggestions for product changed"),
    EventType.CATEGORY_MOVED: N_("Category moved"),
    EventType.UPSELL_CHANGED: N_("Suggestion settings changed"),
    EventType.MEMBER_INVITED: N_("Person invited"),
    EventType.INVITATION_WITHDRAWN: N_("Invitation withdrawn"),
    EventType.MEMBER_JOINED: N_("Person joined"),
    EventType.MEMBER_ROLE_CHANGED: N_("Role changed"),
    EventType.MEMBER_REMOVED: N_("Person removed"),
    EventType.MEMBER_SIGNED_OUT: N_("Person signed out everywhere"),
    EventType.PASSWORD_RESET: N_("Password reset"),
    EventType.SECOND_FACTOR_CHANGED: N_("Two-step sign-in changed"),
    EventType.STAFF_POLICY_CHANGED: N_("Rules for staff changed"),
    EventType.MAIL_FAILED: N_("Email failed"),
    EventType.MAIL_RESENT: N_("Email sent again"),
    EventType.SETTINGS_CHANGED: N_("Settings changed"),
    EventType.KEY_CREATED: N_("API key created"),
    EventType.KEY_REVOKED: N_("API key revoked"),
}
ACTOR_NAMES: Mapping[str, str] = {
    ActorType.PERSON: N_("People"),
    ActorType.KEY: N_("API keys"),
    ActorType.COMMAND: N_("Commands"),
    ActorType.SHOPPER: N_("Customers"),
    ActorType.SYSTEM: N_("The shop itself"),
}
FIELD_NAMES: Mapping[str, str] = {
    "name": N_("Name"),
    "description": N_("Description"),
    "category": N_("Category"),
    "tags": N_("Tags"),
    "price": N_("Price"),
    "stock": N_("Stock"),
    "status": N_("Status"),
    "image": N_("Picture"),
    "number": N_("Order"),
    "invoice": N_("Invoice"),
    "total": N_("Total"),
    "payment": N_("Payment"),
    "amount": N_("Amount"),
    "method": N_("Method"),
    "currency": N_("Currency"),
    "credit_note": N_("Credit note"),
    "carrier": N_("Carrier"),
    "tracking": N_("Tracking number"),
    "reason": N_("Reason"),
    "role": N_("Role"),
    "prefix": N_("Prefix"),
    "restocked": N_("Restocked"),
    "email": N_("Email"),
    "scopes": N_("Scopes"),
    "pins": N_("Suggested first"),
    "goes_with": N_("Goes well with"),
    "excluded": N_("Never suggested"),
    "options": N_("Options"),
    "options_translations": N_("Options"),
    "name_translations": N_("Name"),
    "description_translations": N_("Description"),
    "sku": N_("SKU"),
    "gtin": N_("GTIN"),
    "variant": N_("Variant"),
    "variant_id": N_("Variant"),
    "budget": N_("Daily budget"),
    "enabled": N_("On"),
    "kind": N_("Email"),
    "code": N_("Reason"),
    "expected": N_("Total"),
    "tax_class": N_("Tax class"),
    "weight": N_("Weight in grams"),
}
STATUS_NAMES: Mapping[str, str] = {**order_words.STATUS_NAMES, **product_words.STATUS_NAMES}
VALUE_NAMES: Mapping[str, Mapping[str, str]] = {
    "status": STATUS_NAMES,
    "kind": KIND_NAMES,
    "payment": {PaymentStatus.NONE: "–", **payment_words.STATUS_NAMES, **payment_words.METHOD_NAMES},
    "method": payment_words.METHOD_NAMES,
    "reason": payment_words.REFUSAL_TEXTS,
}
"""The words of codes, by field. `payment` is an order's status, or a list of the shop's methods."""
AMOUNTS = ("price", "total", "amount", "expected")
"""Fields in minor units of the shop's currency."""


ENTRY_IDS = ("id", "code")
"""Of an entry of a list, which is named by them."""
NOT_SHOWN = (HIDDEN, "renamed", "refund")
"""What the data of an event has for programs, as ids, or is part of the words of a field."""


class ChangedField(NamedTuple):
    """A field with its values in words; one that there was not, or is no more, is None. For a long list, `change` says
    what is different instead."""

    name: str
    before: str | None = None
    after: str | None = None
    change: str = ""


class Entry(NamedTuple):
    """An event as the log shows it; `url` leads to what was changed, if it has a page."""

    id: int
    moment: Any
    what: str
    who: str
    subject: str
    url: str
    subject_id: str
    fields: list[ChangedField]


def entries(rows: Sequence[Any]) -> list[Entry]:
    """Return what the log shows of these events."""
    orders = order_numbers([row.subject for row in rows if is_about_order(row)])
    products = product_names([row.subject for row in rows if is_about_product(row)])
    return [entry(row, orders, products) for row in rows]


def entry(row: Any, orders: Mapping[str, str], products: Mapping[str, str]) -> Entry:
    subject, url = subject_text(row), ""
    if is_about_order(row) and row.subject in orders:
        subject, url = orders[row.subject], url_for("admin.order", order_id=row.subject)
    elif is_about_product(row) and row.subject in products:
        subject, url = products[row.subject], url_for("admin.product", product_id=row.subject)
    elif row.type == EventType.SETTINGS_CHANGED:
        subject, url = settings_subject(row.subject)
    what = variant_change(row) or (_(TYPE_NAMES[row.type]) if row.type in TYPE_NAMES else row.type)
    who = actor_text(row.actor_type, row.actor_name)
    fields = [field for field in changed_fields(row) if (field.before, field.after) != (None, subject)]
    return Entry(row.id, row.created_at, what, who, subject, url, row.subject, fields)


def is_about_order(row: Any) -> bool:
    return bool(row.type.startswith(("order.", "mail.", "invoice.", "refund.", "withdrawal.", "payment.")))


def is_about_product(row: Any) -> bool:
    return bool(row.type.startswith(("product.", "stock.", "price.")) or row.type == EventType.MERCHANDISING_CHANGED)


def subject_text(row: Any) -> str:
    """Return whom or what an event is about, by the email address or name in it; else its id."""
    for values in (row.after, row.before, row.data):
        if name := (values or {}).get("email") or (values or {}).get("name"):
            return str(name)
    return str(row.subject)


def changed_fields(row: Any) -> list[ChangedField]:
    """Return the values that differ, and what else the event says."""
    before, after = row.before or {}, row.after or {}
    names = dict.fromkeys([*before, *after])
    if variant_change(row):
        names.pop("variant")
    found = [changed_field(name, row) for name in names if before.get(name) != after.get(name)]
    rest = {name: value for name, value in (row.data or {}).items() if name not in names and name not in NOT_SHOWN}
    return found + [ChangedField(field_name(name), None, shown(name, value)) for name, value in rest.items()]


def changed_field(name: str, row: Any) -> ChangedField:
    if change := list_change(name, row):
        return ChangedField(field_name(name), change=change)
    before, after = (row.before or {}).get(name), (row.after or {}).get(name)
    return ChangedField(field_name(name), shown(name, before), shown(name, after))


def field_name(name: str) -> str:
    known = FIELD_NAMES.get(name) or SETTING_NAMES.get(name)
    return _(known) if known else name


def shown(name: str, value: Any) -> str | None:
    """Return a value in words; None if there is none."""
    if value is None or isinstance(value, str):
        return value and word(name, value)
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if name in AMOUNTS and isinstance(value, int):
        return format_money(value)
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(word(name, one) for one in value)
    if isinstance(value, Mapping):
        parts = [
            (field_name(str(one)), shown(str(one), inside)) for one, inside in value.items() if one not in ENTRY_IDS
        ]
        return "; ".join(f"{label}: {text}" for label, text in parts)
    return json.dumps(value, ensure_ascii=False)


def word(name: str, value: str) -> str:
    """Return the word of a status or a role, or the text itself."""
    if name in VALUE_NAMES and value in VALUE_NAMES[name]:
        return _(VALUE_NAMES[name][value])
    return role_names().get(value, value) if name == "role" else value
