"""The tenant middleware: resolves the tenant of a request from its host or path, before Flask.

A subdomain of BASE_DOMAIN is a shop. Any other host serves the prefix form: `/t/<tenant>` is moved from PATH_INFO to
SCRIPT_NAME, so each route is written once, and `url_for` and cookies keep the URL form of the request. `www.` before
BASE_DOMAIN redirects to BASE_DOMAIN. The Host header is used for nothing else and is never repeated in a response.
"""

import re
from collections.abc import Iterable
from urllib.parse import quote
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from storefront.web.environ import TENANT_KEY

_HOST = re.compile(
    r"([A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}\.?(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?"
)
INVALID_HOST = "invalid"
_PREFIX = re.compile(r"/t/([^/]*)(/.*)?", re.DOTALL)


class TenantMiddleware:
    """Sets `environ["storefront.tenant_id"]` to the requested tenant's id, or None. Doesn't check whether it exists."""

    def __init__(self, app: WSGIApplication, base_domain: str) -> None:
        self.app = app
        self.base_domain, self.suffix = base_domain, "." + base_domain

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not _HOST.fullmatch(environ.get("HTTP_HOST", INVALID_HOST)):
            environ["HTTP_HOST"] = INVALID_HOST  # an invalid name would raise an exception later
        if environ["wsgi.url_scheme"] not in ("http", "https"):
            environ["wsgi.url_scheme"] = "http"  # a client's invalid X-Forwarded-Proto, which URLs would repeat
        environ[TENANT_KEY] = tenant_id = self.tenant_of_host(environ.get("HTTP_HOST", INVALID_HOST))
        if tenant_id == "www":
            return redirect(self.without_www(environ), start_response)
        if tenant_id is None and (match := _PREFIX.fullmatch(environ.get("PATH_INFO", ""))):
            tenant_id, rest = match.groups()
            prefix = environ.get("SCRIPT_NAME", "") + "/t/" + tenant_id
            if not rest:
                return redirect(encode_url(prefix + "/", environ), start_response)
            environ[TENANT_KEY] = tenant_id
            environ["SCRIPT_NAME"], environ["PATH_INFO"] = prefix, rest
        return self.app(environ, start_response)

    def tenant_of_host(self, host: str) -> str | None:
        name = host.rsplit(":", 1)[0].rstrip(".").lower() if not host.endswith("]") else host
        return name.removesuffix(self.suffix) if name.endswith(self.suffix) else None

    def without_www(self, environ: WSGIEnvironment) -> str:
        """Return the URL at BASE_DOMAIN, with the scheme and port of the request."""
        port = re.search(r":[0-9]+$", environ["HTTP_HOST"])
        scheme = "https" if environ["wsgi.url_scheme"] == "https" else "http"
        origin = f"{scheme}://{self.base_domain}{port[0] if port else ''}"
        return origin + encode_url(environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""), environ)


def encode_url(path: str, environ: WSGIEnvironment) -> str:
    """Return a WSGI-decoded path percent-encoded again, with the request's query."""
    query = environ.get("QUERY_STRING", "")
    return quote(path.encode("latin-1")) + ("?" + query if query else "")


def redirect(location: str, start_response: StartResponse) -> Iterable[bytes]:
    """Respond with a permanent redirect that keeps the method (308)."""
    start_response("308 Permanent Redirect", [("Location", location), ("Content-Length", "0")])
    return [b""]
