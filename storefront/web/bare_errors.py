"""Minimal error responses, for when the usual rendering of errors may be what failed.

They use neither the database, the session, the tenant, the translations nor a template, so they are in English only.
"""

import json

from markupsafe import escape
from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response

from storefront.web.htmx import is_partial_request, put_into_messages

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
PARTIAL = """<div id="messages"><section class="message message-error"><p data-say>{detail}</p></section></div>"""


def bare_error(
    headers: Headers, path: str, status: int, type: str, title: str, detail: str, request_id: str | None
) -> Response:
    """Return the error as problem details, as a partial or as a page, depending on the request's headers and `path`."""
    if path.startswith("/api/"):
        problem = {"type": f"/problems/{type}", "title": title, "status": status, "detail": detail}
        return Response(json.dumps(problem), status, content_type="application/problem+json")
    form = PARTIAL if is_partial_request(headers) else PAGE
    values = {"title": escape(title), "detail": escape(detail), "request_id": escape(request_id)}
    response = Response(form.format(**values), status, content_type="text/html; charset=utf-8")
    return put_into_messages(response) if form is PARTIAL else response
