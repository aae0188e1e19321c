"""Appending events to the running write transaction."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, insert

from storefront.clock import now
from storefront.db.base import table_of
from storefront.db.dialects import Dialect
from storefront.db.engine import engines
from storefront.db.tenant_context import current_tenant_id
from storefront.db.transactions import write_connection
from storefront.events.models import EventSequence, events


def record_events(events: Sequence[tuple[str, str, dict[str, Any]]]) -> None:
    """Append (type, subject, data) for the current tenant to the running `write()`, best as its last act: the tenant's
    other writers of events wait from here on until it ends."""
    append_events(write_connection(), current_tenant_id(), events)


def append_events(bound: Connection, tenant_id: str, events: Sequence[tuple[str, str, dict[str, Any]]]) -> None:
    """The same on a connection that was bound to this tenant."""
    if not events:
        return
    first, moment = next_ids(bound, tenant_id, len(events)), now()
    rows = [
        {"tenant_id": tenant_id, "id": first + i, "type": type, "subject": subject, "data": data, "created_at": moment}
        for i, (type, subject, data) in enumerate(events)
    ]
    bound.execute(INSERT_EVENT, rows)


def next_ids(bound: Connection, tenant_id: str, many: int) -> int:
    """The first of so many ids that follow each other."""
    statement = _next_ids_statement(engines().dialect)
    last: int = bound.execute(statement, {"tenant_id": tenant_id, "last_id": many}).scalar_one()
    return last - many + 1


@cache
def _next_ids_statement(dialect: Dialect) -> Any:
    counter = table_of(EventSequence)
    counting = dialect.insert(counter)
    more = {"last_id": counter.c.last_id + counting.excluded.last_id}
    return counting.on_conflict_do_update(index_elements=["tenant_id"], set_=more).returning(counter.c.last_id)


INSERT_EVENT = insert(events)
