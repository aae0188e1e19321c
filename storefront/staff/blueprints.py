"""The blueprints of staff's pages: `/admin/…` of a shop, and `/setup/…` at the root."""

from flask import Blueprint

from storefront.staff.sessions import signed_in

pages = Blueprint("staff", __name__, url_prefix="/admin")
setup = Blueprint("setup", __name__)
"""Belongs to no shop."""


@pages.app_context_processor
def template_names() -> dict[str, object]:
    return {"signed_in": signed_in}
