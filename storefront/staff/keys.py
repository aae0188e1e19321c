"""API keys: making, checking and revoking them."""

import hmac
import secrets
import string
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import update

from storefront.clock import now, rfc3339
from storefront.db.base import db
from storefront.db.tenant_context import current_tenant_id
from storefront.db.transactions import write
from storefront.errors import FieldError, Invalid, NotFound, Unauthorized
from storefront.events.actions import Change, record_events
from storefront.events.actors import Actor, ActorType, current_actor, set_actor
from storefront.events.models import EventType
from storefront.i18n.gettext import _
from storefront.i18n.unicode_text import has_visible, single_line
from storefront.staff.models import ApiKey
from storefront.staff.permissions import SCOPES, Permission
from storefront.staff.queries import find_key
from storefront.staff.secrets import digest

KEY_SIGN, KEY_CHARACTERS = "sf_", 40
PREFIX_LENGTH = len(KEY_SIGN) + 8
"""Characters of a key that are stored, and shown to tell it from others; 32 stay secret."""
ALPHABET = string.ascii_letters + string.digits
MAX_KEY_NAME_LENGTH, MAX_KEY_DAYS = 100, 3650
LAST_USED_INTERVAL = timedelta(minutes=1)


@dataclass(frozen=True)
class NewKey:
    """`text` is the key itself, which is stored nowhere."""

    row: ApiKey
    text: str


def create_key(name: str, scopes: Iterable[str], days: int | None = None, id: str | None = None) -> NewKey | None:
    """Make a key of this shop. `days`: until it expires; None: never. `id` is of the form that asks for it: None is
    returned if it was sent before. Raises `Invalid`."""
    name, granted = single_line(name), check_scopes(scopes)
    if not has_visible(name) or len(name) > MAX_KEY_NAME_LENGTH:
        raise Invalid(
            FieldError("name", _("Please enter a name of at most %(most)s characters.", most=MAX_KEY_NAME_LENGTH))
        )
    text = KEY_SIGN + "".join(secrets.choice(ALPHABET) for _ in range(KEY_CHARACTERS))
    row = ApiKey(
        id=id,
        name=name,
        prefix=text[:PREFIX_LENGTH],
        digest=digest("api-key", text),
        scopes=sorted(granted),
        created_by=current_actor().name,
        created_by_id=current_actor().person_id,
        expires_at=expiry_after(days),
    )
    with write():
        if id is not None and db.session.get(ApiKey, (current_tenant_id(), id)) is not None:
            return None
        db.session.add(row)
        db.session.flush()
        record_events([Change(EventType.KEY_CREATED, row.id, after=described(row))])
    return NewKey(row, text)


def check_scopes(scopes: Iterable[str]) -> set[Permission]:
    """Raises `Invalid` for none, and for a name that is no scope."""
    asked = set(scopes)
    unknown = sorted(asked - SCOPES)
    if unknown:
        raise Invalid(FieldError("scope", _("There is no scope %(name)s.", name=unknown[0])))
    if not asked:
        raise Invalid(FieldError("scope", _("Please choose at least one scope.")))
    return {Permission(name) for name in asked}


def expiry_after(days: int | None) -> datetime | None:
    """Raises `Invalid` for a number of days out of range."""
    if days is None:
        return None
    if not 1 <= days <= MAX_KEY_DAYS:
        raise Invalid(FieldError("expires", _("Please enter a number of days from 1 to %(most)s.", most=MAX_KEY_DAYS)))
    return now() + timedelta(days=days)


def described(row: ApiKey) -> dict[str, object]:
    """What the audit log says of a key."""
    expires = rfc3339(row.expires_at) if row.expires_at else None
    return {"name": row.name, "prefix": row.prefix, "scopes": row.scopes, "expires_at": expires}


def revoke_key(id: str) -> None:
    """End a key of this shop for good. Raises `NotFound`. Again is no error."""
    with write():
        row = db.session.get(ApiKey, (current_tenant_id(), id))
        if row is None:
            raise NotFound(_("We couldn't find this API key."))
        if row.revoked_at is None:
            row.revoked_at, row.revoked_by = now(), current_actor().name
            record_events([Change(EventType.KEY_REVOKED, row.id, before=described(row))])


def authenticate_key(authorization: str) -> ApiKey:
    """Return the valid key of this shop in an Authorization header, note its use, and act as it. Raises
    `Unauthorized`."""
    kind, _space, text = authorization.partition(" ")
    if kind.lower() != "bearer" or not text.startswith(KEY_SIGN) or len(text) != len(KEY_SIGN) + KEY_CHARACTERS:
        raise Unauthorized
    expected, moment = digest("api-key", text).encode(), now()
    for row in find_key(text[:PREFIX_LENGTH]):
        if hmac.compare_digest(expected, row.digest.encode()) and is_valid(row, moment):
            note_use(row, moment)
            set_actor(Actor(ActorType.KEY, row.id, row.name))
            return row
    raise Unauthorized


def is_valid(row: ApiKey, moment: datetime) -> bool:
    return row.revoked_at is None and (row.expires_at is None or row.expires_at > moment)


def note_use(row: ApiKey, moment: datetime) -> None:
    if row.last_used_at is None or moment - row.last_used_at >= LAST_USED_INTERVAL:
        with write():
            db.session.execute(update(ApiKey).where(ApiKey.id == row.id).values(last_used_at=moment))
