"""Response headers for the language: Content-Language, and Vary for caches."""

from flask import Flask, Response, g

from storefront.i18n.locale import is_api_request
from storefront.web.htmx import vary_by


def init_app(app: Flask) -> None:
    app.after_request(vary_by_language)


def vary_by_language(response: Response) -> Response:
    """Set both headers if the request's language was determined, even if the response contains no text."""
    if "language" in g:
        if "Accept-Language" not in response.headers.get("Vary", ""):
            vary_by(response, "Accept-Language" if is_api_request() else "Accept-Language, Cookie")
        response.headers["Content-Language"] = g.language
    return response
