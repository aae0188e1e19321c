"""The back office's lists of people, open invitations and API keys: searched, filtered, and cut into pages by keyset.

A page begins behind the row with a certain id, or ends before it. That row's sort key is read again for each page, so
that the URL holds an id only, and no name or email address."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, not_, or_, select, true, tuple_

from storefront.clock import now
from storefront.db.base import db
from storefront.staff.models import ApiKey, Membership, OneTimeLink, Person
from storefront.staff.permissions import Role
from storefront.staff.queries import is_open_invitation, member_of, select_members

PAGE_SIZE = 50


class KeyState(StrEnum):
    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True)
class ListFilter:
    """`q` is searched in names and email addresses, or names and prefixes of keys; `shown` is a role or a `KeyState`.
    Empty ones match all. A page begins behind the row with the id `after`, or ends before that with the id
    `before`."""

    q: str = ""
    shown: str = ""
    after: str = ""
    before: str = ""

    @property
    def is_narrowed(self) -> bool:
        return bool(self.q or self.shown)

    @property
    def is_first_page(self) -> bool:
        return not (self.after or self.before)


@dataclass(frozen=True)
class Page:
    """Rows, and the ids before and behind which the pages beside them lie; empty if there are none."""

    rows: Sequence[Any]
    previous: str
    next: str


@dataclass(frozen=True)
class SortKey:
    """By which columns a list is sorted, the last of them unique. `id` names a row in URLs."""

    id: Any
    columns: Sequence[Any]
    descending: bool = False


ROLE_RANK = case({role.value: role.rank for role in Role}, value=Membership.role)
BY_ROLE_AND_NAME = SortKey(Membership.person_id, (ROLE_RANK, func.lower(Person.name), Membership.person_id))
BY_EMAIL = SortKey(OneTimeLink.id, (OneTimeLink.email, OneTimeLink.id))
NEWEST_FIRST = SortKey(ApiKey.id, (ApiKey.created_at, ApiKey.id), descending=True)


def list_people(wanted: ListFilter) -> Page:
    """Return a page of `Member`s of this shop, owners first, then by name."""
    matches = [contains(wanted.q, Person.name, Person.email)]
    if wanted.shown:
        matches.append(Membership.role == wanted.shown)
    found = page_of(select_members(), BY_ROLE_AND_NAME, matches, wanted)
    return replace(found, rows=[member_of(row) for row in found.rows])


def list_invitations(tenant_id: str, wanted: ListFilter) -> Page:
    """Return a page of the `OneTimeLink`s by which this shop invites, by email address."""
    matches = [contains(wanted.q, OneTimeLink.email)]
    if wanted.shown:
        matches.append(OneTimeLink.role == wanted.shown)
    found = page_of(select(OneTimeLink).where(is_open_invitation(tenant_id)), BY_EMAIL, matches, wanted)
    return replace(found, rows=[row.OneTimeLink for row in found.rows])


def list_keys(wanted: ListFilter) -> Page:
    """Return a page of this shop's `ApiKey`s, the newest first."""
    matches = [contains(wanted.q, ApiKey.name, ApiKey.prefix)]
    if wanted.shown:
        matches.append(has_state(KeyState(wanted.shown)))
    found = page_of(select(ApiKey), NEWEST_FIRST, matches, wanted)
    return replace(found, rows=[row.ApiKey for row in found.rows])


def has_state(state: KeyState) -> ColumnElement[bool]:
    """The condition of a key's row. One that was revoked stays so after its expiry."""
    is_over = and_(ApiKey.expires_at.is_not(None), ApiKey.expires_at <= now())
    if state == KeyState.REVOKED:
        return ApiKey.revoked_at.is_not(None)
    return and_(ApiKey.revoked_at.is_(None), is_over if state == KeyState.EXPIRED else not_(is_over))


def contains(q: str, *columns: Any) -> ColumnElement[bool]:
    return or_(*(column.icontains(q, autoescape=True) for column in columns)) if q else true()


def page_of(query: Any, key: SortKey, matches: Sequence[ColumnElement[bool]], wanted: ListFilter) -> Page:
    """Read a page of the query's rows that match, each with its `row_id`."""
    start = find_start(query, key, wanted.before or wanted.after)
    is_backwards = bool(wanted.before) and start is not None
    is_rising = key.descending == is_backwards
    if start is not None:
        position = tuple_(*key.columns)
        query = query.where(position > start if is_rising else position < start)
    order = [column if is_rising else column.desc() for column in key.columns]
    query = query.add_columns(key.id.label("row_id")).where(*matches).order_by(*order)
    found = list(db.session.execute(query.limit(PAGE_SIZE + 1)))
    has_more, rows = len(found) > PAGE_SIZE, found[:PAGE_SIZE]
    if is_backwards:
        rows.reverse()
    has_previous, has_next = (has_more, True) if is_backwards else (start is not None, has_more)
    return Page(rows, rows[0].row_id if rows and has_previous else "", rows[-1].row_id if rows and has_next else "")


def find_start(query: Any, key: SortKey, id: str) -> tuple[Any, ...] | None:
    """Return the sort key of the row with this id; None if there is none, so that the list begins with its first."""
    if not id:
        return None
    found = db.session.execute(query.with_only_columns(*key.columns).where(key.id == id)).one_or_none()
    return None if found is None else tuple(found)
