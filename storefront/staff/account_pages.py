"""One's own account: sessions, password, second factor."""

from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response

from storefront.db.transactions import write
from storefront.errors import Invalid
from storefront.i18n.gettext import _
from storefront.staff.access import requires
from storefront.staff.account import (
    begin_second_factor,
    change_password,
    confirm_second_factor,
    remove_second_factor,
)
from storefront.staff.blueprints import pages
from storefront.staff.browser_words import browser_words
from storefront.staff.forms import render_form
from storefront.staff.permissions import Permission
from storefront.staff.queries import sessions_of, shops_of
from storefront.staff.roles import role_names
from storefront.staff.second_factor import qr_code, typed_secret
from storefront.staff.sessions import begin_session, revoke_sessions, set_session_cookie, signed_in
from storefront.staff.sign_in_limits import limit_failures_of_account, limit_failures_of_address
from storefront.tenants.context import current_tenant
from storefront.tenants.registry import registry
from storefront.web.absolute_urls import other_shop_root


def show_account(refusal: Invalid | None = None) -> Response:
    return render_form(
        "staff/account.html",
        refusal,
        sessions=sessions_of(signed_in().person.id),
        browser_words=browser_words,
        roles=role_names(),
        other_shops=other_shops(),
    )


def other_shops() -> list[tuple[str, str]]:
    """Return (name, URL of the back office) of the other shops in which the person works."""
    shops = {id: shop for id, shop in registry().all().items() if id != current_tenant().id}
    return [(shops[id].name, other_shop_root(id) + "/admin/") for id in shops_of(signed_in().person.id, shops)]


@pages.get("/account")
@requires(Permission.ACCOUNT)
def account() -> Response:
    return show_account()


@pages.post("/account/password")
@requires(Permission.ACCOUNT)
@limit_failures_of_account
def set_password() -> Response:
    """Change the password, which ends all other sessions."""
    person = signed_in().person
    try:
        change_password(person, request.form.get("current_password", ""), request.form.get("password", ""))
    except Invalid as refusal:
        return show_account(refusal)
    with write():
        token = begin_session(person)
    flash(_("Your password has been changed. You've been signed out everywhere else."), "success")
    response = redirect(url_for("staff.account"), 303)
    set_session_cookie(response, token, request.script_root)
    return response


@pages.post("/account/sessions/<session_id>/end")
@requires(Permission.ACCOUNT)
def end_session(session_id: str) -> Response:
    """End one of one's own sessions in this shop; another person's looks as if there were none."""
    own = [session.id for session in sessions_of(signed_in().person.id)]
    with write():
        revoke_sessions([id for id in own if id == session_id])
    return redirect(url_for("staff.account"), 303)


@pages.post("/account/sessions/end-others")
@requires(Permission.ACCOUNT)
def end_other_sessions() -> Response:
    here = signed_in()
    others = [session.id for session in sessions_of(here.person.id) if session.id != here.session_id]
    with write():
        revoke_sessions(others)
    flash(_("You've been signed out everywhere else."), "success")
    return redirect(url_for("staff.account"), 303)


@pages.get("/account/second-factor")
@requires(Permission.ACCOUNT, confirmed=True)
def second_factor() -> Response:
    if signed_in().person.has_second_factor:
        return redirect(url_for("staff.account"), 303)
    return show_second_factor()


def show_second_factor(refusal: Invalid | None = None) -> Response:
    person = signed_in().person
    secret = begin_second_factor(person)
    return render_form(
        "staff/second_factor.html",
        refusal,
        qr_code=qr_code(secret, person.email, current_tenant().name),
        secret=typed_secret(secret),
        required=signed_in().needs_second_factor,
    )


@pages.post("/account/second-factor")
@requires(Permission.ACCOUNT, confirmed=True)
@limit_failures_of_address
def set_up_second_factor() -> Response:
    """Turn the second factor on, and show the recovery codes once."""
    if signed_in().person.has_second_factor:
        return redirect(url_for("staff.account"), 303)
    try:
        codes = confirm_second_factor(signed_in().person, request.form.get("code", ""))
    except Invalid as refusal:
        return show_second_factor(refusal)
    return render_form("staff/recovery_codes.html", codes=codes)


@pages.post("/account/second-factor/remove")
@requires(Permission.ACCOUNT, confirmed=True)
def turn_off_second_factor() -> Response:
    remove_second_factor(signed_in().person)
    flash(_("Two-step sign-in is off."), "success")
    return redirect(url_for("staff.account"), 303)
