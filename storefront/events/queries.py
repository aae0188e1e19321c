"""Reads of events."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, select

from storefront.db.base import table_of
from storefront.db.tenancy import execute, tenant_scoped
from storefront.events.models import ArchivedEvent, EventSequence, events

EVENTS_AFTER = tenant_scoped(
    select(events.c.id, events.c.type, events.c.subject, events.c.data)
    .where(events.c.id > bindparam("id"), events.c.type.in_(bindparam("types", expanding=True)))
    .order_by(events.c.id)
    .limit(bindparam("limit"))
)
AUDIT_EVENTS_AFTER = tenant_scoped(
    select(events).where(events.c.id > bindparam("id")).order_by(events.c.id).limit(bindparam("limit"))
)
EVENTS_OF_SUBJECT = {
    table: tenant_scoped(
        select(table)
        .where(table.c.subject == bindparam("subject"))
        .order_by(table.c.id.desc())
        .limit(bindparam("limit"))
    )
    for table in (events, table_of(ArchivedEvent))
}
SELECT_LAST_EVENT_ID = tenant_scoped(select(table_of(EventSequence).c.last_id))
SELECT_LAST_EVENT_ID_BEFORE = tenant_scoped(
    select(events.c.id).where(events.c.created_at < bindparam("moment")).order_by(events.c.id.desc()).limit(1)
)
COUNT_EVENTS = tenant_scoped(
    select(func.count()).select_from(events).where(events.c.type.in_(bindparam("types", expanding=True)))
)


def count_events(types: Sequence[str]) -> int:
    """Return the number of the tenant's events of these kinds."""
    return int(execute(COUNT_EVENTS, {"types": list(types)}).scalar_one())


def last_event_id() -> int:
    """Return the id of the tenant's latest event; 0 if there is none."""
    return int(execute(SELECT_LAST_EVENT_ID).scalar() or 0)


def events_after(id: int, types: Sequence[str], limit: int) -> Sequence[Any]:
    """Return the tenant's next events of these types after `id`: rows of (id, type, subject, data)."""
    return execute(EVENTS_AFTER, {"id": id, "types": list(types), "limit": limit}).all()


def audit_events_after(id: int, limit: int) -> Sequence[Any]:
    """Return the tenant's next events of all types after `id`, with who made them."""
    return execute(AUDIT_EVENTS_AFTER, {"id": id, "limit": limit}).all()


def events_of(subject: str, limit: int) -> list[Any]:
    """Return what happened to an order, a product, a person or a key, the latest first, archived events too."""
    found: list[Any] = []
    for statement in EVENTS_OF_SUBJECT.values():
        if len(found) < limit:
            found += execute(statement, {"subject": subject, "limit": limit - len(found)})
    return found


def last_event_before(moment: datetime) -> int:
    """Return the id of the tenant's latest event before `moment`; 0 if there is none. Fast only for recent times."""
    return int(execute(SELECT_LAST_EVENT_ID_BEFORE, {"moment": moment}).scalar() or 0)
