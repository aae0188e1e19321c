"""htmx: the only module that reads or writes HX- headers.

A page's template contains its partials: a partial's element id, its Jinja block and its htmx target have one name. The
same view renders the whole page, or only the partial that htmx requested.
"""

from collections.abc import Iterable
from typing import Any, TypeVar

from flask import Response, current_app, make_response, redirect, render_template, request
from jinja2 import Template
from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response as AnyResponse

BASE_TEMPLATE = "base.html"
SWAP_STYLE = "innerHTML strip:true"
"""A partial is sent with its root element, which stays in the page: announcements and pending requests of it
continue."""


HEAD_BLOCKS = {
    "title",
    "description",
    "robots",
    "address",
    "og_type",
    "og_image",
    "head",
    "live_search",
    "asked",
    "latest_change",
    "latest_change_url",
}
"""Blocks of the page's frame, which are no partials: they depend on variables that are set around them."""


def requested_partial() -> str | None:
    """Return the id of the element that htmx will swap; None if the whole page is requested, as after Back."""
    if not is_partial_request(request.headers):
        return None
    return request.headers.get("HX-Target", "").partition("#")[2] or None


def is_partial_request(headers: Headers) -> bool:
    return headers.get("HX-Request-Type") == "partial"


def render_page(template: str, extra_partials: Iterable[str] = (), http_status: int = 200, **context: Any) -> Response:
    """Respond with the page, or with the requested partial and `extra_partials`, which changed with it."""
    return html_response(render_html(template, extra_partials, **context), http_status)


def render_html(template: str, extra_partials: Iterable[str] = (), **context: Any) -> str:
    """Return the HTML of the page, or of the requested partial and `extra_partials`."""
    target = requested_partial()
    page = current_app.jinja_env.get_template(template)
    if target is None or find_block(page, target) is None:
        return render_template(template, partial=False, **context)
    values = dict(context, partial=True)
    current_app.update_template_context(values)
    return render_block(page, target, values) + "".join(
        f'<hx-partial hx-target="#{other}" hx-swap="{SWAP_STYLE}">{render_block(page, other, values)}</hx-partial>'
        for other in extra_partials
        if other != target
    )


def html_response(body: str | bytes, http_status: int = 200) -> Response:
    return vary_by_partial(Response(body, http_status, content_type="text/html; charset=utf-8"))


def no_store(response: Response) -> Response:
    """Keep the response out of all caches: it has personal data or a secret, and people share computers."""
    response.headers["Cache-Control"] = "no-store"
    return response


def render_error_partial(template: str, partial_id: str, http_status: int, **context: Any) -> Response:
    """Respond with a partial that htmx puts in its own place (`HX-Retarget`), whatever element it was going to swap."""
    values = dict(context, partial=True)
    current_app.update_template_context(values)
    response = make_response(
        render_block(current_app.jinja_env.get_template(template), partial_id, values), http_status
    )
    return vary_by_partial(put_into(response, partial_id))


def put_into_messages(response: AnyResponse) -> AnyResponse:
    """Make htmx show the response in the message area, whatever element it was going to swap."""
    return put_into(response, "messages")


AnResponse = TypeVar("AnResponse", bound=AnyResponse)


def put_into(response: AnResponse, partial_id: str) -> AnResponse:
    response.headers["HX-Retarget"] = f"#{partial_id}"
    response.headers["HX-Reswap"] = SWAP_STYLE
    return response


def redirect_page(url: str) -> AnyResponse:
    """Redirect the whole page, also if htmx requested a partial, into which it would put the other page otherwise."""
    if not is_partial_request(request.headers):
        return redirect(url, 303)
    response = Response(status=204)
    response.headers["HX-Redirect"] = url
    return vary_by_partial(response)


def replace_url(response: AnyResponse, url: str) -> None:
    """Make the browser show this URL for the page that the partial is part of, without a new entry in its history."""
    response.headers["HX-Replace-Url"] = url


def vary_by_partial(response: Response) -> Response:
    """Set `Vary`. Without the first two headers, Back would show a cached partial as a page; the content also depends
    on the language and the cart."""
    vary_by(response, "HX-Request-Type, HX-Target, Accept-Language, Cookie")
    return response


def vary_by(response: AnyResponse, names: str) -> None:
    """Append names to the `Vary` header; `response.vary` would parse and serialise the whole list each time."""
    before = response.headers.get("Vary")
    response.headers["Vary"] = f"{before}, {names}" if before else names


def find_block(page: Template, name: str) -> Any:
    """Return the block of the page or else of the base template; None if there is no such partial."""
    if name in HEAD_BLOCKS:
        return None
    return page.blocks.get(name) or current_app.jinja_env.get_template(BASE_TEMPLATE).blocks.get(name)


def render_block(page: Template, name: str, values: dict[str, Any]) -> str:
    block = find_block(page, name)
    if block is None:
        raise LookupError(f"{page.name} has no partial {name!r}")
    return "".join(block(page.new_context(values)))
