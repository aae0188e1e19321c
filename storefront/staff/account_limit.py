"""Limit of failed sign-ins per account: of every form that takes the password or a code of an account.

The account is the one that the form is about, never one that the request may name at will."""

from flask import request

from storefront.staff.models import LinkKind
from storefront.staff.one_time_links import find_link
from storefront.staff.pending_sign_in import pending_person
from storefront.staff.queries import find_person
from storefront.staff.refusals import LinkExpired
from storefront.staff.secrets import digest
from storefront.staff.sessions import load_session
from storefront.staff.validation import account_email
from storefront.tenants.context import current_tenant
from storefront.web.client_address import client_key
from storefront.web.rate_limits import ACCOUNT_LIMIT, LINK_MAILS_LIMIT, limiter, was_failed_sign_in


def account_of_request() -> str | None:
    """Return the email address of the account, whether it exists or not; None if the request is about none."""
    if request.endpoint in ("staff.send_sign_in", "staff.send_forgotten"):
        return account_email(request.form.get("email", ""))
    if request.endpoint == "staff.send_invitation":
        return email_of_invited_account()
    if request.endpoint == "staff.send_code":
        person = pending_person()
    else:
        found = load_session()
        person = found.person if found else None
    return person.email if person else None


def email_of_invited_account() -> str | None:
    """Return the email address of an invitation to somebody with an account, who enters its password."""
    try:
        email = find_link(LinkKind.INVITATION, (request.view_args or {})["token"], current_tenant().id).email or ""
    except LinkExpired:
        return None
    return email if find_person(email) else None


def account_key() -> str:
    return digest("throttle", account_of_request() or client_key())


limit_account = limiter.shared_limit(
    ACCOUNT_LIMIT, "failed-sign-ins-account", key_func=account_key, deduct_when=was_failed_sign_in
)
limit_password_mails = limiter.shared_limit(LINK_MAILS_LIMIT, "password-mails-account", key_func=account_key)
"""Whether the account exists or not: what is refused tells nothing either."""
