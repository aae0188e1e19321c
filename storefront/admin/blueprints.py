"""The blueprint of the back office's pages about the shop, `/admin/…`, and what its templates may say by name."""

from flask import Blueprint
from flask.blueprints import BlueprintSetupState

from storefront.admin.navigation import sections
from storefront.events.queries import last_event_id

pages = Blueprint("admin", __name__, url_prefix="/admin")


@pages.record_once
def add_template_names(state: BlueprintSetupState) -> None:
    """Globals, because a context processor would run on every page of the shop."""
    state.app.jinja_env.globals.update(admin_sections=sections, last_event_id=last_event_id)
