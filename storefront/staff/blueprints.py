"""The blueprints of staff's pages: `/admin/…` of a shop, and `/setup/…` at the root."""

from flask import Blueprint
from flask.blueprints import BlueprintSetupState

from storefront.staff.roles import role_name
from storefront.staff.sessions import signed_in

pages = Blueprint("staff", __name__, url_prefix="/admin")
setup = Blueprint("setup", __name__)
"""Belongs to no shop."""


@pages.record_once
def add_template_names(state: BlueprintSetupState) -> None:
    """Globals, because a context processor would run on every page of the shop."""
    state.app.jinja_env.globals.update(signed_in=signed_in, role_name=role_name)
