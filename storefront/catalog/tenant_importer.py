"""Imports a shop and its settings of a `catalog.json`; `importer.py` its products."""

from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, select, update

from storefront.catalog.import_schema import TenantEntry
from storefront.catalog.json_file import CatalogError
from storefront.catalog.shop_settings import SECTIONS_OF, SETTINGS, settings_changes
from storefront.events.actions import Change
from storefront.tenants.legal import contact_columns
from storefront.tenants.models import Tenant

KEPT_IF_NULL = ("category_order", "upsell_enabled")
SET_BY_STAFF = (*KEPT_IF_NULL, *SETTINGS, "legal_pages")
"""Columns of a shop that a file without them leaves as they are; the first ones also where it has null."""
FIELDS_OF = {"legal_texts": "contact", "legal_pages": "contact"}
"""The field of a file that a column comes from, if it has another name."""


class ImportedTenant(NamedTuple):
    """What was done for a shop: `changed_settings` are those of an existing shop that the file has changed, as
    "shop: names"; `events` are about them."""

    is_new: bool = False
    changed_settings: tuple[str, ...] = ()
    events: tuple[Change, ...] = ()


def import_tenant(connection: Connection, entry: TenantEntry, update_existing: bool) -> ImportedTenant:
    """Add a shop, or update its settings. Raises `CatalogError` for another currency than the shop has."""
    values = entry.model_dump(mode="json", exclude={"products", "id", "labels"}, by_alias=True)
    values["taxonomy_translations"] = entry.labels
    values |= contact_columns(values["contact"])
    left_out = {
        name
        for name in SET_BY_STAFF
        if FIELDS_OF.get(name, name) not in entry.model_fields_set or (values[name] is None and name in KEPT_IF_NULL)
    }
    currency = connection.scalar(select(Tenant.currency).where(Tenant.id == entry.id))
    if currency is None:
        given = {name: value for name, value in values.items() if name not in left_out or value is not None}
        connection.execute(insert(Tenant).values(id=entry.id, **given))
        return ImportedTenant(is_new=True)
    if currency != entry.currency:
        # Prices are stored in minor units: existing ones would silently change.
        fault = f"tenant {entry.id!r}, currency: is {currency} and can't be changed to {entry.currency}"
        raise CatalogError(f"was rejected and nothing was imported:\n  {fault}")
    if not update_existing:
        return ImportedTenant()
    return update_settings(connection, entry.id, {name: values[name] for name in values if name not in left_out})


def update_settings(connection: Connection, tenant_id: str, values: dict[str, Any]) -> ImportedTenant:
    """Update a shop's columns. What it changes is reported, because it may undo what staff chose."""
    columns = [Tenant.__table__.c[name] for name in SETTINGS]
    stored = connection.execute(select(*columns).where(Tenant.id == tenant_id)).one()._asdict()
    changes = {
        name: settings_changes(SECTIONS_OF.get(name, name), {name: stored[name]}, {name: values[name]})
        for name in SETTINGS
        if name in values
    }
    connection.execute(update(Tenant).where(Tenant.id == tenant_id).values(**values))
    changed = ", ".join(name for name, events in changes.items() if events)
    return ImportedTenant(
        changed_settings=(f"{tenant_id}: {changed}",) if changed else (),
        events=tuple(event for events in changes.values() for event in events),
    )
