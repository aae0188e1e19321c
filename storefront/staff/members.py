"""People of a shop: inviting, joining, changing a role, removing."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from storefront.db.base import db
from storefront.db.engine import engines
from storefront.db.tenant_context import current_tenant_id, set_rls_tenant
from storefront.db.transactions import write, write_connection
from storefront.errors import FieldError, Invalid, NotFound
from storefront.events.actions import Change, append_events, record_events
from storefront.events.actors import Actor, ActorType, current_actor, set_actor
from storefront.events.models import EventType
from storefront.i18n.gettext import _
from storefront.i18n.locale import shopper_language
from storefront.staff.link_mails import mail_link
from storefront.staff.models import LinkKind, Membership, OneTimeLink, Person, StaffPolicy
from storefront.staff.one_time_links import (
    create_link,
    find_link,
    use_link,
    withdraw_invitations_by,
    withdraw_links,
)
from storefront.staff.passwords import hash_password, is_password
from storefront.staff.permissions import ROLES, Permission, Role
from storefront.staff.queries import find_member, find_person, find_person_of_shop, has_people
from storefront.staff.refusals import LastOwner, LinkExpired, OwnRole, SignInFailed, SignInRequired
from storefront.staff.sessions import revoke_sessions_of
from storefront.staff.validation import check_email, check_person

SETUP_LOCK_ID = 7_206_340_004
"""One person at a time is the first, also by different links."""


def create_setup_link() -> str | None:
    """Make the link by which the first person is made. Returns its token; None if a person exists."""
    with write():
        return None if has_people() else create_link(LinkKind.SETUP)


def set_up(token: str, email: str, name: str, password: str, shop_ids: list[str]) -> Person:
    """Make the first person, owner of all these shops. Raises `LinkExpired`, also if a person exists, and `Invalid`."""
    find_link(LinkKind.SETUP, token)
    email, name = check_person(email, name, password)
    password_hash = hash_password(password)
    with write(durable=True):
        engines().dialect.lock_among_machines(write_connection(), SETUP_LOCK_ID)
        use_link(LinkKind.SETUP, token)
        if has_people():
            raise LinkExpired
        person = add_person(email, name, password_hash)
        set_actor(Actor(ActorType.PERSON, person.id, person.name))
        for shop_id in shop_ids:
            join_shop(shop_id, person, Role.OWNER)
    return person


def add_person(email: str, name: str, password_hash: str) -> Person:
    """Add an account, inside `write()`."""
    person = Person(email=email, name=name, password_hash=password_hash, language=shopper_language())
    db.session.add(person)
    db.session.flush()
    return person


def join_shop(shop_id: str, person: Person, role: Role) -> None:
    """Make the person a member of any shop, inside `write()` without a tenant."""
    connection = write_connection()
    set_rls_tenant(connection, shop_id)
    row = {"tenant_id": shop_id, "person_id": person.id, "role": role, "created_by": current_actor().name}
    connection.execute(Membership.__table__.insert(), row)  # type: ignore[attr-defined]
    append_events(
        connection, shop_id, [Change(EventType.MEMBER_JOINED, person.id, after=described(person.email, role))]
    )


def described(email: str | None, role: str) -> dict[str, Any]:
    """What the audit log says of a member."""
    return {"email": email, "role": role}


def invite(email: str, role: Role, by: Role = Role.OWNER, mail_in: str | None = None) -> str:
    """Make an invitation to this shop, which replaces an earlier one to this address. `by`: the role of who invites;
    `mail_in`: the language in which it is mailed as well. Returns its token. Raises `Invalid`, also for a member,
    `OwnRole`, and `SignInRequired` for somebody who has just been removed."""
    email = check_email(email)
    if role.rank < by.rank:
        raise OwnRole
    with write():
        lock_members()
        maker = current_actor().person_id
        if maker is not None and find_member(maker) is None:
            raise SignInRequired
        if find_person_of_shop(email) is not None:
            raise Invalid(FieldError("email", _("%(email)s is already a member of this shop.", email=email)))
        token = create_link(LinkKind.INVITATION, current_tenant_id(), email, role)
        if mail_in is not None:
            mail_link(LinkKind.INVITATION, token, email, mail_in, {"inviter": current_actor().name})
        record_events([Change(EventType.MEMBER_INVITED, email, after=described(email, role))])
    return token


def lock_members() -> None:
    """Lock this shop's memberships, inside `write()`, so that changes of people follow one another. Two owners can't
    remove each other at once, and a removal finds every invitation that the person has made."""
    db.session.execute(select(Membership.person_id).order_by(Membership.person_id).with_for_update()).all()


def withdraw_invitation(email: str) -> None:
    """End the open invitation to this address. Again is no error."""
    with write():
        if withdraw_links(LinkKind.INVITATION, current_tenant_id(), email):
            record_events([Change(EventType.INVITATION_WITHDRAWN, email, before={"email": email})])


def accept(token: str, form: Mapping[str, str]) -> Person:
    """Accept an invitation to this shop with `name` and `password`. Who has an account, from another shop, enters its
    password. Raises `LinkExpired`, `Invalid`, and `SignInFailed` for a wrong password of an account."""
    link = find_link(LinkKind.INVITATION, token, current_tenant_id())
    email, password = str(link.email), form.get("password", "")
    existing, added = find_person(email), ("", "", "")
    if existing is None:
        _email, name = check_person(email, form.get("name", ""), password)
        added = (email, name, hash_password(password))
    elif not is_password(password, existing.password_hash):
        raise SignInFailed
    try:
        with write(durable=True):
            used = use_link(LinkKind.INVITATION, token, current_tenant_id())
            person = find_person(email)
            if (person is None) != (existing is None):
                raise LinkExpired  # another invitation to this address was accepted meanwhile
            person = person or add_person(*added)
            add_member(person, used)
    except IntegrityError as fault:
        raise LinkExpired from fault  # the same, at the same moment
    return person


def add_member(person: Person, link: OneTimeLink) -> None:
    """Add an invited person, inside `write()`."""
    set_actor(Actor(ActorType.PERSON, person.id, person.name))
    if find_member(person.id) is None:
        db.session.add(Membership(person_id=person.id, role=str(link.role), created_by=link.created_by))
        db.session.flush()
        record_events([Change(EventType.MEMBER_JOINED, person.id, after=described(person.email, str(link.role)))])


def change_role(person_id: str, role: Role, by: Role = Role.OWNER) -> None:
    """Who may not manage people any more can't have their invitations accepted. Raises `NotFound`, `OwnRole` for a role
    above the one of who changes it, and `LastOwner`."""
    with write():
        lock_members()
        member, email = load_member(person_id)
        before = Role(member.role)
        if role.rank < by.rank:
            raise OwnRole
        if before == role:
            return
        if before == Role.OWNER:
            check_other_owner(person_id)
        member.role = role
        db.session.flush()
        if Permission.STAFF_WRITE not in ROLES[role]:
            withdraw_invitations_by(person_id, current_tenant_id())
        record_events(
            [Change(EventType.MEMBER_ROLE_CHANGED, person_id, {"email": email}, {"role": before}, {"role": role})]
        )


def remove_member(person_id: str) -> None:
    """End a person's membership of this shop, their sessions in it, and their invitations to it. Keys that they made
    are the shop's and stay. Raises `NotFound` and `LastOwner`."""
    with write():
        lock_members()
        member, email = load_member(person_id)
        role = member.role
        if role == Role.OWNER:
            check_other_owner(person_id)
        revoke_sessions_of(person_id)
        withdraw_invitations_by(person_id, current_tenant_id())
        db.session.execute(delete(Membership).where(Membership.person_id == person_id))
        record_events([Change(EventType.MEMBER_REMOVED, person_id, before=described(email, role))])


def sign_out_member(person_id: str) -> None:
    """End all of a person's sessions in this shop. Raises `NotFound`."""
    with write():
        _member, email = load_member(person_id)
        revoke_sessions_of(person_id)
        record_events([Change(EventType.MEMBER_SIGNED_OUT, person_id, {"email": email})])


def load_member(person_id: str) -> tuple[Membership, str]:
    """Return the membership and the person's email. Raises `NotFound`."""
    found = db.session.execute(
        select(Membership, Person.email)
        .join(Person, Person.id == Membership.person_id)
        .where(Membership.person_id == person_id)
    ).one_or_none()
    if found is None:
        raise NotFound(_("We couldn't find this person in your shop."))
    return found[0], found[1]


def check_other_owner(person_id: str) -> None:
    """Raise `LastOwner` unless the shop has another owner, inside `write()` behind `lock_members`."""
    owners = db.session.scalars(select(Membership.person_id).where(Membership.role == Role.OWNER)).all()
    if not set(owners) - {person_id}:
        raise LastOwner


def require_second_factor(required: bool) -> None:
    """Require a second factor of everybody in this shop, or stop doing so."""
    with write():
        row = db.session.scalar(select(StaffPolicy))
        before = row is not None and row.second_factor_required
        if before == required:
            return
        if row is None:
            db.session.add(StaffPolicy(second_factor_required=required))
        else:
            row.second_factor_required = required
        db.session.flush()
        name = "second_factor_required"
        record_events([Change(EventType.STAFF_POLICY_CHANGED, name, before={name: before}, after={name: required})])
