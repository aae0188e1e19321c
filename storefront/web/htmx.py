"""The only module that knows an HX- header.

A page's template holds its regions: a region's `id`, its Jinja block and what htmx targets share one name. The same
handler answers with the whole page, or with the one block that htmx asked for.
"""

from collections.abc import Iterable
from typing import Any, TypeVar

from flask import Response, current_app, make_response, render_template, request
from jinja2 import Template
from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response as AnyResponse

BASE_TEMPLATE = "base.html"
SWAP_STYLE = "innerHTML strip:true"
"""A region is sent with its root, which stays in the page: what is announced there, and what waits for it, lives on."""


HEAD_BLOCKS = {"title", "description", "robots", "address", "og_type", "og_image", "head", "live_search", "asked"}
"""Blocks that are parts of the page's frame. They are no regions: alone, they lack what is set around them."""


def requested_partial() -> str | None:
    """The id of the element that htmx wants to swap; None when a whole page is wanted, as after Back."""
    if not asks_for_region(request.headers):
        return None
    return request.headers.get("HX-Target", "").partition("#")[2] or None


def asks_for_region(headers: Headers) -> bool:
    return headers.get("HX-Request-Type") == "partial"


def render_page(template: str, extra_partials: Iterable[str] = (), http_status: int = 200, **context: Any) -> Response:
    """The page, or the region of it that was asked for together with the regions `also`, which changed with it."""
    return html_response(render_html(template, extra_partials, **context), http_status)


def render_html(template: str, extra_partials: Iterable[str] = (), **context: Any) -> str:
    """The HTML of a page or of a region, as `show` answers with it."""
    region = requested_partial()
    page = current_app.jinja_env.get_template(template)
    if region is None or find_block(page, region) is None:
        return render_template(template, partial=False, **context)
    values = dict(context, partial=True)
    current_app.update_template_context(values)
    return render_block(page, region, values) + "".join(
        f'<hx-partial hx-target="#{other}" hx-swap="{SWAP_STYLE}">{render_block(page, other, values)}</hx-partial>'
        for other in extra_partials
        if other != region
    )


def html_response(body: str | bytes, http_status: int = 200) -> Response:
    return vary_by_partial(Response(body, http_status, content_type="text/html; charset=utf-8"))


def render_error_partial(template: str, region: str, http_status: int, **context: Any) -> Response:
    """A region of a template, put where the shopper looks for what went wrong, whatever htmx wanted to swap."""
    values = dict(context, partial=True)
    current_app.update_template_context(values)
    response = make_response(render_block(current_app.jinja_env.get_template(template), region, values), http_status)
    return vary_by_partial(put_into(response, region))


def put_into_messages(response: AnyResponse) -> AnyResponse:
    """Show this answer where messages are, whatever htmx wanted to swap."""
    return put_into(response, "messages")


AnResponse = TypeVar("AnResponse", bound=AnyResponse)


def put_into(response: AnResponse, region: str) -> AnResponse:
    response.headers["HX-Retarget"] = f"#{region}"
    response.headers["HX-Reswap"] = SWAP_STYLE
    return response


def vary_by_partial(response: Response) -> Response:
    """Without the first two, Back shows a bare region that the browser kept as the page; what is said depends on the
    language and on the cart, too."""
    vary_by(response, "HX-Request-Type, HX-Target, Accept-Language, Cookie")
    return response


def vary_by(response: AnyResponse, names: str) -> None:
    """Say on which headers of the request the answer depends; `response.vary` reads and writes the whole list anew."""
    before = response.headers.get("Vary")
    response.headers["Vary"] = f"{before}, {names}" if before else names


def find_block(page: Template, name: str) -> Any:
    """The block of the page, or of the base template when the page doesn't have its own; None when there is no such
    region."""
    if name in HEAD_BLOCKS:
        return None
    return page.blocks.get(name) or current_app.jinja_env.get_template(BASE_TEMPLATE).blocks.get(name)


def render_block(page: Template, name: str, values: dict[str, Any]) -> str:
    block = find_block(page, name)
    if block is None:
        raise LookupError(f"{page.name} has no region {name!r}")
    return "".join(block(page.new_context(values)))
