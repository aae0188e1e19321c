"""The link that says how many rows a log has got since its list was opened. A log that grows all the time doesn't show
them by itself, because the rows would move away under who reads them."""

from flask import render_template
from werkzeug.wrappers import Response

from storefront.admin.upsell_queries import MAX_NEW_ROWS
from storefront.i18n.formatting import format_integer
from storefront.web.htmx import html_response, no_store


def counted_rows(number: int) -> str:
    return format_integer(MAX_NEW_ROWS) + "+" if number > MAX_NEW_ROWS else format_integer(number)


def show_new_rows(number: int, text: str, url: str) -> Response:
    """Respond with the link, for `static/js/admin/live_lists.js`; with nothing if there are no rows."""
    body = render_template("admin/_new_rows.html", text=text, url=url) if number else ""
    return no_store(html_response(body))
