"""Pages to sign in, with or without a second factor, to sign out, and to enter the password again."""

from flask import redirect, request, url_for
from werkzeug.wrappers import Response

from storefront.db.transactions import write
from storefront.errors import FieldError, Invalid
from storefront.i18n.gettext import _
from storefront.staff.access import next_path, public, requires
from storefront.staff.account import check_code, check_credentials
from storefront.staff.blueprints import pages
from storefront.staff.forms import render_form
from storefront.staff.link_mails import can_mail_links
from storefront.staff.models import Person
from storefront.staff.passwords import is_password
from storefront.staff.pending_sign_in import PENDING_COOKIE, PENDING_LIFETIME, pending_person, pending_signer
from storefront.staff.permissions import Permission
from storefront.staff.refusals import SignInFailed
from storefront.staff.sessions import (
    begin_session,
    confirm_session,
    remove_session_cookie,
    revoke_sessions,
    set_session_cookie,
    signed_in,
)
from storefront.staff.sign_in_limits import limit_failures_of_account
from storefront.tenants.context import current_tenant


@pages.get("/sign-in")
@public
def sign_in() -> Response:
    return render_form("staff/sign_in.html", next=request.args.get("next", ""), can_mail_links=can_mail_links)


@pages.post("/sign-in")
@public
@limit_failures_of_account
def send_sign_in() -> Response:
    """Begin a session; with a second factor, ask for its code first."""
    try:
        person = check_credentials(request.form.get("email", ""), request.form.get("password", ""))
    except SignInFailed as refusal:
        next = request.form.get("next", "")
        return render_form("staff/sign_in.html", refusal, next=next, can_mail_links=can_mail_links)
    return enter(person, request.form.get("next", ""))


def enter(person: Person, wanted: str = "") -> Response:
    """Respond to the right password: to the page that was wanted, or to the code of the second factor."""
    if person.has_second_factor:
        response = redirect(url_for("staff.code", next=wanted or None), 303)
        response.set_cookie(
            PENDING_COOKIE,
            pending_signer().dumps([person.id, current_tenant().id]),
            max_age=PENDING_LIFETIME,
            path=request.script_root + "/admin/sign-in",
            secure=request.is_secure,
            httponly=True,
            samesite="Lax",
        )
        return response
    return start_session(person, next_path(wanted))


def start_session(person: Person, location: str) -> Response:
    with write():
        token = begin_session(person)
    response = redirect(location, 303)
    set_session_cookie(response, token, request.script_root)
    return response


@pages.get("/sign-in/code")
@public
def code() -> Response:
    if pending_person() is None:
        return redirect(url_for("staff.sign_in"), 303)
    return render_form("staff/code.html", next=request.args.get("next", ""))


@pages.post("/sign-in/code")
@public
@limit_failures_of_account
def send_code() -> Response:
    person = pending_person()
    if person is None:
        return redirect(url_for("staff.sign_in"), 303)
    try:
        check_code(person, request.form.get("code", ""))
    except SignInFailed as refusal:
        return render_form("staff/code.html", refusal, next=request.form.get("next", ""))
    response = start_session(person, next_path(request.form.get("next", "")))
    response.delete_cookie(PENDING_COOKIE, path=request.script_root + "/admin/sign-in")
    return response


@pages.post("/sign-out")
@requires(Permission.ACCOUNT)
def sign_out() -> Response:
    """End the session."""
    with write():
        revoke_sessions([signed_in().session_id])
    response = redirect(url_for("staff.sign_in"), 303)
    remove_session_cookie(response)
    return response


@pages.get("/confirm")
@requires(Permission.ACCOUNT)
def confirm() -> Response:
    return render_form("staff/confirm.html", next=request.args.get("next", ""))


@pages.post("/confirm")
@requires(Permission.ACCOUNT)
@limit_failures_of_account
def send_confirm() -> Response:
    """Enter the password again, before a page or an action that asks for it."""
    if not is_password(request.form.get("password", ""), signed_in().person.password_hash):
        refusal = Invalid(FieldError("password", _("This password isn't right.")))
        return render_form("staff/confirm.html", refusal, next=request.form.get("next", ""))
    confirm_session()
    return redirect(next_path(request.form.get("next", "")), 303)
