"""Appends events to the current write transaction (append-only event table)."""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert

from storefront.clock import now
from storefront.db.base import table_of
from storefront.db.dialects import Dialect
from storefront.db.engine import engines
from storefront.db.tenant_context import current_tenant_id
from storefront.db.transactions import write_connection
from storefront.events.actors import current_actor
from storefront.events.models import EventSequence, events


class Change(NamedTuple):
    """An event with the values that changed, as they were and as they are."""

    type: str
    subject: str
    data: dict[str, Any] = {}
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None


NewEvent = tuple[str, str, dict[str, Any]] | Change
"""A change, or its type, subject and data only."""


def record_events(events: Sequence[NewEvent]) -> None:
    """Append the events of the current tenant in the current `write()`, preferably as its last statement: it blocks the
    tenant's other writers of events until the transaction ends. Who made them is the `current_actor()`."""
    append_events(write_connection(), current_tenant_id(), events)


def append_events(connection: Connection, tenant_id: str, events: Sequence[NewEvent]) -> None:
    """Like `record_events`, on a connection with this tenant."""
    if not events:
        return
    first, moment, actor = next_ids(connection, tenant_id, len(events)), now(), current_actor()
    who = {"actor_type": actor.type, "actor_id": actor.id, "actor_name": actor.name}
    rows = [
        {"tenant_id": tenant_id, "id": first + i, "created_at": moment, **who, **Change(*event)._asdict()}
        for i, event in enumerate(events)
    ]
    connection.execute(INSERT_EVENT, rows)


def next_ids(connection: Connection, tenant_id: str, count: int) -> int:
    """Reserve `count` consecutive ids. Return the first."""
    statement = _next_ids_statement(engines().dialect)
    last: int = connection.execute(statement, {"tenant_id": tenant_id, "last_id": count}).scalar_one()
    return last - count + 1


@cache
def _next_ids_statement(dialect: Dialect) -> Any:
    counter = table_of(EventSequence)
    upsert = dialect.insert(counter)
    more = {"last_id": counter.c.last_id + upsert.excluded.last_id}
    return upsert.on_conflict_do_update(index_elements=["tenant_id"], set_=more).returning(counter.c.last_id)


INSERT_EVENT = insert(events)
