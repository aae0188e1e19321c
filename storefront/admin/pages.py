"""The back office's home."""

from flask import Blueprint
from werkzeug.wrappers import Response

from storefront.staff.access import requires
from storefront.staff.forms import no_store
from storefront.staff.permissions import Permission
from storefront.web.htmx import render_page

pages = Blueprint("admin", __name__, url_prefix="/admin")


@pages.get("/")
@requires(Permission.ORDERS_READ)
def home() -> Response:
    return no_store(render_page("admin/home.html"))
