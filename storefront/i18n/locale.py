"""The language and locale of the current request."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import flask_babel
from babel import Locale
from flask import Flask, g, has_request_context, request
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header
from werkzeug.wrappers import Response

from storefront.config import ROOT
from storefront.i18n import template_gettext
from storefront.i18n.negotiation import (
    LANGUAGES,
    SOURCE_LANGUAGE,
    default_language,
    fallback_languages,
    locale_tag,
    negotiate_language,
)
from storefront.money import parse_locale

LANGUAGE_COOKIE = "lang"
COOKIE_MAX_AGE_SECONDS = 60 * 60 * 24 * 365
TRANSLATIONS_FOLDER = ROOT / "translations"
MAX_HEADER_LENGTH, MAX_LANGUAGE_TAGS = 500, 20
"""Limits for Accept-Language: the header is a cache key, so it must not be arbitrarily long."""
LANGUAGE_ATTRIBUTES = ("language", "languages", "shopper_locale", "translations")
"""Attributes of `g` in which a request caches its language."""


def shopper_language() -> str:
    """Return the shopper's language: chosen with the switch, else from Accept-Language, else the shop's default.

    Outside a request it is the one of `override_locale`, else the shop's default."""
    known: str | None = g.get("language")
    return _detect_language() if known is None else known


def _detect_language() -> str:
    locale = tenant_locale()
    if has_request_context():
        chosen = None if is_api_request() else request.cookies.get(LANGUAGE_COOKIE)
        g.language, g.languages = _negotiate_cached(
            chosen if chosen in LANGUAGES else None, request_languages(), locale
        )
    else:
        g.language = default_language(locale)
    language: str = g.language
    return language


@lru_cache(maxsize=1000)
def _negotiate_cached(chosen: str | None, wanted: tuple[str, ...], locale: str) -> tuple[str, tuple[str, ...]]:
    """Return the negotiated language and the `shopper_languages`. `wanted` are tags of Accept-Language."""
    language = negotiate_language(chosen, wanted, locale)
    return language, fallback_languages(language, wanted, locale)


def shopper_languages(locale: str | None = None) -> tuple[str, ...]:
    """Return the languages for content of this shop, or of a shop with `locale`, in order of preference.

    The first is the page's, the last the shop's default (see `fallback_languages`). Empty without a shopper."""
    known: tuple[str, ...] | None = g.get("languages") if locale is None else None
    if known is None:
        if not ("language" in g or has_request_context()):
            return ()
        known = fallback_languages(shopper_language(), request_languages(), locale or tenant_locale())
        if locale is None:
            g.languages = known
    return known


def request_languages() -> tuple[str, ...]:
    return (
        parse_accept_language(request.headers.get("Accept-Language", "")[:MAX_HEADER_LENGTH])
        if has_request_context()
        else ()
    )


@lru_cache(maxsize=1000)
def parse_accept_language(header: str) -> tuple[str, ...]:
    """Return the first tags of an Accept-Language header, best first. Cached, because many browsers send the same."""
    return tuple(
        tag for tag, quality in list(parse_accept_header(header, LanguageAccept))[:MAX_LANGUAGE_TAGS] if quality > 0
    )


def shopper_locale() -> str:
    """Return the tag of the locale for the shopper's numbers and dates, such as "de-AT". Cached per request."""
    if "shopper_locale" not in g:
        g.shopper_locale = locale_tag(shopper_language(), tenant_locale())
    tag: str = g.shopper_locale
    return tag


def tenant_locale() -> str:
    tenant = g.get("tenant")
    return tenant.locale if tenant else SOURCE_LANGUAGE


def is_api_request() -> bool:
    return request.path.startswith("/api/") and request.endpoint != "api.docs"


def select_locale() -> Locale:
    """Return the locale of messages; English for the JSON API."""
    if has_request_context() and is_api_request():
        return Locale(SOURCE_LANGUAGE)
    return parse_locale(shopper_locale())


@contextmanager
def override_locale(language: str, languages: tuple[str, ...] = ()) -> Iterator[None]:
    """Use this language inside the context, whatever the request asked for.

    In a background thread pass `languages`, too: the `shopper_languages` of the request that caused the work."""
    if not languages and g.get("language") == language and has_request_context() and not is_api_request():
        yield
        return
    before = {name: g.pop(name) for name in LANGUAGE_ATTRIBUTES if name in g}
    g.language = language
    if languages:
        g.languages = languages
    try:
        with flask_babel.force_locale(shopper_locale().replace("-", "_")):
            yield
    finally:
        for name in LANGUAGE_ATTRIBUTES:
            g.pop(name, None)
            if name in before:
                setattr(g, name, before[name])


def set_language_cookie(response: Response, language: str) -> None:
    """Set the language cookie of the shop if the language is supported."""
    if language in LANGUAGES:
        response.set_cookie(
            LANGUAGE_COOKIE,
            language,
            max_age=COOKIE_MAX_AGE_SECONDS,
            path=request.script_root + "/",
            secure=request.is_secure,
            httponly=True,
            samesite="Lax",
        )


def init_app(app: Flask) -> None:
    flask_babel.Babel().init_app(
        app, default_translation_directories=str(TRANSLATIONS_FOLDER), locale_selector=select_locale
    )
    template_gettext.init_app(app)
