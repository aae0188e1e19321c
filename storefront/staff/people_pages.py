"""The page of a shop's people: who they are, invitations, roles, removal."""

from typing import Any

from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response

from storefront.errors import Invalid
from storefront.i18n.gettext import _
from storefront.i18n.locale import shopper_language
from storefront.staff import members
from storefront.staff.access import requires
from storefront.staff.blueprints import pages
from storefront.staff.forms import render_form
from storefront.staff.link_mails import can_mail_links
from storefront.staff.permissions import Permission
from storefront.staff.queries import list_members, open_invitations, second_factor_required
from storefront.staff.refusals import LastOwner, OwnRole
from storefront.staff.roles import role_descriptions, role_names
from storefront.staff.sessions import signed_in
from storefront.staff.validation import check_role
from storefront.tenants.context import current_tenant
from storefront.web.absolute_urls import trusted_root

Fault = Invalid | LastOwner | OwnRole | None


def show_people(refusal: Fault = None, **context: Any) -> Response:
    return render_form(
        "staff/people.html",
        refusal,
        members=list_members(),
        invitations=open_invitations(current_tenant().id),
        roles=role_names(),
        role_descriptions=role_descriptions(),
        second_factor_required=second_factor_required(),
        **context,
    )


def back() -> Response:
    return redirect(url_for("staff.people"), 303)


@pages.get("/people")
@requires(Permission.STAFF_WRITE, confirmed=True)
def people() -> Response:
    return show_people()


@pages.post("/people")
@requires(Permission.STAFF_WRITE, confirmed=True)
def invite() -> Response:
    """Make an invitation, mail it, and show its link once."""
    try:
        email, role = request.form.get("email", ""), check_role(request.form.get("role", ""))
        token = members.invite(email, role, by=signed_in().role, mail_in=shopper_language())
    except (Invalid, OwnRole) as refusal:
        return show_people(refusal)
    link = absolute(url_for("staff.invitation", token=token))
    return show_people(link=link, invited=email, is_mailed=can_mail_links())


def absolute(path: str) -> str:
    """Return the URL for somebody else, or the path alone where this installation doesn't know its own address."""
    root = trusted_root()
    return path if root is None else root + path.removeprefix(request.script_root)


@pages.post("/people/withdraw")
@requires(Permission.STAFF_WRITE, confirmed=True)
def withdraw() -> Response:
    members.withdraw_invitation(request.form.get("email", ""))
    return back()


@pages.post("/people/second-factor")
@requires(Permission.STAFF_WRITE, confirmed=True)
def require_second_factor() -> Response:
    members.require_second_factor(request.form.get("required") == "yes")
    flash(_("Saved."), "success")
    return back()


@pages.post("/people/<person_id>/role")
@requires(Permission.STAFF_WRITE, confirmed=True)
def change_role(person_id: str) -> Response:
    try:
        members.change_role(person_id, check_role(request.form.get("role", "")), by=signed_in().role)
    except (Invalid, LastOwner, OwnRole) as refusal:
        return show_people(refusal)
    flash(_("Saved."), "success")
    return back()


@pages.post("/people/<person_id>/remove")
@requires(Permission.STAFF_WRITE, confirmed=True)
def remove(person_id: str) -> Response:
    try:
        members.remove_member(person_id)
    except LastOwner as refusal:
        return show_people(refusal)
    flash(_("The person has been removed and signed out."), "success")
    return back()


@pages.post("/people/<person_id>/sign-out")
@requires(Permission.STAFF_WRITE, confirmed=True)
def sign_out_person(person_id: str) -> Response:
    members.sign_out_member(person_id)
    flash(_("The person has been signed out everywhere."), "success")
    return back()
