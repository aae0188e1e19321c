"""Words for people, in the language of the request: `_("…")` and `ngettext("…", "…", many)`, also in every template.

Outside a request, and for programs that call the JSON API, they are the English that stands in the source.
"""

from typing import Any

import flask_babel
from flask import g

from storefront.i18n.unicode_text import isolated


def translations() -> Any:
    """The catalogue of this request: a page has a hundred messages, and finding it takes longer than asking it."""
    try:
        return g.translations
    except AttributeError:
        g.translations = flask_babel.get_translations()
        return g.translations
    except RuntimeError:  # nobody's turn to speak: there is no application context
        return flask_babel.get_translations()


def gettext(text: str, /, **values: Any) -> str:
    """The message in the reader's language. Only with values is a per cent sign in it written twice."""
    words: str = translations().ugettext(text)
    return words % isolated_values(values) if values else words


_ = gettext


def ngettext(one: str, many: str, number: int, /, **values: Any) -> str:
    """The form for so many of something; the messages say the number as `%(num)s`."""
    words: str = translations().ungettext(one, many, number)
    return words % isolated_values({"num": number, **values})


def isolated_values(values: dict[str, Any]) -> dict[str, Any]:
    """The values of a message; a text in a right-to-left script keeps its direction to itself."""
    return {name: isolated(value) if isinstance(value, str) else value for name, value in values.items()}


def N_(text: str) -> str:  # noqa: N802 - the usual name
    """Marks a message that is translated where it is shown."""
    return text
