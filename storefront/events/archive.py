"""The archive of events: moves old ones from `event` to `event_archive`, in short transactions.

The database deletes an event only when the archive has it (migration 0010)."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, insert, select

from storefront.db.base import table_of
from storefront.db.tenancy import execute, tenant_scoped
from storefront.db.transactions import write, write_connection
from storefront.events.models import ArchivedEvent, events

BATCH = 1000
"""Events per transaction."""
SELECT_BATCH = tenant_scoped(
    select(events)
    .where(events.c.created_at < bindparam("before"), events.c.id > bindparam("after_id"))
    .order_by(events.c.id)
    .limit(BATCH)
)
DELETE_BATCH = tenant_scoped(delete(events).where(events.c.id.in_(bindparam("ids", expanding=True))))


def archive_events(before: datetime) -> int:
    """Move the current tenant's events before this moment. Returns their number."""
    moved, last_id = 0, 0
    while ids := move_batch(before, last_id):
        moved, last_id = moved + len(ids), ids[-1]
    return moved


def move_batch(before: datetime, after_id: int) -> Sequence[int]:
    """Move the next events after this id. Returns their ids."""
    with write():
        rows = execute(SELECT_BATCH, {"before": before, "after_id": after_id}).mappings().all()
        ids = [row["id"] for row in rows]
        if rows:
            write_connection().execute(insert(table_of(ArchivedEvent)), [dict(row) for row in rows])
            execute(DELETE_BATCH, {"ids": ids})
    return ids
