"""Validation of what people type about themselves: email address, name, password."""

from email_validator import EmailNotValidError, validate_email

from storefront.errors import FieldError, Invalid
from storefront.i18n.email_addresses import is_mailable, not_mailable_text
from storefront.i18n.gettext import _
from storefront.i18n.unicode_text import has_control, has_visible, plain_address, single_line
from storefront.staff.passwords import password_error
from storefront.staff.permissions import Role

MAX_EMAIL_LENGTH, MAX_NAME_LENGTH = 254, 200


def account_email(email: str) -> str | None:
    """Return the address by which an account is found: normalised and case-folded; None if it isn't an address."""
    email = plain_address(email)
    if len(email) > MAX_EMAIL_LENGTH:
        return None
    try:
        return validate_email(email, check_deliverability=False, test_environment=True).normalized.casefold()
    except EmailNotValidError:
        return None


def check_email(email: str) -> str:
    """Return the `account_email` of somebody new. Raises `Invalid`."""
    found = account_email(email)
    if found is None:
        raise Invalid(FieldError("email", _("Please enter a valid email address, for example name@example.com.")))
    if not is_mailable(found):
        raise Invalid(FieldError("email", not_mailable_text()))
    return found


def check_role(name: str) -> Role:
    """Raises `Invalid`."""
    try:
        return Role(name)
    except ValueError:
        raise Invalid(FieldError("role", _("Please choose a role."))) from None


def check_person(email: str, name: str, password: str) -> tuple[str, str]:
    """Return the normalised email and name of a new account. Raises `Invalid` with a message for each invalid field."""
    faults: list[FieldError] = []
    checked_email = None
    try:
        checked_email = check_email(email)
    except Invalid as refusal:
        faults += refusal.field_errors
    controls, name = has_control(name), single_line(name)
    if controls or not has_visible(name):
        faults.append(FieldError("name", _("Please enter your name.")))
    elif len(name) > MAX_NAME_LENGTH:
        faults.append(
            FieldError("name", _("Your name can't be longer than %(most)s characters.", most=MAX_NAME_LENGTH))
        )
    if fault := password_error(password, checked_email or email, name):
        faults.append(FieldError("password", fault))
    if faults or checked_email is None:
        raise Invalid(*faults)
    return checked_email, name
