"""The first page of the settings: what can be set, and where."""

from flask import url_for
from werkzeug.wrappers import Response

from storefront.admin.blueprints import pages
from storefront.admin.settings_words import SECTIONS
from storefront.i18n.gettext import _
from storefront.staff.access import requires
from storefront.staff.permissions import Permission
from storefront.state import current_state
from storefront.web.htmx import no_store, render_page


@pages.get("/settings")
@requires(Permission.SETTINGS_WRITE)
def settings() -> Response:
    return no_store(
        render_page(
            "admin/settings.html",
            sections=[(url_for(one.endpoint), _(one.name), _(one.text)) for one in SECTIONS.values()],
            is_mail_set_up=current_state().settings.mail_server is not None,
        )
    )
