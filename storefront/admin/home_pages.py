"""The back office's home, and the number by which its open pages learn that something has changed."""

from flask import Response as PlainResponse
from werkzeug.wrappers import Response

from storefront.admin.blueprints import pages
from storefront.events.queries import last_event_id
from storefront.staff.access import requires
from storefront.staff.forms import no_store
from storefront.staff.permissions import Permission
from storefront.web.htmx import render_page


@pages.get("/")
@requires(Permission.ORDERS_READ)
def home() -> Response:
    return no_store(render_page("admin/home.html"))


@pages.get("/latest-event")
@requires(Permission.ACCOUNT)
def latest_event() -> Response:
    """The id of the shop's latest event. Open pages ask for it every few seconds, and reload their lists when it has
    grown; that costs less than the lists themselves."""
    return no_store(PlainResponse(str(last_event_id()), mimetype="text/plain"))
