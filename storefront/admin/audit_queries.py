"""Reads of events for the audit log, newest first.

A page reads at most `MAX_SCANNED` events, of all, of the staff's, or of a subject's, whichever an index leads to. So a
filter that fits one event of a million costs no more than one that fits all: the page then ends early, and the next one
goes on from there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, or_, select

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
    by_index, filters = matching(wanted)
    last = last_event_id()
    if after is not None:
        return newer_events(by_index, filters, after, last)
    high = min(before, last + 1) if before is not None else last + 1
    low = lowest_to_scan(by_index, high) if filters else 1
    query = select(*COLUMNS).where(*by_index, *filters, Event.id < high, Event.id >= low).order_by(Event.id.desc())
    found = list(db.session.execute(query.limit(PAGE_SIZE + 1)))
    rows, newer = found[:PAGE_SIZE], (high - 1 if high <= last else None)
    if len(found) > PAGE_SIZE:
        return AuditPage(rows, newer, rows[-1].id)
    is_cut = low > 1
    return AuditPage(rows, newer, low if is_cut else None, is_cut)


def newer_events(by_index: list[Any], filters: list[Any], after: int, last: int) -> AuditPage:
    high = highest_to_scan(by_index, after, last) if filters else last
    query = select(*COLUMNS).where(*by_index, *filters, Event.id > after, Event.id <= high).order_by(Event.id)
    found = list(db.session.execute(query.limit(PAGE_SIZE + 1)))
    rows = found[:PAGE_SIZE]
    has_more = len(found) > PAGE_SIZE
    newer = rows[-1].id if has_more else high if high < last else None
    return AuditPage(rows[::-1], newer, after + 1, not has_more and high < last)


def lowest_to_scan(by_index: list[Any], high: int) -> int:
    """Return the id at which a page that reads down from `high`, exclusive, has read `MAX_SCANNED` events; ids are
    gapless."""
    if not by_index:
        return max(high - MAX_SCANNED, 1)
    query = select(Event.id).where(*by_index, Event.id < high).order_by(Event.id.desc())
    return db.session.scalar(query.offset(MAX_SCANNED - 1).limit(1)) or 1


def highest_to_scan(by_index: list[Any], after: int, last: int) -> int:
    """Return the id at which a page that reads up from `after`, exclusive, has read `MAX_SCANNED` events."""
    if not by_index:
        return min(after + MAX_SCANNED, last)
    query = select(Event.id).where(*by_index, Event.id > after).order_by(Event.id)
    return db.session.scalar(query.offset(MAX_SCANNED - 1).limit(1)) or last


def matching(wanted: AuditFilter) -> tuple[list[Any], list[Any]]:
    """Return the conditions that an index leads to, and those for which each event is read."""
    subject = wanted.subject or find_subject(wanted.q)
    by_index = [Event.subject == subject] if subject else [BY_STAFF] if wanted.actor in STAFF_ACTORS else []
    filters: list[Any] = []
    if wanted.actor:
        filters.append(Event.actor_type == wanted.actor)
    if wanted.type:
        filters.append(Event.type == wanted.type)
    if wanted.q and not subject:
        typed = wanted.q.casefold().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        pattern = f"%{typed}%"
        named = or_(
            func.lower(Event.actor_name).like(pattern, escape="\\"),
            func.lower(Event.subject).like(pattern, escape="\\"),
        )
        filters.append(named)
    return by_index, filters


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
