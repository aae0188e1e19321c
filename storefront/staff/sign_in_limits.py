"""Limits of failed sign-ins, of every form that takes a password, a code or a one-time link: per address, and per
account from all addresses together.

The account is the one that the form is about, never one that the request may name at will. Requests that are under way
at the same time are all let in; those that fail above the limit are told so, whatever was wrong."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import ParamSpec

from flask import request
from werkzeug.exceptions import TooManyRequests
from werkzeug.wrappers import Response

from storefront.errors import Refusal
from storefront.staff.failed_sign_ins import Limit, count_failure, forget_failures, seconds_to_wait
from storefront.staff.models import LinkKind
from storefront.staff.one_time_links import find_link
from storefront.staff.pending_sign_in import pending_person
from storefront.staff.queries import find_person
from storefront.staff.refusals import LinkExpired
from storefront.staff.secrets import digest
from storefront.staff.sessions import signed_in
from storefront.staff.validation import account_email
from storefront.state import current_state
from storefront.tenants.context import current_tenant
from storefront.web.client_address import client_key

MINUTE, HOUR, DAY = 60, 60 * 60, 24 * 60 * 60
ADDRESS_LIMITS = {5 * MINUTE: 20, HOUR: 100}
"""Failures by the length of the window in seconds."""
ACCOUNT_LIMITS = {15 * MINUTE: 10, DAY: 50}
FAILURES = (404, 422)
"""Statuses of the response to a wrong one-time link (404), and to a wrong password or code (422)."""

P = ParamSpec("P")


def limit_failures(find_limits: Callable[[], list[Limit]]) -> Callable[[Callable[P, Response]], Callable[P, Response]]:
    """Return a decorator of views. The view raises `TooManyRequests` (429) above one of the limits."""

    def decorate(view: Callable[P, Response]) -> Callable[P, Response]:
        @wraps(view)
        def limited(*args: P.args, **kwargs: P.kwargs) -> Response:
            if not current_state().settings.ratelimit_enabled:
                return view(*args, **kwargs)
            limits = find_limits()  # before the view, which may use the link up that names the account
            refuse_for(seconds_to_wait(limits))
            try:
                response = view(*args, **kwargs)
            except Refusal as refusal:
                if refusal.status in FAILURES:
                    refuse_for(count_failure(limits))
                raise
            if response.status_code in FAILURES:
                refuse_for(count_failure(limits))
            return response

        return limited

    return decorate


def refuse_for(seconds: int | None) -> None:
    if seconds is not None:
        raise TooManyRequests(retry_after=seconds)


def limits_of_address() -> list[Limit]:
    return limits_of(f"address {client_key()}", ADDRESS_LIMITS)


def limits_of_account_and_address() -> list[Limit]:
    email = account_of_request()
    return limits_of_address() + (limits_of_account(email) if email else [])


def limits_of_account(email: str) -> list[Limit]:
    return limits_of(f"account {email}", ACCOUNT_LIMITS)


def let_account_in(email: str) -> None:
    """Forget the failed sign-ins of an account whose password was just reset by a link: whoever guessed at the old one
    knows nothing of the new one. Those of the address stay."""
    forget_failures(limits_of_account(email))


def limits_of(counted: str, limits: Mapping[int, int]) -> list[Limit]:
    key = digest("throttle", counted)
    return [Limit(key, window_seconds, most) for window_seconds, most in limits.items()]


def account_of_request() -> str | None:
    """Return the email address of the account, whether it exists or not; None if the request is about none."""
    if request.endpoint == "staff.send_sign_in":
        return account_email(request.form.get("email", ""))
    if request.endpoint == "staff.send_invitation":
        return email_of_invited_account()
    if request.endpoint == "staff.send_code":
        person = pending_person()
        return person.email if person else None
    return signed_in().person.email


def email_of_invited_account() -> str | None:
    """Return the email address of an invitation to somebody with an account, who enters its password."""
    try:
        email = find_link(LinkKind.INVITATION, (request.view_args or {})["token"], current_tenant().id).email or ""
    except LinkExpired:
        return None
    return email if find_person(email) else None


limit_failures_of_address = limit_failures(limits_of_address)
limit_failures_of_account = limit_failures(limits_of_account_and_address)
"""Per account and per address."""
