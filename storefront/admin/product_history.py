"""What happened to a product, in words, by whom."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storefront.admin.change_words import list_change
from storefront.admin.order_words import actor_text
from storefront.admin.product_words import STATUS_NAMES
from storefront.events.models import EventType
from storefront.events.queries import events_of
from storefront.i18n.formatting import format_integer, format_money
from storefront.i18n.gettext import N_, _

MAX_EVENTS, MAX_ENTRIES = 200, 15
"""How many of the latest events are read, most of which may be sales, and how many changes are shown."""
FIELD_NAMES: Mapping[str, str] = {
    "name": N_("Name"),
    "name_translations": N_("Other languages"),
    "description": N_("Description"),
    "description_translations": N_("Other languages"),
    "category": N_("Category"),
    "tags": N_("Tags"),
    "image": N_("Picture"),
    "options": N_("Options"),
    "options_translations": N_("Other languages"),
    "status": N_("Status"),
    "sku": N_("SKU"),
    "gtin": N_("GTIN"),
    "tax_class": N_("Tax class"),
    "weight": N_("Weight in grams"),
}
SHORT_FIELDS = ("name", "category", "status", "sku", "gtin", "tax_class", "weight")
"""Fields whose values are shown, as they were and as they are."""


@dataclass(frozen=True)
class HistoryEntry:
    """A change of a product: `note` is the reason that staff gave, or the values of short fields."""

    moment: datetime
    text: str
    by: str
    note: str = ""


def product_history(product_id: str) -> list[HistoryEntry]:
    """Return the latest changes by staff, the latest first. Sales aren't among them."""
    return list(entries(events_of(product_id, MAX_EVENTS)))[:MAX_ENTRIES]


def entries(events: Iterable[Any]) -> Iterable[HistoryEntry]:
    for event in events:
        if event.after and (text := event_text(event)):
            variant = event.data.get("variant_id")
            notes = [variant or "", event.data.get("reason", ""), *short_values(event)]
            note = " · ".join(part for part in notes if part)
            yield HistoryEntry(event.created_at, text, actor_text(event.actor_type, event.actor_name), note)
        elif event.type == EventType.MERCHANDISING_CHANGED:
            by = actor_text(event.actor_type, event.actor_name)
            yield HistoryEntry(event.created_at, _("Suggestions changed"), by)


def event_text(event: Any) -> str:
    """Return what happened; empty for what isn't shown here."""
    before, after = event.before or {}, event.after
    if event.type == EventType.PRODUCT_CREATED:
        return _("Created")
    if event.type == EventType.STOCK_CHANGED:
        values = {"before": format_integer(before.get("stock", 0)), "after": format_integer(after["stock"])}
        return _("Stock: %(before)s → %(after)s", **values)
    if event.type == EventType.PRICE_CHANGED:
        values = {"before": format_money(before.get("price", 0)), "after": format_money(after["price"])}
        return _("Price: %(before)s → %(after)s", **values)
    if event.type == EventType.PRODUCT_CHANGED:
        return variant_change(event) or change_text(after)
    return ""


def variant_change(event: Any) -> str:
    """Return which variant was added or removed; empty if none was."""
    before, after = event.before or {}, event.after or {}
    if event.type == EventType.PRODUCT_CHANGED and after.get("variant"):
        return _("Variant added: %(variant)s", variant=after["variant"])
    if event.type == EventType.PRODUCT_CHANGED and before.get("variant"):
        return _("Variant removed: %(variant)s", variant=before["variant"])
    return ""


def change_text(after: Mapping[str, Any]) -> str:
    """Return which fields were changed."""
    fields = dict.fromkeys(_(FIELD_NAMES[name]) for name in after if name in FIELD_NAMES)
    return _("Changed: %(fields)s", fields=", ".join(fields))


def short_values(event: Any) -> Iterable[str]:
    if event.type == EventType.PRODUCT_CHANGED:
        for name in SHORT_FIELDS:
            if name in event.after:
                yield f"{shown(name, (event.before or {}).get(name))} → {shown(name, event.after[name])}"
        if "options" in event.after:
            yield list_change("options", event)


def shown(name: str, value: Any) -> str:
    if name == "status":
        return _(STATUS_NAMES.get(value, value))
    return "–" if value in (None, "") else str(value)
