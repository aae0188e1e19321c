"""The language and locale of the current request."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache, wraps
from typing import Any, cast

import flask_babel
from babel import Locale
from flask import Flask, g, has_request_context, request
from jinja2 import pass_context
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header
from werkzeug.wrappers import Response

from storefront.config import ROOT
from storefront.i18n.gettext import isolated_values, translations
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
"""What is read of an Accept-Language: remembered as it is sent, it mustn't fill the memory."""
LANGUAGE_ATTRIBUTES = ("language", "languages", "shopper_locale", "translations")
"""What a request remembers of the language that is spoken."""


def shopper_language() -> str:
    """The language that the shopper reads: chosen by the switch, else as the browser says, else the shop's own.

    Outside a request it is the one that `speaking` names, else the shop's own."""
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
    """The language of who chose and accepts these, and the `shopper_languages`."""
    language = negotiate_language(chosen, wanted, locale)
    return language, fallback_languages(language, wanted, locale)


def shopper_languages(locale: str | None = None) -> tuple[str, ...]:
    """The languages in which this shop, or one of that locale, says its texts to who reads, the best first: the
    page's, and last the shop's own (see `fallback_languages`). None where nobody reads."""
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
    """The first tags of an Accept-Language, the best first; many browsers send the same."""
    return tuple(
        tag for tag, quality in list(parse_accept_header(header, LanguageAccept))[:MAX_LANGUAGE_TAGS] if quality > 0
    )


def shopper_locale() -> str:
    """The tag of the locale in which the shopper reads numbers, such as "de-AT"; asked for once a request."""
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
    """That of the messages: programs are told in English what went wrong."""
    if has_request_context() and is_api_request():
        return Locale(SOURCE_LANGUAGE)
    return parse_locale(shopper_locale())


@contextmanager
def override_locale(language: str, languages: tuple[str, ...] = ()) -> Iterator[None]:
    """Say what is said within in this language, whoever asked. Another thread, which knows neither shop nor browser, is
    told the `shopper_languages`, too."""
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


def keep_choice(response: Response, language: str) -> None:
    """Make this the language in which the shopper reads the shop from now on, if there is such a one."""
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


def isolating(gettext: Callable[..., str]) -> Callable[..., str]:
    """A template's `gettext` or `ngettext` whose values keep their direction to themselves."""

    @pass_context
    @wraps(gettext)
    def isolated_gettext(*context_and_messages: Any, **values: Any) -> str:
        return gettext(*context_and_messages, **isolated_values(values))

    return isolated_gettext


def init_app(app: Flask) -> None:
    flask_babel.Babel().init_app(
        app, default_translation_directories=str(TRANSLATIONS_FOLDER), locale_selector=select_locale
    )
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        gettext=lambda text: translations().ugettext(text),
        ngettext=lambda one, many, number: translations().ungettext(one, many, number),
        newstyle=True,
    )
    for name in ("gettext", "ngettext"):
        app.jinja_env.globals[name] = isolating(cast(Callable[..., str], app.jinja_env.globals[name]))
