"""POST /language: sets the shopper's language."""

from urllib.parse import urlsplit

from flask import Blueprint, current_app, redirect, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect
from werkzeug.wrappers import Response

from storefront.i18n.locale import set_language_cookie

pages = Blueprint("i18n", __name__)


@pages.post("/language")
def set_language() -> Response:
    """Set the language cookie of this shop and redirect to the referring page."""
    response = redirect(referring_path(), 303)
    set_language_cookie(response, request.form.get("lang", ""))
    return response


def referring_path() -> str:
    """Return path and query of the Referer if it is a page of this shop, otherwise the front page. Never another
    host."""
    home = request.script_root + "/"
    try:
        referer = urlsplit(request.headers.get("Referer", ""))
    except ValueError:
        return home
    path = referer.path
    if referer.netloc != request.host or not path.startswith(home) or path.startswith("//"):
        return home
    try:
        current_app.create_url_adapter(request).match(path.removeprefix(request.script_root), method="GET")  # type: ignore[union-attr]
    except (HTTPException, RequestRedirect):
        return home
    return path + ("?" + referer.query if referer.query else "")
