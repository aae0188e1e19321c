"""One-time links: setting up the first person, accepting an invitation, choosing a new password."""

from datetime import timedelta

from sqlalchemy import delete, select, update

from storefront.clock import now
from storefront.db.base import db
from storefront.events.actors import current_actor
from storefront.ids import new_token
from storefront.staff.models import LinkKind, OneTimeLink
from storefront.staff.permissions import Role
from storefront.staff.refusals import LinkExpired
from storefront.staff.secrets import digest
from storefront.state import current_state
from storefront.web.absolute_urls import shop_root

LIFETIMES = {
    LinkKind.SETUP: timedelta(days=7),
    LinkKind.INVITATION: timedelta(days=7),
    LinkKind.PASSWORD: timedelta(days=1),
}
PATHS = {
    LinkKind.SETUP: "/setup/",
    LinkKind.INVITATION: "/admin/invitations/",
    LinkKind.PASSWORD: "/admin/password/",
}
KEPT_AFTER_EXPIRY = timedelta(days=90)


def create_link(
    kind: LinkKind,
    shop_id: str | None = None,
    email: str | None = None,
    role: Role | None = None,
    person_id: str | None = None,
) -> str:
    """Make a link, inside `write()`. It replaces earlier ones of the same kind, shop and email. Returns its token."""
    token, moment = new_token(), now()
    forget_old_links()
    if kind != LinkKind.SETUP:
        withdraw_links(kind, shop_id, email)
    db.session.add(
        OneTimeLink(
            id=digest("link", token),
            kind=kind,
            shop_id=shop_id,
            email=email,
            role=role,
            person_id=person_id,
            expires_at=moment + LIFETIMES[kind],
            created_by=current_actor().name,
            created_by_id=current_actor().person_id,
        )
    )
    return token


def forget_old_links() -> None:
    """Inside `write()`."""
    db.session.execute(delete(OneTimeLink).where(OneTimeLink.expires_at < now() - KEPT_AFTER_EXPIRY))


def withdraw_links(kind: LinkKind, shop_id: str | None, email: str | None) -> bool:
    """End the open links of this kind, shop and email, inside `write()`. Returns whether there was one."""
    ended = db.session.execute(
        update(OneTimeLink)
        .where(
            OneTimeLink.kind == kind,
            OneTimeLink.shop_id == shop_id,
            OneTimeLink.email == email,
            OneTimeLink.used_at.is_(None),
        )
        .values(used_at=now())
    )
    return getattr(ended, "rowcount", 0) > 0


def withdraw_invitations_by(person_id: str, shop_id: str) -> None:
    """End the open invitations to a shop that a person made, inside `write()`."""
    db.session.execute(
        update(OneTimeLink)
        .where(
            OneTimeLink.kind == LinkKind.INVITATION,
            OneTimeLink.shop_id == shop_id,
            OneTimeLink.created_by_id == person_id,
            OneTimeLink.used_at.is_(None),
        )
        .values(used_at=now())
    )


def find_link(kind: LinkKind, token: str, shop_id: str | None = None) -> OneTimeLink:
    """Return an open link of this kind and shop. Raises `LinkExpired`."""
    found = db.session.scalar(
        select(OneTimeLink).where(
            OneTimeLink.id == digest("link", token),
            OneTimeLink.kind == kind,
            OneTimeLink.shop_id == shop_id if shop_id else OneTimeLink.shop_id.is_(None),
            OneTimeLink.used_at.is_(None),
            OneTimeLink.expires_at > now(),
        )
    )
    if found is None:
        raise LinkExpired
    return found


def use_link(kind: LinkKind, token: str, shop_id: str | None = None) -> OneTimeLink:
    """Mark an open link as used, inside `write()`, which succeeds once. Raises `LinkExpired`."""
    link = find_link(kind, token, shop_id)
    used = db.session.execute(
        update(OneTimeLink).where(OneTimeLink.id == link.id, OneTimeLink.used_at.is_(None)).values(used_at=now())
    )
    if getattr(used, "rowcount", 0) != 1:
        raise LinkExpired
    return link


def link_url(kind: LinkKind, token: str, shop_id: str | None = None) -> str:
    """Return the absolute URL of a link outside a request: by PUBLIC_URL, else on this machine."""
    settings = current_state().settings
    root = settings.public_url or f"http://localhost:{settings.port}"
    return shop_root(root, settings.base_domain, shop_id) + PATHS[kind] + token
