"""The page of a shop's API keys."""

from typing import Any

from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response

from storefront.clock import now
from storefront.errors import FieldError, Invalid
from storefront.i18n.gettext import _
from storefront.ids import new_token
from storefront.staff.access import requires
from storefront.staff.blueprints import pages
from storefront.staff.forms import render_form
from storefront.staff.keys import MAX_KEY_DAYS, create_key, revoke_key
from storefront.staff.permissions import SCOPES, Permission
from storefront.staff.queries import list_keys, member_ids
from storefront.staff.scope_words import scope_descriptions


def show_keys(refusal: Invalid | None = None, **context: Any) -> Response:
    return render_form(
        "staff/keys.html",
        refusal,
        keys=list_keys(),
        member_ids=member_ids(),
        scopes=sorted(SCOPES),
        scope_descriptions=scope_descriptions(),
        chosen=request.form.getlist("scope") if refusal else [],
        form_id=new_token(),
        now=now(),
        **context,
    )


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
        return redirect(url_for("staff.keys"), 303)
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
    return redirect(url_for("staff.keys"), 303)
