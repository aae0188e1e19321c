"""Removes a shop with everything in it.

The removal begins with a row of `shop_removal`, committed before anything else: from then on the shop isn't served, and
only while the row says that the removal isn't finished does the database let the shop's events be deleted. The row can
neither be changed afterwards nor deleted, so that who deletes events leaves a trace. A removal that was interrupted
goes on when it is started again."""

import shutil
from collections.abc import Callable
from typing import Any

from sqlalchemy import Table, delete, func, select, tuple_, update

from storefront.clock import now
from storefront.db.base import Base, db, table_of
from storefront.db.tenant_context import tenant_context
from storefront.db.transactions import write, write_connection
from storefront.errors import NotFound
from storefront.events.actors import current_actor
from storefront.ids import new_id
from storefront.staff.models import OneTimeLink
from storefront.tenants.models import ShopRemoval, Tenant
from storefront.tenants.registry import registry
from storefront.web.media import folder_of

BATCH = 2000
"""Rows per transaction."""
removals = table_of(ShopRemoval)
Progress = Callable[[str, int], None]
"""Called with a table's name and the number of rows that were deleted from it."""


def find_tenant(tenant_id: str) -> Tenant:
    """Return a shop, also one that is being removed. Raises `NotFound`."""
    row = db.session.get(Tenant, tenant_id)
    if row is None:
        raise NotFound(f"there is no shop {tenant_id!r}")
    return row


def count_rows(tenant_id: str, names: tuple[str, ...]) -> dict[str, int]:
    """Return how many rows the shop has in each of these tables."""
    found = {}
    with tenant_context(tenant_id), write():
        for table in tenant_tables():
            if table.name in names:
                query = select(func.count()).select_from(table).where(table.c.tenant_id == tenant_id)
                found[table.name] = write_connection().execute(query).scalar_one()
    return found


def remove_shop(tenant_id: str, progress: Progress = lambda _name, _count: None) -> None:
    """Remove a shop for good. Raises `NotFound`."""
    name = find_tenant(tenant_id).name
    begin_removal(tenant_id, name)
    with tenant_context(tenant_id):
        for table in tenant_tables():
            if deleted := delete_rows(table, tenant_id):
                progress(table.name, deleted)
        finish_removal(tenant_id)
        shutil.rmtree(folder_of(tenant_id), ignore_errors=True)
    registry().invalidate()


def tenant_tables() -> list[Table]:
    """The tables with rows of tenants, those that refer to others first; the archive behind the events."""
    found = [table for table in reversed(Base.metadata.sorted_tables) if "tenant_id" in table.c]
    return sorted(found, key=lambda table: table.name == "event_archive")


def begin_removal(tenant_id: str, name: str) -> None:
    with write(durable=True):
        is_begun = select(removals.c.id).where(removals.c.shop_id == tenant_id, removals.c.finished_at.is_(None))
        if write_connection().execute(is_begun).first() is None:
            row = {"id": new_id(), "shop_id": tenant_id, "name": name, "started_at": now()}
            by = current_actor().name or current_actor().type.value
            write_connection().execute(removals.insert().values(**row, started_by=by))
    registry().invalidate()


def delete_rows(table: Table, tenant_id: str) -> int:
    """Delete the shop's rows in short transactions. Returns their number."""
    total = 0
    while deleted := delete_batch(table, tenant_id):
        total += deleted
    return total


def delete_batch(table: Table, tenant_id: str) -> int:
    key: Any = tuple_(*table.primary_key.columns)
    some = select(*table.primary_key.columns).where(table.c.tenant_id == tenant_id).limit(BATCH)
    with write():
        return write_connection().execute(delete(table).where(table.c.tenant_id == tenant_id, key.in_(some))).rowcount


def finish_removal(tenant_id: str) -> None:
    """Delete the shop itself, and what a process that didn't know yet has added meanwhile."""
    with write(durable=True):
        connection = write_connection()
        for table in tenant_tables():
            connection.execute(delete(table).where(table.c.tenant_id == tenant_id))
        connection.execute(delete(table_of(OneTimeLink)).where(table_of(OneTimeLink).c.shop_id == tenant_id))
        connection.execute(delete(table_of(Tenant)).where(table_of(Tenant).c.id == tenant_id))
        begun = (removals.c.shop_id == tenant_id, removals.c.finished_at.is_(None))
        connection.execute(update(removals).where(*begun).values(finished_at=now()))
