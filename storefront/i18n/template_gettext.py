"""`_`, `gettext` and `ngettext` of the templates. Jinja's own call three functions and format each message, even one
without values, and a page has dozens of messages."""

from typing import Any

from flask import Flask
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from storefront.i18n.gettext import isolated_values, translations


@pass_context
def gettext(context: Context, text: str, /, **values: Any) -> str:
    """Return the translated message with its values, escaped where the template escapes."""
    return format_message(context, translations().ugettext(text), values)


@pass_context
def ngettext(context: Context, singular: str, plural: str, count: int, /, **values: Any) -> str:
    """Return the translated plural form for `count`, which is the placeholder `%(num)s`."""
    return format_message(context, translations().ungettext(singular, plural, count), {"num": count, **values})


def format_message(context: Context, message: str, values: dict[str, Any]) -> str:
    """A literal % is doubled, as in Jinja's own."""
    if context.eval_ctx.autoescape:
        message = Markup(message)  # noqa: S704 - messages are the program's own
    return message % isolated_values(values) if "%" in message else message


def init_app(app: Flask) -> None:
    app.jinja_env.globals.update(_=gettext, gettext=gettext, ngettext=ngettext)
