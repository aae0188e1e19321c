"""POST /language: the shopper chooses the language."""

from urllib.parse import urlsplit

from flask import Blueprint, current_app, redirect, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect
from werkzeug.wrappers import Response

from storefront.i18n.locale import keep_choice

pages = Blueprint("i18n", __name__)


@pages.post("/language")
def set_language() -> Response:
    """Keep the language that was chosen, for this shop, and lead back to the page where it was."""
    response = redirect(referring_path(), 303)
    keep_choice(response, request.form.get("lang", ""))
    return response


def referring_path() -> str:
    """The path of the page whose form this is, as the browser says it; the front page when it doesn't, or when that is
    no page of this shop that can be looked at. Never another host's."""
    home = request.script_root + "/"
    try:
        came_from = urlsplit(request.headers.get("Referer", ""))
    except ValueError:
        return home
    path = came_from.path
    if came_from.netloc != request.host or not path.startswith(home) or path.startswith("//"):
        return home
    try:
        current_app.create_url_adapter(request).match(path.removeprefix(request.script_root), method="GET")  # type: ignore[union-attr]
    except (HTTPException, RequestRedirect):
        return home
    return path + ("?" + came_from.query if came_from.query else "")
