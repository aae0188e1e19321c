"""The language of a request, and the switch by which a shopper chooses it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache, wraps
from typing import Any, cast
from urllib.parse import urlsplit

import flask_babel
from babel import Locale
from flask import Blueprint, Flask, current_app, g, has_request_context, redirect, request
from jinja2 import pass_context
from werkzeug.datastructures import LanguageAccept
from werkzeug.exceptions import HTTPException
from werkzeug.http import parse_accept_header
from werkzeug.routing import RequestRedirect
from werkzeug.wrappers import Response

from storefront.config import ROOT
from storefront.htmx import vary_by
from storefront.languages.rules import LANGUAGES, SOURCE, choose, in_turn, locale_tag, own_language
from storefront.languages.words import isolated_values, translations
from storefront.money import parse_locale

pages = Blueprint("languages", __name__)
COOKIE = "lang"
A_YEAR = 60 * 60 * 24 * 365
FOLDER = ROOT / "translations"
LONGEST_HEADER, MOST_TAGS = 500, 20
"""What is read of an Accept-Language: remembered as it is sent, it mustn't fill the memory."""
OF_A_LANGUAGE = ("language", "languages", "shopper_locale", "translations")
"""What a request remembers of the language that is spoken."""


def shopper_language() -> str:
    """The language that the shopper reads: chosen by the switch, else as the browser says, else the shop's own.

    Outside a request it is the one that `speaking` names, else the shop's own."""
    known: str | None = g.get("language")
    return listen() if known is None else known


def listen() -> str:
    locale = locale_of_shop()
    if has_request_context():
        chosen = None if for_programs() else request.cookies.get(COOKIE)
        g.language, g.languages = understood(chosen if chosen in LANGUAGES else None, accepted_here(), locale)
    else:
        g.language = own_language(locale)
    language: str = g.language
    return language


@lru_cache(maxsize=1000)
def understood(chosen: str | None, wanted: tuple[str, ...], locale: str) -> tuple[str, tuple[str, ...]]:
    """The language of who chose and accepts these, and the `shopper_languages`."""
    language = choose(chosen, wanted, locale)
    return language, in_turn(language, wanted, locale)


def shopper_languages(locale: str | None = None) -> tuple[str, ...]:
    """The languages in which this shop, or one of that locale, says its texts to who reads, the best first: the
    page's, and last the shop's own (see `in_turn`). None where nobody reads."""
    known: tuple[str, ...] | None = g.get("languages") if locale is None else None
    if known is None:
        if not ("language" in g or has_request_context()):
            return ()
        known = in_turn(shopper_language(), accepted_here(), locale or locale_of_shop())
        if locale is None:
            g.languages = known
    return known


def accepted_here() -> tuple[str, ...]:
    return accepted(request.headers.get("Accept-Language", "")[:LONGEST_HEADER]) if has_request_context() else ()


@lru_cache(maxsize=1000)
def accepted(header: str) -> tuple[str, ...]:
    """The first tags of an Accept-Language, the best first; many browsers send the same."""
    return tuple(tag for tag, quality in list(parse_accept_header(header, LanguageAccept))[:MOST_TAGS] if quality > 0)


def shopper_locale() -> str:
    """The tag of the locale in which the shopper reads numbers, such as "de-AT"; asked for once a request."""
    if "shopper_locale" not in g:
        g.shopper_locale = locale_tag(shopper_language(), locale_of_shop())
    tag: str = g.shopper_locale
    return tag


def locale_of_shop() -> str:
    tenant = g.get("tenant")
    return tenant.locale if tenant else SOURCE


def for_programs() -> bool:
    return request.path.startswith("/api/") and request.endpoint != "api.docs"


def select_locale() -> Locale:
    """That of the messages: programs are told in English what went wrong."""
    if has_request_context() and for_programs():
        return Locale(SOURCE)
    return parse_locale(shopper_locale())


@contextmanager
def speaking(language: str, languages: tuple[str, ...] = ()) -> Iterator[None]:
    """Say what is said within in this language, whoever asked. Another thread, which knows neither shop nor browser, is
    told the `shopper_languages`, too."""
    if not languages and g.get("language") == language and has_request_context() and not for_programs():
        yield
        return
    before = {name: g.pop(name) for name in OF_A_LANGUAGE if name in g}
    g.language = language
    if languages:
        g.languages = languages
    try:
        with flask_babel.force_locale(shopper_locale().replace("-", "_")):
            yield
    finally:
        for name in OF_A_LANGUAGE:
            g.pop(name, None)
            if name in before:
                setattr(g, name, before[name])


@pages.post("/language")
def switch() -> Response:
    """Keep the language that was chosen, for this shop, and lead back to the page where it was."""
    response = redirect(page_before(), 303)
    keep_choice(response, request.form.get("lang", ""))
    return response


def keep_choice(response: Response, language: str) -> None:
    """Make this the language in which the shopper reads the shop from now on, if there is such a one."""
    if language in LANGUAGES:
        response.set_cookie(
            COOKIE,
            language,
            max_age=A_YEAR,
            path=request.script_root + "/",
            secure=request.is_secure,
            httponly=True,
            samesite="Lax",
        )


def page_before() -> str:
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


def vary(response: Response) -> Response:
    """What is said depends on who reads it, also when nothing was said in the end."""
    if "language" in g:
        if "Accept-Language" not in response.headers.get("Vary", ""):
            vary_by(response, "Accept-Language" if for_programs() else "Accept-Language, Cookie")
        response.headers["Content-Language"] = g.language
    return response


def isolating(gettext: Callable[..., str]) -> Callable[..., str]:
    """A template's `gettext` or `ngettext` whose values keep their direction to themselves."""

    @pass_context
    @wraps(gettext)
    def isolated_gettext(*context_and_messages: Any, **values: Any) -> str:
        return gettext(*context_and_messages, **isolated_values(values))

    return isolated_gettext


def init_app(app: Flask) -> None:
    flask_babel.Babel().init_app(app, default_translation_directories=str(FOLDER), locale_selector=select_locale)
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        gettext=lambda text: translations().ugettext(text),
        ngettext=lambda one, many, number: translations().ungettext(one, many, number),
        newstyle=True,
    )
    for name in ("gettext", "ngettext"):
        app.jinja_env.globals[name] = isolating(cast(Callable[..., str], app.jinja_env.globals[name]))
    app.register_blueprint(pages)
    app.after_request(vary)
