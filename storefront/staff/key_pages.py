"""The page of a shop's API keys."""

from typing import Any

from flask import flash, redirect, request
from werkzeug.wrappers import Response

from storefront.clock import now
from storefront.errors import FieldError, Invalid
from storefront.i18n.gettext import _
from storefront.ids import new_token
from storefront.staff.access import requires
from storefront.staff.blueprints import pages
from storefront.staff.forms import render_form
from storefront.staff.keys import MAX_KEY_DAYS, create_key, revoke_key
from storefront.staff.list_filters import list_url, pager_urls, read_filter, with_position
from storefront.staff.lists import KeyState, list_keys
from storefront.staff.permissions import SCOPES, Permission
from storefront.staff.queries import member_ids
from storefront.staff.scope_words import scope_descriptions

ENDPOINT = "staff.keys"


def show_keys(refusal: Invalid | None = None, **context: Any) -> Response:
    """Show the page. A form's URL has the list's query string, so that the list stays as it was."""
    wanted = read_filter("state", set(KeyState))
    filters, found = {"q": wanted.q, "state": wanted.shown}, list_keys(wanted)
    return render_form(
        "staff/keys.html",
        refusal,
        wanted=wanted,
        keys=found.rows,
        filters=filters,
        chips=[(value, word, list_url(ENDPOINT, filters, state=value)) for value, word in state_names().items()],
        pages=pager_urls(ENDPOINT, filters, found),
        here=with_position(filters, wanted),
        member_ids=member_ids(),
        scopes=sorted(SCOPES),
        scope_descriptions=scope_descriptions(),
        chosen=request.form.getlist("scope") if refusal else [],
        form_id=new_token(),
        now=now(),
        **context,
    )


def state_names() -> dict[str, str]:
    return {
        "": _("All"),
        KeyState.ACTIVE: _("Active"),
        KeyState.EXPIRED: _("Expired"),
        KeyState.REVOKED: _("Revoked"),
    }


def back() -> Response:
    """Lead back to the list as it was."""
    wanted = read_filter("state", set(KeyState))
    return redirect(list_url(ENDPOINT, with_position({"q": wanted.q, "state": wanted.shown}, wanted)), 303)


@pages.get("/keys")
@requires(Permission.KEYS_WRITE, confirmed=True)
def keys() -> Response:
    return show_keys()


@pages.post("/keys")
@requires(Permission.KEYS_WRITE, confirmed=True)
def add_key() -> Response:
    """Make a key and show it once. The same form again makes no second one."""
    try:
        made = create_key(
            request.form.get("name", ""),
            request.form.getlist("scope"),
            parse_days(request.form.get("expires", "")),
            id=parse_form_id(request.form.get("form_id", "")),
        )
    except Invalid as refusal:
        return show_keys(refusal)
    if made is None:
        flash(_("This key has already been created. It was shown once."), "error")
        return back()
    return show_keys(new_key=made.text)


def parse_days(text: str) -> int | None:
    """Return the number of days; None if the field is empty. Raises `Invalid`."""
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise Invalid(FieldError("expires", _("Please enter a number of days from 1 to %(most)s.", most=MAX_KEY_DAYS)))
    return int(text)


def parse_form_id(text: str) -> str | None:
    """Return the id of the form, if it is one that this page makes."""
    return text if len(text) == len(new_token()) and text.replace("-", "").replace("_", "").isalnum() else None


@pages.post("/keys/<key_id>/revoke")
@requires(Permission.KEYS_WRITE, confirmed=True)
def revoke(key_id: str) -> Response:
    revoke_key(key_id)
    flash(_("The key has been revoked. It doesn't work any more."), "success")
    return back()
