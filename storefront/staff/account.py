"""One's own account: signing in, the password, the second factor."""

from sqlalchemy import delete, or_, update

from storefront.clock import now
from storefront.db.base import db
from storefront.db.tenant_context import current_tenant_id
from storefront.db.transactions import write
from storefront.errors import FieldError, Invalid
from storefront.events.actions import Change, record_events
from storefront.events.models import EventType
from storefront.i18n.gettext import _
from storefront.staff.link_mails import mail_link
from storefront.staff.models import LinkKind, Person, RecoveryCode
from storefront.staff.one_time_links import create_link, find_link, forget_old_links, use_link
from storefront.staff.passwords import hash_password, is_password, password_error
from storefront.staff.queries import find_person_of_shop
from storefront.staff.refusals import LinkExpired, SignInFailed
from storefront.staff.second_factor import matching_step, new_recovery_codes, new_totp_secret, plain_recovery_code
from storefront.staff.secrets import digest
from storefront.staff.validation import account_email


def check_credentials(email: str, password: str) -> Person:
    """Return the person of this shop with this email and password. Raises `SignInFailed`, after the same time for an
    unknown address as for a wrong password."""
    known = account_email(email)
    person = find_person_of_shop(known) if known else None
    if not is_password(password, person.password_hash if person else None) or person is None:
        raise SignInFailed
    return person


def check_code(person: Person, code: str) -> None:
    """Use a code of the second factor, or a recovery code, which are valid once. Raises `SignInFailed`."""
    with write():
        if not (use_totp_code(person.id, code) or use_recovery_code(person.id, code)):
            raise SignInFailed


def use_totp_code(person_id: str, code: str) -> bool:
    """Inside `write()`, in which two requests with the same code follow one another."""
    person = db.session.get(Person, person_id)
    if person is None or person.totp_secret is None:
        return False
    step = matching_step(person.totp_secret, code, person.totp_last_step)
    if step is None:
        return False
    is_later = or_(Person.totp_last_step.is_(None), Person.totp_last_step < step)
    used = db.session.execute(update(Person).where(Person.id == person_id, is_later).values(totp_last_step=step))
    return bool(getattr(used, "rowcount", 0))


def use_recovery_code(person_id: str, code: str) -> bool:
    """Inside `write()`."""
    used = db.session.execute(
        update(RecoveryCode)
        .where(
            RecoveryCode.person_id == person_id,
            RecoveryCode.digest == recovery_digest(code),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=now())
    )
    return bool(getattr(used, "rowcount", 0))


def recovery_digest(code: str) -> str:
    return digest("recovery-code", plain_recovery_code(code))


def change_password(person: Person, current: str, new: str) -> None:
    """Change the password and end the person's sessions in all shops. Raises `Invalid`."""
    if not is_password(current, person.password_hash):
        raise Invalid(FieldError("current_password", _("This isn't your current password.")))
    store_password(person, new)


def store_password(person: Person, new: str, link_token: str | None = None) -> None:
    """Raises `Invalid`, and `LinkExpired` if the link was used meanwhile."""
    if fault := password_error(new, person.email, person.name):
        raise Invalid(FieldError("password", fault))
    person_id, password_hash = person.id, hash_password(new)
    with write(durable=True):
        if link_token is not None:
            use_link(LinkKind.PASSWORD, link_token, current_tenant_id())
        db.session.execute(
            update(Person).where(Person.id == person_id).values(password_hash=password_hash, signed_out_at=now())
        )
        record_events([Change(EventType.PASSWORD_RESET, person_id)])


def create_password_link(person: Person) -> str:
    """Make a link to choose a new password, at this shop's sign-in. Returns its token."""
    person_id, email = person.id, person.email
    with write():
        return create_link(LinkKind.PASSWORD, current_tenant_id(), email, person_id=person_id)


def mail_password_link(email: str) -> None:
    """Mail a link to choose a new password to the person of this shop with this address, if there is one. For any other
    address something is written as well, so that the time of the response doesn't tell who has an account."""
    known = account_email(email)
    person = find_person_of_shop(known) if known else None
    recipient = (person.id, person.email, person.language) if person else None
    with write():
        if recipient is None:
            forget_old_links()
            return
        person_id, address, language = recipient
        token = create_link(LinkKind.PASSWORD, current_tenant_id(), address, person_id=person_id)
        mail_link(LinkKind.PASSWORD, token, address, language, {})


def person_of_password_link(token: str) -> Person:
    """Raises `LinkExpired`."""
    link = find_link(LinkKind.PASSWORD, token, current_tenant_id())
    person = db.session.get(Person, link.person_id)
    if person is None:
        raise LinkExpired
    return person


# --- the second factor ------------------------------------------------------------------------------------------------


def begin_second_factor(person: Person) -> str:
    """Make a new secret, unless one waits to be confirmed. Returns it, encrypted."""
    with write():
        row = db.session.get_one(Person, person.id)
        if row.totp_secret is None and row.totp_confirmed_at is None:
            row.totp_secret = new_totp_secret()
        return row.totp_secret or ""


def confirm_second_factor(person: Person, code: str) -> list[str]:
    """Turn the second factor on with a code of it. Returns the recovery codes, the only time that they are there.
    Raises `Invalid` for a wrong code."""
    codes, person_id = new_recovery_codes(), person.id
    with write(durable=True):
        row = db.session.get_one(Person, person_id)
        if row.totp_confirmed_at is not None or not use_totp_code(person_id, code):
            raise Invalid(FieldError("code", _("This code isn't valid. Please enter the one that your app shows now.")))
        db.session.execute(update(Person).where(Person.id == person_id).values(totp_confirmed_at=now()))
        replace_recovery_codes(person_id, codes)
        record_events([Change(EventType.SECOND_FACTOR_CHANGED, person_id, before={"on": False}, after={"on": True})])
    return codes


def replace_recovery_codes(person_id: str, codes: list[str]) -> None:
    """Inside `write()`."""
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person_id))
    db.session.add_all(RecoveryCode(person_id=person_id, digest=recovery_digest(code)) for code in codes)
    db.session.flush()


def remove_second_factor(person: Person) -> None:
    """Turn it off, with its recovery codes."""
    person_id = person.id
    with write():
        db.session.execute(delete(RecoveryCode).where(RecoveryCode.person_id == person_id))
        off = {"totp_secret": None, "totp_confirmed_at": None, "totp_last_step": None}
        db.session.execute(update(Person).where(Person.id == person_id).values(**off))
        record_events([Change(EventType.SECOND_FACTOR_CHANGED, person_id, before={"on": True}, after={"on": False})])
