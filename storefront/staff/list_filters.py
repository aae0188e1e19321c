"""The query strings of the back office's lists."""

from collections.abc import Container, Mapping
from typing import Any

from flask import request, url_for

from storefront.i18n.unicode_text import cut, single_line
from storefront.ids import is_id
from storefront.staff.lists import ListFilter, Page

MAX_QUERY_LENGTH = 200


def search_text(typed: str) -> str:
    """Return what was typed into a search field: on one line, cut, and without what PostgreSQL refuses."""
    return cut(single_line(typed), MAX_QUERY_LENGTH).replace("\0", "")


def read_filter(name: str, allowed: Container[str]) -> ListFilter:
    """Read the search, the filter with this name, and where the page begins. What isn't valid is left out."""
    after, before = request.args.get("after", ""), request.args.get("before", "")
    shown = request.args.get(name, "")
    return ListFilter(
        q=search_text(request.args.get("q", "")),
        shown=shown if shown in allowed else "",
        after=after if is_id(after) else "",
        before=before if is_id(before) else "",
    )


def list_url(endpoint: str, filters: Mapping[str, Any], **more: Any) -> str:
    """Return the URL of a list with these filters; empty ones are left out."""
    return url_for(endpoint, **without_empty({**filters, **more}))


def without_empty(filters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in filters.items() if value not in ("", None)}


def with_position(filters: Mapping[str, Any], wanted: ListFilter) -> dict[str, Any]:
    """Return the query string that leads to this page of the list again."""
    return without_empty({**filters, "after": wanted.after, "before": wanted.before})


def pager_urls(endpoint: str, filters: Mapping[str, Any], page: Page) -> dict[str, str]:
    """Return the URLs of the pages beside this one; empty ones if there are none."""
    return {
        "previous": list_url(endpoint, filters, before=page.previous) if page.previous else "",
        "next": list_url(endpoint, filters, after=page.next) if page.next else "",
    }
