"""A shop's settings as staff changes them in the back office: checked as a catalogue file is, and recorded."""

from collections.abc import Callable, Mapping
from typing import Any

from storefront.db.base import db
from storefront.db.transactions import write
from storefront.errors import Conflict
from storefront.events.actions import Change, record_events
from storefront.events.models import EventType
from storefront.i18n.gettext import N_, _
from storefront.tenants.models import NOT_ITS_KEY, Tenant
from storefront.tenants.registry import registry

SETTINGS = ("country", "timezone", "contact", "legal_texts", "shipping", "payment", "tax", "promotions")
"""The columns of a shop that staff changes."""
SECTIONS_OF = {"country": "shop", "timezone": "shop", "contact": "shop", "legal_texts": "legal"}
"""The section of the back office that a column belongs to, if it isn't named as the column is."""


class SettingsConflict(Conflict):
    """Somebody else changed the same fields since the form was opened. `current` has their values by field, as the form
    shows them."""

    type = "edit-conflict"
    title = N_("Somebody else changed these settings")

    def __init__(self, current: Mapping[str, str]) -> None:
        super().__init__(
            _("Somebody else changed these settings while you were editing. Compare them, then save again.")
        )
        self.current = current


def change_settings(shop_id: str, section: str, change: Callable[[Tenant], Mapping[str, Any]]) -> None:
    """Change a shop's columns to those that `change` returns for its locked row, and record what is different.
    `section` is what the event is about. What `change` raises leaves the shop as it was."""
    with write():
        row = db.session.get_one(Tenant, shop_id, with_for_update=NOT_ITS_KEY, populate_existing=True)
        after = change(row)
        before = {name: getattr(row, name) for name in after}
        for name, value in after.items():
            setattr(row, name, value)
        record_events(settings_changes(section, before, after))
    registry().invalidate()


def settings_changes(section: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Return the event of changed settings, with only what is different; none if nothing is."""
    old, new = flat(before), flat(after)
    names = [name for name in dict.fromkeys([*old, *new]) if old.get(name) != new.get(name)]
    if not names:
        return []
    values = [{name: one[name] for name in names if name in one} for one in (old, new)]
    return [Change(EventType.SETTINGS_CHANGED, section, {}, *values)]


def flat(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of settings by name: members of an object one by one, entries of a list by their id or code.
    What has no value is left out."""
    found: dict[str, Any] = {}
    for name, value in columns.items():
        if name == "legal_pages":  # the names of the texts beside it
            continue
        if isinstance(value, Mapping):
            found |= value
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            found |= {str(entry.get("id") or entry.get("code")): without_empty(entry) for entry in value}
            found[name] = list(found)
        else:
            found[name] = value
    return {name: value for name, value in found.items() if value not in (None, "", [], {})}


def without_empty(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if value not in (None, [], {}, False)}
