"""Pages that a one-time link opens: the first person's, an invitation, a new password."""

from flask import flash, g, redirect, request, url_for
from werkzeug.wrappers import Response

from storefront.db.tenant_context import tenant_context
from storefront.db.transactions import write
from storefront.errors import Invalid, NotFound, Refusal
from storefront.i18n.gettext import _
from storefront.staff.access import public
from storefront.staff.account import person_of_password_link, store_password
from storefront.staff.blueprints import pages, setup
from storefront.staff.first_shop import first_shop
from storefront.staff.forms import render_form
from storefront.staff.members import accept, set_up
from storefront.staff.models import LinkKind, Person
from storefront.staff.one_time_links import find_link
from storefront.staff.queries import has_people
from storefront.staff.refusals import LinkExpired, SignInFailed
from storefront.staff.sessions import begin_session, load_session, set_session_cookie
from storefront.staff.sign_in_limits import let_account_in, limit_failures_of_account, limit_failures_of_address
from storefront.staff.sign_in_pages import enter
from storefront.tenants.context import current_tenant
from storefront.tenants.registry import registry


@setup.get("/setup/<token>")
@public
@limit_failures_of_address
def show_setup(token: str) -> Response:
    check_at_root()
    find_link(LinkKind.SETUP, token)
    if has_people():
        raise LinkExpired
    return render_form("staff/setup.html")


@setup.post("/setup/<token>")
@public
@limit_failures_of_address
def send_setup(token: str) -> Response:
    """Make the first person, owner of every shop, and sign them in to one."""
    check_at_root()
    shop_ids = list(registry().all())
    try:
        email, name, password = (request.form.get(field, "") for field in ("email", "name", "password"))
        person = set_up(token, email, name, password, shop_ids)
    except Invalid as refusal:
        return render_form("staff/setup.html", refusal)
    if not shop_ids:
        return redirect(request.script_root + "/", 303)
    return sign_in_to(first_shop(shop_ids), person)


def check_at_root() -> None:
    """Raise `NotFound` below a shop's root, where this page isn't."""
    if g.tenant is not None:
        raise NotFound(_("We couldn't find this page."))


def sign_in_to(shop_id: str, person: Person) -> Response:
    with tenant_context(shop_id), write():
        token = begin_session(person)
    shop_root = f"{request.script_root}/t/{shop_id}"
    response = redirect(shop_root + "/admin/", 303)
    set_session_cookie(response, token, shop_root)
    return response


@pages.get("/invitations/<token>")
@public
@limit_failures_of_address
def invitation(token: str) -> Response:
    return show_invitation(str(find_link(LinkKind.INVITATION, token, current_tenant().id).email))


def show_invitation(email: str, refusal: Refusal | None = None) -> Response:
    """Show the page, which says so if somebody else is signed in."""
    found = load_session()
    other = found.person if found is not None and found.person.email != email else None
    return render_form("staff/invitation.html", refusal, email=email, signed_in_as=other)


@pages.post("/invitations/<token>")
@public
@limit_failures_of_account
def send_invitation(token: str) -> Response:
    """Become a member of the shop, and sign in."""
    email = str(find_link(LinkKind.INVITATION, token, current_tenant().id).email)
    try:
        person = accept(token, request.form)
    except (Invalid, SignInFailed) as refusal:
        return show_invitation(email, refusal)
    return enter(person)


@pages.get("/password/<token>")
@public
@limit_failures_of_address
def password(token: str) -> Response:
    return render_form("staff/password.html", email=person_of_password_link(token).email)


@pages.post("/password/<token>")
@public
@limit_failures_of_address
def send_password(token: str) -> Response:
    """Store the new password, and lead to the sign-in."""
    person = person_of_password_link(token)
    email = person.email
    try:
        store_password(person, request.form.get("password", ""), token)
    except Invalid as refusal:
        return render_form("staff/password.html", refusal, email=email)
    let_account_in(email)
    flash(_("Your password has been changed. Please sign in."), "success")
    return redirect(url_for("staff.sign_in"), 303)
