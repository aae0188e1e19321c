"""Reads of events for the audit log, newest first.

A page reads at most `MAX_SCANNED` events unless an index leads to those that fit, so that a filter which fits one event
of a million costs no more than one that fits all: the page then ends early, and the next one goes on from there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, or_, select

from storefront.catalog.models import Product
from storefront.db.base import db
from storefront.events.actors import ActorType
from storefront.events.models import BY_STAFF, Event
from storefront.events.queries import last_event_id
from storefront.ids import is_id
from storefront.orders.models import Order

PAGE_SIZE = 50
MAX_SCANNED = 20_000
STAFF_ACTORS = (ActorType.PERSON, ActorType.KEY, ActorType.COMMAND)
COLUMNS = (
    *(Event.id, Event.type, Event.subject, Event.data, Event.created_at),
    *(Event.actor_type, Event.actor_id, Event.actor_name, Event.before, Event.after),
)


@dataclass(frozen=True)
class AuditFilter:
    """`actor` is an `ActorType`, `type` an `EventType`, `subject` the id of an order, a product, a person or a key.
    Empty ones match all."""

    q: str = ""
    actor: str = ""
    type: str = ""
    subject: str = ""

    @property
    def is_narrowed(self) -> bool:
        return bool(self.q or self.actor or self.type or self.subject)

    def query_string(self, **more: Any) -> dict[str, Any]:
        given = {"q": self.q, "actor": self.actor, "type": self.type, "subject": self.subject, **more}
        return {name: value for name, value in given.items() if value not in ("", None)}


@dataclass(frozen=True)
class AuditPage:
    """Rows, the newest first. `newer` and `older` are the ids after and before which the next pages begin; None if
    there are none. `is_cut` says that the page ended because it had read `MAX_SCANNED` events."""

    rows: Sequence[Any]
    newer: int | None
    older: int | None
    is_cut: bool = False


def list_events(wanted: AuditFilter, after: int | None = None, before: int | None = None) -> AuditPage:
    """Return the events before this id, or those after it; the latest with neither."""
    query, is_scan = matching(wanted)
    last = last_event_id()
    if after is not None:
        return newer_events(query.where(Event.id > after), after, last, is_scan)
    high = min(before, last + 1) if before is not None else last + 1
    low = max(high - MAX_SCANNED, 1) if is_scan else 1
    found = list(
        db.session.execute(query.where(Event.id < high, Event.id >= low).order_by(Event.id.desc()).limit(PAGE_SIZE + 1))
    )
    rows, newer = found[:PAGE_SIZE], (high - 1 if high <= last else None)
    if len(found) > PAGE_SIZE:
        return AuditPage(rows, newer, rows[-1].id)
    is_cut = low > 1
    return AuditPage(rows, newer, low if is_cut else None, is_cut)


def newer_events(query: Select[Any], after: int, last: int, is_scan: bool) -> AuditPage:
    high = min(after + MAX_SCANNED, last) if is_scan else last
    found = list(db.session.execute(query.where(Event.id <= high).order_by(Event.id).limit(PAGE_SIZE + 1)))
    rows = found[:PAGE_SIZE]
    has_more = len(found) > PAGE_SIZE
    newer = rows[-1].id if has_more else high if high < last else None
    return AuditPage(rows[::-1], newer, after + 1, not has_more and high < last)


def matching(wanted: AuditFilter) -> tuple[Select[Any], bool]:
    """Return the query of the filter, and whether it has to look at each event."""
    query, is_scan = select(*COLUMNS), False
    if wanted.actor in STAFF_ACTORS:
        query = query.where(BY_STAFF)
    elif wanted.actor:
        is_scan = True
    if wanted.actor:
        query = query.where(Event.actor_type == wanted.actor)
    if wanted.type:
        query, is_scan = query.where(Event.type == wanted.type), is_scan or wanted.actor not in STAFF_ACTORS
    subject = wanted.subject or find_subject(wanted.q)
    if subject:
        return query.where(Event.subject == subject), False
    if wanted.q:
        typed = wanted.q.casefold().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        pattern = f"%{typed}%"
        named = or_(
            func.lower(Event.actor_name).like(pattern, escape="\\"),
            func.lower(Event.subject).like(pattern, escape="\\"),
        )
        query, is_scan = query.where(named), is_scan or wanted.actor not in STAFF_ACTORS
    return query, is_scan


def find_subject(q: str) -> str:
    """Return the id of the order with this number, or of the product with this id; empty if there is neither."""
    if not is_id(q):
        return ""
    order: str | None = db.session.scalar(select(Order.id).where(Order.number == q.upper()))
    return order or db.session.scalar(select(Product.id).where(Product.id == q)) or ""


def find_event(id: int) -> Any:
    """Return the event with this id, or None."""
    return db.session.execute(select(*COLUMNS).where(Event.id == id)).one_or_none()


def order_numbers(ids: Sequence[str]) -> dict[str, str]:
    """Return the numbers of those of the orders that exist, by id."""
    return {row.id: row.number for row in db.session.execute(select(Order.id, Order.number).where(Order.id.in_(ids)))}
