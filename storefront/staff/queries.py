"""Reads of people, memberships, sessions, links and keys. `person`, `recovery_code` and `one_time_link` belong to no
shop, so nothing scopes their statements: every one stands here or in this package's actions."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from storefront.clock import now
from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.staff.models import ApiKey, LinkKind, Membership, OneTimeLink, Person, StaffPolicy, StaffSession
from storefront.staff.permissions import Role

SESSION_LIFETIME = timedelta(days=14)
"""After its last use."""


class SessionRow(NamedTuple):
    """A valid session with its person and their role in this shop."""

    session: StaffSession
    person: Person
    role: Role


class Member(NamedTuple):
    person: Person
    role: Role
    since: datetime
    last_seen_at: datetime | None


def has_people() -> bool:
    """Whether any person exists, in whatever shop."""
    return db.session.scalar(select(func.count()).select_from(Person).limit(1)) != 0


def find_person(email: str) -> Person | None:
    """Find by an `account_email`."""
    return db.session.scalar(select(Person).where(Person.email == email))


def find_member(person_id: str) -> Membership | None:
    """The person's membership of this shop."""
    return db.session.scalar(select(Membership).where(Membership.person_id == person_id))


def shops_of(person_id: str, shop_ids: Iterable[str]) -> list[str]:
    """Return those of these shops in which the person works. Each is asked by itself, because row-level security shows
    a shop's memberships to that shop only."""
    found = []
    for shop_id in shop_ids:
        with tenant_context(shop_id):
            if find_member(person_id) is not None:
                found.append(shop_id)
    return found


def find_person_of_shop(email: str) -> Person | None:
    """Find by an `account_email` among this shop's people."""
    return db.session.scalar(
        select(Person).join(Membership, Membership.person_id == Person.id).where(Person.email == email)
    )


def is_live() -> ColumnElement[bool]:
    """The condition of a session's row and its person's, which are joined."""
    return (
        StaffSession.revoked_at.is_(None)
        & (StaffSession.last_seen_at > now() - SESSION_LIFETIME)
        & or_(Person.signed_out_at.is_(None), Person.signed_out_at <= StaffSession.created_at)
    )


def find_session(id: str) -> SessionRow | None:
    """A session that is neither revoked nor expired, of a person who is still a member."""
    found = db.session.execute(
        select(StaffSession, Person, Membership.role)
        .join(Person, Person.id == StaffSession.person_id)
        .join(Membership, Membership.person_id == Person.id)
        .where(StaffSession.id == id, is_live())
    ).one_or_none()
    return None if found is None else SessionRow(found[0], found[1], Role(found[2]))


def sessions_of(person_id: str) -> Sequence[StaffSession]:
    """The person's live sessions in this shop, the latest used first."""
    return db.session.scalars(
        select(StaffSession)
        .join(Person, Person.id == StaffSession.person_id)
        .where(StaffSession.person_id == person_id, is_live())
        .order_by(StaffSession.last_seen_at.desc(), StaffSession.id)
    ).all()


def select_members() -> Select[Person, str, datetime, datetime]:
    """This shop's people, in no order; `member_of` reads a row."""
    seen = (
        select(func.max(StaffSession.last_seen_at))
        .where(StaffSession.person_id == Membership.person_id, StaffSession.tenant_id == Membership.tenant_id)
        .scalar_subquery()
    )
    return (
        select(Person, Membership.role, Membership.created_at, seen.label("last_seen_at"))
        .select_from(Membership)
        .join(Person, Person.id == Membership.person_id)
    )


def member_of(row: Any) -> Member:
    return Member(row.Person, Role(row.role), row.created_at, row.last_seen_at)


def all_members() -> list[Member]:
    """All of this shop's people, owners first, then by name."""
    rows = db.session.execute(select_members().order_by(Person.name, Person.email)).all()
    return sorted(map(member_of, rows), key=lambda member: member.role.rank)


def is_open_invitation(tenant_id: str) -> ColumnElement[bool]:
    """The condition of a link by which this shop invites."""
    return and_(
        OneTimeLink.shop_id == tenant_id,
        OneTimeLink.kind == LinkKind.INVITATION,
        OneTimeLink.used_at.is_(None),
        OneTimeLink.expires_at > now(),
    )


def find_key(prefix: str) -> Sequence[ApiKey]:
    """This shop's keys with this prefix: seldom more than one."""
    return db.session.scalars(select(ApiKey).where(ApiKey.prefix == prefix)).all()


def all_keys() -> Sequence[ApiKey]:
    """All of this shop's keys, the newest first, with those that were revoked or have expired."""
    return db.session.scalars(select(ApiKey).order_by(ApiKey.created_at.desc(), ApiKey.id)).all()


def member_ids() -> set[str]:
    """The ids of this shop's people."""
    return set(db.session.scalars(select(Membership.person_id)))


def count_working_keys(person_id: str) -> int:
    """Return how many of this shop's keys that a person made still work."""
    works = ApiKey.revoked_at.is_(None) & or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > now())
    query = select(func.count()).select_from(ApiKey).where(ApiKey.created_by_id == person_id, works)
    return db.session.scalar(query) or 0


def second_factor_required() -> bool:
    """Whether this shop requires a second factor of its people."""
    return bool(db.session.scalar(select(StaffPolicy.second_factor_required)))
