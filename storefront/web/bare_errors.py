"""The plainest form of an error: what is answered when whatever usually dresses it may be what failed.

It asks neither the database nor the session, the tenant, the translations or a template, and so is English only.
"""

import json

from markupsafe import escape
from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response

from storefront.web.htmx import asks_for_region, put_into_messages

PAGE = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="robots" content="noindex">
  <title>{title}</title>
</head>
<body>
  <h1>{title}</h1>
  <p>{detail}</p>
  <p>Request {request_id}</p>
</body>
</html>
"""
REGION = """<div id="messages"><section class="message message-error"><p data-say>{detail}</p></section></div>"""


def bare_error(
    asked: Headers, path: str, status: int, type: str, title: str, detail: str, request_id: str | None
) -> Response:
    """The error as problem+json, as a region or as a page, by the headers and the path that were asked for."""
    if path.startswith("/api/"):
        problem = {"type": f"/problems/{type}", "title": title, "status": status, "detail": detail}
        return Response(json.dumps(problem), status, content_type="application/problem+json")
    form = REGION if asks_for_region(asked) else PAGE
    words = {"title": escape(title), "detail": escape(detail), "request_id": escape(request_id)}
    response = Response(form.format(**words), status, content_type="text/html; charset=utf-8")
    return put_into_messages(response) if form is REGION else response
