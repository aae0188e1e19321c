"""Staff sessions: the cookie, and the rows that it stands for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from flask import g, request
from sqlalchemy import delete, update
from werkzeug.wrappers import Response

from storefront.clock import now
from storefront.db.base import db
from storefront.db.transactions import write
from storefront.events.actors import Actor, ActorType, set_actor
from storefront.ids import new_token
from storefront.staff.models import Person, StaffSession
from storefront.staff.permissions import ROLES, Permission, Role
from storefront.staff.queries import SESSION_LIFETIME, find_session, second_factor_required
from storefront.staff.secrets import digest

COOKIE = "staff"
CONFIRMATION_LIFETIME = timedelta(minutes=30)
"""How long after entering the password one may manage people and keys."""
LAST_SEEN_INTERVAL = timedelta(minutes=1)
MAX_BROWSER_LENGTH = 200
KEPT_AFTER_END = timedelta(days=90)


@dataclass(frozen=True)
class SignedIn:
    """The person of this request, and what they may do in this shop."""

    session_id: str
    person: Person
    role: Role
    is_confirmed: bool
    """Whether the password was entered within `CONFIRMATION_LIFETIME`."""
    needs_second_factor: bool
    """The shop requires one, and the person has none: they may only set it up."""

    @property
    def permissions(self) -> frozenset[Permission]:
        return ROLES[self.role]

    def may(self, permission: str) -> bool:
        """Raises `ValueError` for a name that is no permission."""
        return Permission(permission) in self.permissions


def signed_in() -> SignedIn:
    """The person of this request. Only views behind `requires` may ask."""
    found: SignedIn = g.staff
    return found


def load_session() -> SignedIn | None:
    """Find the request's session, mark it as used, and act as its person. None without a valid one."""
    token = request.cookies.get(COOKIE, "")
    found = find_session(digest("session", token)) if token else None
    if found is None:
        return None
    session, person, role = found
    moment = now()
    g.staff = SignedIn(
        session.id,
        person,
        role,
        is_confirmed=moment - session.confirmed_at < CONFIRMATION_LIFETIME,
        needs_second_factor=not person.has_second_factor and second_factor_required(),
    )
    set_actor(Actor(ActorType.PERSON, person.id, person.name))
    if moment - session.last_seen_at >= LAST_SEEN_INTERVAL:
        with write():
            db.session.execute(update(StaffSession).where(StaffSession.id == session.id).values(last_seen_at=moment))
    return signed_in()


def begin_session(person: Person) -> str:
    """Begin a session of this shop, inside `write()`, and end the one that the browser had. Returns the cookie's
    token."""
    if former := request.cookies.get(COOKIE):
        revoke_sessions([digest("session", former)])
    db.session.execute(
        delete(StaffSession).where(StaffSession.last_seen_at < now() - SESSION_LIFETIME - KEPT_AFTER_END)
    )
    token = new_token()
    browser = " ".join(request.headers.get("User-Agent", "").split())[:MAX_BROWSER_LENGTH]
    db.session.add(
        StaffSession(
            id=digest("session", token), person_id=person.id, address=request.remote_addr or "", browser=browser
        )
    )
    return token


def confirm_session() -> None:
    """Note that the password was entered."""
    with write():
        db.session.execute(
            update(StaffSession).where(StaffSession.id == signed_in().session_id).values(confirmed_at=now())
        )


def revoke_sessions(ids: Sequence[str]) -> None:
    """End these sessions of this shop, inside `write()`."""
    db.session.execute(
        update(StaffSession).where(StaffSession.id.in_(ids), StaffSession.revoked_at.is_(None)).values(revoked_at=now())
    )


def revoke_sessions_of(person_id: str) -> None:
    """End all sessions of a person in this shop, inside `write()`."""
    db.session.execute(
        update(StaffSession)
        .where(StaffSession.person_id == person_id, StaffSession.revoked_at.is_(None))
        .values(revoked_at=now())
    )


def set_session_cookie(response: Response, token: str, script_root: str) -> None:
    """Set the cookie of the shop at this root."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=SESSION_LIFETIME,
        path=script_root + "/admin",
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )


def remove_session_cookie(response: Response) -> None:
    response.delete_cookie(
        COOKIE, path=request.script_root + "/admin", secure=request.is_secure, httponly=True, samesite="Lax"
    )
