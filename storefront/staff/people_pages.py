"""The page of a shop's people: who they are, invitations, roles, removal."""

from typing import Any

from flask import flash, redirect, request, session, url_for
from werkzeug.wrappers import Response

from storefront.errors import Invalid
from storefront.i18n.gettext import _, ngettext
from storefront.i18n.locale import shopper_language
from storefront.staff import members
from storefront.staff.access import requires
from storefront.staff.blueprints import pages
from storefront.staff.forms import render_form
from storefront.staff.link_mails import can_mail_links
from storefront.staff.list_filters import list_url, pager_urls, read_filter, with_position
from storefront.staff.lists import ListFilter, Page, list_invitations, list_people
from storefront.staff.permissions import Permission, Role
from storefront.staff.queries import count_working_keys, second_factor_required
from storefront.staff.refusals import LastOwner, OwnRole
from storefront.staff.roles import role_descriptions, role_names
from storefront.staff.sessions import signed_in
from storefront.staff.validation import check_role
from storefront.tenants.context import current_tenant
from storefront.web.absolute_urls import trusted_root

Fault = Invalid | LastOwner | OwnRole | None
ENDPOINT = "staff.people"
INVITED = "invited"
"""The filter for open invitations."""
MADE = "invitation"
"""In the session: the invitation that was made just now, with its link and to whom."""
NO_ROWS = Page((), "", "")


def show_people(refusal: Fault = None, **context: Any) -> Response:
    """Show the page. A form's URL has the list's query string, so that the list stays as it was."""
    wanted, only_invited = read_filter("role", set(Role)), is_only_invited()
    filters = filters_of(wanted, only_invited)
    found, invitations = lists(wanted, only_invited)
    return render_form(
        "staff/people.html",
        refusal,
        wanted=wanted,
        only_invited=only_invited,
        members=found.rows if found else [],
        invitations=invitations.rows if invitations else [],
        has_more_invitations=found is not None and invitations is not None and bool(invitations.next),
        filters=filters,
        chips=chips(wanted, only_invited),
        pages=pager_urls(ENDPOINT, filters, found or invitations),
        here=with_position(filters, wanted),
        roles=role_names(),
        role_descriptions=role_descriptions(),
        second_factor_required=second_factor_required(),
        **context,
    )


def lists(wanted: ListFilter, only_invited: bool) -> tuple[Page | None, Page]:
    """Return a page of people, and one of open invitations, which stand before the first people."""
    tenant_id = current_tenant().id
    if only_invited:
        return None, list_invitations(tenant_id, wanted)
    invitations = list_invitations(tenant_id, wanted) if wanted.is_first_page else NO_ROWS
    return list_people(wanted), invitations


def is_only_invited() -> bool:
    return request.args.get("state") == INVITED


def filters_of(wanted: ListFilter, only_invited: bool) -> dict[str, str]:
    return {"q": wanted.q, "role": wanted.shown, "state": INVITED if only_invited else ""}


def chips(wanted: ListFilter, only_invited: bool) -> list[tuple[str, str, str]]:
    """Return (value, label, URL) of each filter."""
    names = {"": _("All"), **role_names()}
    by_role = [(role, word, list_url(ENDPOINT, {"q": wanted.q}, role=role)) for role, word in names.items()]
    return [*by_role, (INVITED, _("Invited"), list_url(ENDPOINT, {"q": wanted.q}, state=INVITED))]


def back() -> Response:
    """Lead back to the list as it was."""
    wanted = read_filter("role", set(Role))
    filters = filters_of(wanted, is_only_invited())
    return redirect(list_url(ENDPOINT, with_position(filters, wanted)), 303)


@pages.get("/people")
@requires(Permission.STAFF_WRITE, confirmed=True)
def people() -> Response:
    return show_people(**session.pop(MADE, {}), is_mailed=can_mail_links())


@pages.post("/people")
@requires(Permission.STAFF_WRITE, confirmed=True)
def invite() -> Response:
    """Make an invitation and mail it. The list shows its link once: the session's cookie carries it there."""
    try:
        email, role = request.form.get("email", ""), check_role(request.form.get("role", ""))
        token = members.invite(email, role, by=signed_in().role, mail_in=shopper_language())
    except (Invalid, OwnRole) as refusal:
        return show_people(refusal)
    session[MADE] = {"link": absolute(url_for("staff.invitation", token=token)), "invited": email}
    return back()


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
    if keys := count_working_keys(person_id):
        text = ngettext(
            "%(num)s API key that they created still works. You can revoke it under API keys.",
            "%(num)s API keys that they created still work. You can revoke them under API keys.",
            keys,
        )
        flash(text, "notice")
    return back()


@pages.post("/people/<person_id>/sign-out")
@requires(Permission.STAFF_WRITE, confirmed=True)
def sign_out_person(person_id: str) -> Response:
    members.sign_out_member(person_id)
    flash(_("The person has been signed out everywhere."), "success")
    return back()
