"""Appends events to the current write transaction (append-only event table)."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, insert
from sqlalchemy.dialects import postgresql, sqlite

from storefront.clock import now
from storefront.db.base import table_of
from storefront.db.tenant_context import current_tenant_id
from storefront.db.transactions import write_connection
from storefront.events.models import EventSequence, events


def record_events(events: Sequence[tuple[str, str, dict[str, Any]]]) -> None:
    """Append (kind, subject, data) for the current tenant in the current `write()`, preferably as its last statement:
    it blocks the tenant's other writers of events until the transaction ends."""
    append_events(write_connection(), current_tenant_id(), events)


def append_events(connection: Connection, tenant_id: str, events: Sequence[tuple[str, str, dict[str, Any]]]) -> None:
    """Like `record_events`, on a connection with this tenant."""
    if not events:
        return
    first, moment = next_ids(connection, tenant_id, len(events)), now()
    rows = [
        {"tenant_id": tenant_id, "id": first + i, "kind": kind, "subject": subject, "data": data, "created_at": moment}
        for i, (kind, subject, data) in enumerate(events)
    ]
    connection.execute(INSERT_EVENT, rows)


def next_ids(connection: Connection, tenant_id: str, count: int) -> int:
    """Reserve `count` consecutive ids. Return the first."""
    statement = _next_ids_statement(connection.dialect.name == "sqlite")
    last: int = connection.execute(statement, {"tenant_id": tenant_id, "last": count}).scalar_one()
    return last - count + 1


@cache
def _next_ids_statement(on_sqlite: bool) -> Any:
    counter = table_of(EventSequence)
    upsert = (sqlite if on_sqlite else postgresql).insert(counter)
    more = {"last": counter.c.last + upsert.excluded.last}
    return upsert.on_conflict_do_update(index_elements=["tenant_id"], set_=more).returning(counter.c.last)


INSERT_EVENT = insert(events)
