"""The back office's audit log: every change, by whom, when, before and after."""

from typing import Any

from flask import request, url_for
from werkzeug.wrappers import Response

from storefront.admin.audit_queries import AuditFilter, find_event, list_events
from storefront.admin.audit_words import ACTOR_NAMES, TYPE_NAMES, Entry, entries
from storefront.admin.blueprints import pages
from storefront.admin.numbers import position
from storefront.errors import NotFound
from storefront.i18n.gettext import _
from storefront.staff.access import requires
from storefront.staff.list_filters import MAX_QUERY_LENGTH, search_text
from storefront.staff.permissions import Permission
from storefront.web.htmx import no_store, render_page

MAX_ID_DIGITS = 18


@pages.get("/audit")
@requires(Permission.AUDIT_READ)
def audit() -> Response:
    wanted = read_filter()
    after, before = position("after"), position("before")
    found = list_events(wanted, after, before)
    opened = request.args.get("open", "")
    return no_store(
        render_page(
            "admin/audit.html",
            wanted=wanted,
            entries=entries(found.rows),
            is_cut=found.is_cut,
            chips=[("", _("All"), url_of(wanted, actor="")), *choices(wanted, "actor", ACTOR_NAMES)],
            types=choices(wanted, "type", TYPE_NAMES),
            type_names=TYPE_NAMES,
            newer=url_of(wanted, after=found.newer) if found.newer is not None else "",
            older=url_of(wanted, before=found.older) if found.older is not None else "",
            here=url_of(wanted, after=after, before=before),
            opened=opened,
            entry=entry_of(opened) if opened else None,
        )
    )


@pages.get("/audit/<event_id>")
@requires(Permission.AUDIT_READ)
def audit_event(event_id: str) -> Response:
    return no_store(render_page("admin/audit_event.html", entry=entry_of(event_id)))


def read_filter() -> AuditFilter:
    """Read the filters of the query string. What isn't valid is left out."""
    actor, type = request.args.get("actor", ""), request.args.get("type", "")
    return AuditFilter(
        q=search_text(request.args.get("q", "")),
        actor=actor if actor in ACTOR_NAMES else "",
        type=type if type in TYPE_NAMES else "",
        subject=request.args.get("subject", "")[:MAX_QUERY_LENGTH].replace("\0", ""),
    )


def url_of(wanted: AuditFilter, **more: Any) -> str:
    return url_for("admin.audit", **wanted.query_string(**more))


def choices(wanted: AuditFilter, name: str, names: Any) -> list[tuple[str, str, str]]:
    """Return (value, label, URL) of each value of a filter."""
    return [(str(value), _(word), url_of(wanted, **{name: str(value)})) for value, word in names.items()]


def entry_of(event_id: str) -> Entry:
    """Raises `NotFound`."""
    is_number = event_id.isascii() and event_id.isdigit() and len(event_id) <= MAX_ID_DIGITS
    row = find_event(int(event_id)) if is_number else None
    if row is None:
        raise NotFound(_("We couldn't find this entry. It may have been moved to the archive."))
    return entries([row])[0]
