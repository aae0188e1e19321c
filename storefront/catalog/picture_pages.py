"""Uploaded pictures, as browsers load them."""

import re

from flask import Blueprint, Response, request

from storefront.errors import NotFound
from storefront.i18n.gettext import _
from storefront.tenants.context import current_tenant
from storefront.web.media import folder_of

pages = Blueprint("media", __name__)

MAX_AGE_SECONDS = 365 * 24 * 60 * 60
_NAME = re.compile(r"[0-9a-f]{32}(-cut)?-[0-9]{1,4}\.webp")


@pages.get("/media/<name>")
def picture(name: str) -> Response:
    """A stored picture of this shop. Its name says its content, so browsers keep it for ever."""
    folder = folder_of(current_tenant().id)
    if not _NAME.fullmatch(name) or not (folder / name).is_file():
        raise NotFound(_("We couldn't find this page."))
    response = Response((folder / name).read_bytes(), mimetype="image/webp")
    response.set_etag(name.removesuffix(".webp"))
    response.cache_control.max_age = MAX_AGE_SECONDS
    response.cache_control.public = True
    response.cache_control.immutable = True
    response.make_conditional(request)
    return response
