"""The language of a request."""

from babel import Locale
from flask import Flask, g, has_request_context, request
from flask_babel import Babel

from storefront.config import ROOT
from storefront.languages.rules import SOURCE, choose, locale_for

COOKIE = "lang"


def shopper_language() -> str:
    """The language that the shopper reads: chosen by the switch, else as the browser says, else the tenant's."""
    if "language" not in g:
        tenant = g.get("tenant")
        accepted = [tag for tag, quality in request.accept_languages if quality > 0]
        g.language = choose(request.cookies.get(COOKIE), accepted, tenant.locale if tenant else SOURCE)
    language: str = g.language
    return language


def select_locale() -> Locale:
    """That of the messages: programs are told in English what went wrong."""
    if not has_request_context() or request.path.startswith("/api/"):
        return Locale(SOURCE)
    tenant = g.get("tenant")
    return locale_for(shopper_language(), tenant.locale if tenant else SOURCE)


def init_app(app: Flask) -> None:
    folder = str(ROOT / "translations")
    Babel().init_app(app, default_translation_directories=folder, locale_selector=select_locale)
    app.jinja_env.globals.update(shopper_language=shopper_language)
