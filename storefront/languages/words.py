"""Words for people, in the language of the request: `_("…")` and `ngettext("…", "…", many)`, also in every template.

Outside a request, and for programs that call the JSON API, they are the English that stands in the source.
"""

from typing import Any

import flask_babel


def gettext(text: str, /, **values: Any) -> str:
    """The message in the reader's language. Only with values is a per cent sign in it written twice."""
    words: str = flask_babel.gettext(text, **values)
    return words


_ = gettext


def ngettext(one: str, many: str, number: int, /, **values: Any) -> str:
    """The form for so many of something; the messages say the number as `%(num)s`."""
    words: str = flask_babel.ngettext(one, many, number, **values)
    return words


def N_(text: str) -> str:  # noqa: N802 - the usual name
    """Marks a message that is translated where it is shown."""
    return text
