"""Translated messages in the language of the request: `_("…")` and `ngettext("…", "…", count)`, in Python and
templates.

Outside a request, and for the JSON API, they are the English source.
"""

from typing import Any

import flask_babel
from flask import g

from storefront.i18n.unicode_text import isolated


def translations() -> Any:
    """Return the message catalogue of this request, cached: a page has a hundred messages, and finding it costs more
    than a lookup in it."""
    try:
        return g.translations
    except AttributeError:
        g.translations = flask_babel.get_translations()
        return g.translations
    except RuntimeError:  # no application context
        return flask_babel.get_translations()


def gettext(text: str, /, **values: Any) -> str:
    """Return the translated message, with `values` for its placeholders. A literal % is doubled only if there are
    values."""
    message: str = translations().ugettext(text)
    return message % isolated_values(values) if values else message


_ = gettext


def ngettext(singular: str, plural: str, count: int, /, **values: Any) -> str:
    """Return the translated plural form for `count`, which is the placeholder `%(num)s`."""
    message: str = translations().ungettext(singular, plural, count)
    return message % isolated_values({"num": count, **values})


def isolated_values(values: dict[str, Any]) -> dict[str, Any]:
    """Isolate right-to-left strings among a message's values, so that they don't change the direction of the
    sentence."""
    return {name: isolated(value) if isinstance(value, str) else value for name, value in values.items()}


def N_(text: str) -> str:  # noqa: N802 - the conventional name
    """Mark a message for extraction; it is translated where it is rendered."""
    return text
