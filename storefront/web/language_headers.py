"""Response headers that say in which language the response is, and that it depends on who reads it."""

from flask import Flask, Response, g

from storefront.i18n.locale import is_api_request
from storefront.web.htmx import vary_by


def init_app(app: Flask) -> None:
    app.after_request(vary_by_language)


def vary_by_language(response: Response) -> Response:
    """What is said depends on who reads it, also when nothing was said in the end."""
    if "language" in g:
        if "Accept-Language" not in response.headers.get("Vary", ""):
            vary_by(response, "Accept-Language" if is_api_request() else "Accept-Language, Cookie")
        response.headers["Content-Language"] = g.language
    return response
