"""What happened in a shop: one append-only table, written in the same transaction as the change itself."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import JSON, BigInteger, Connection, bindparam, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from storefront.clock import UtcDateTime, now
from storefront.db.base import Model, table_of
from storefront.db.tenancy import OwnedByTenant, execute, tenant_scoped
from storefront.db.tenant_context import current_tenant_id
from storefront.db.transactions import write_connection

ORDER_PLACED = "order.placed"
ORDER_CANCELLED = "order.cancelled"
STOCK_CHANGED = "stock.changed"
PRICE_CHANGED = "price.changed"


class Event(OwnedByTenant, Model):
    """`subject` is the id of the product or order that it happened to. A tenant's ids count up without a gap, in the
    order in which the changes were committed: who has seen one has seen all before it."""

    __tablename__ = "event"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[str]
    subject: Mapped[str]
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class EventCounter(OwnedByTenant, Model):
    """The id of a tenant's latest event. Its row is locked from the writing of an event to the end of the transaction,
    so that ids are committed in their order."""

    __tablename__ = "event_counter"

    last: Mapped[int] = mapped_column(BigInteger)


def record(happenings: Sequence[tuple[str, str, dict[str, Any]]]) -> None:
    """Append (kind, subject, data) for the current tenant to the running `write()`, best as its last act: the tenant's
    other writers of events wait from here on until it ends."""
    append(write_connection(), current_tenant_id(), happenings)


def append(bound: Connection, tenant_id: str, happenings: Sequence[tuple[str, str, dict[str, Any]]]) -> None:
    """The same on a connection that was bound to this tenant."""
    if not happenings:
        return
    first, moment = take_ids(bound, tenant_id, len(happenings)), now()
    rows = [
        {"tenant_id": tenant_id, "id": first + i, "kind": kind, "subject": subject, "data": data, "created_at": moment}
        for i, (kind, subject, data) in enumerate(happenings)
    ]
    bound.execute(ADD, rows)


def take_ids(bound: Connection, tenant_id: str, many: int) -> int:
    """The first of so many ids that follow each other."""
    statement = taking_ids(bound.dialect.name == "sqlite")
    last: int = bound.execute(statement, {"tenant_id": tenant_id, "last": many}).scalar_one()
    return last - many + 1


@cache
def taking_ids(on_sqlite: bool) -> Any:
    counter = table_of(EventCounter)
    counting = (sqlite if on_sqlite else postgresql).insert(counter)
    more = {"last": counter.c.last + counting.excluded.last}
    return counting.on_conflict_do_update(index_elements=["tenant_id"], set_=more).returning(counter.c.last)


events = table_of(Event)
ADD = insert(events)
AFTER = tenant_scoped(
    select(events.c.id, events.c.kind, events.c.subject, events.c.data)
    .where(events.c.id > bindparam("id"), events.c.kind.in_(bindparam("kinds", expanding=True)))
    .order_by(events.c.id)
    .limit(bindparam("limit"))
)


LAST = tenant_scoped(select(table_of(EventCounter).c.last))
BEFORE = tenant_scoped(
    select(events.c.id).where(events.c.created_at < bindparam("moment")).order_by(events.c.id.desc()).limit(1)
)
COUNT = tenant_scoped(
    select(func.count()).select_from(events).where(events.c.kind.in_(bindparam("kinds", expanding=True)))
)


def count_events(kinds: Sequence[str]) -> int:
    """How many of these kinds the tenant has."""
    return int(execute(COUNT, {"kinds": list(kinds)}).scalar_one())


def last_event_id() -> int:
    """The id of the tenant's latest event, 0 before the first."""
    return int(execute(LAST).scalar() or 0)


def events_after(id: int, kinds: Sequence[str], limit: int) -> Sequence[Any]:
    """The tenant's next events of these kinds: rows of (id, kind, subject, data)."""
    return execute(AFTER, {"id": id, "kinds": list(kinds), "limit": limit}).all()


def last_event_before(moment: datetime) -> int:
    """The id of the tenant's latest event that is older than this moment, 0 when there is none. Quick for moments that
    are not long ago."""
    return int(execute(BEFORE, {"moment": moment}).scalar() or 0)
