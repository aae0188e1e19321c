"""Which shop is this? Found from the host or the path, once, before Flask sees the request.

A subdomain of BASE_DOMAIN is a shop by itself. Any other host serves the prefix form: `/t/<tenant>` moves from
PATH_INFO to SCRIPT_NAME, so that every route is written once and `url_for` and cookies stay inside the form that the
request came in by. `www.` before BASE_DOMAIN leads to BASE_DOMAIN. The Host header is used for nothing else and is
never repeated.
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
    """Says in `environ["storefront.tenant_id"]` which tenant was asked for, None for none; whether it exists is not
    decided here."""

    def __init__(self, app: WSGIApplication, base_domain: str) -> None:
        self.app = app
        self.base_domain, self.suffix = base_domain, "." + base_domain

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not _HOST.fullmatch(environ.get("HTTP_HOST", INVALID_HOST)):
            environ["HTTP_HOST"] = INVALID_HOST  # what can't be the name of any host is not worth a crash
        if environ["wsgi.url_scheme"] not in ("http", "https"):
            environ["wsgi.url_scheme"] = (
                "http"  # a proxy handed on what a client made up, and addresses would repeat it
            )
        environ[TENANT_KEY] = tenant_id = self.tenant_of_host(environ.get("HTTP_HOST", INVALID_HOST))
        if tenant_id == "www":
            return redirect(self.without_www(environ), start_response)
        if tenant_id is None and (match := _PREFIX.fullmatch(environ.get("PATH_INFO", ""))):
            tenant_id, rest = match.groups()
            prefix = environ.get("SCRIPT_NAME", "") + "/t/" + tenant_id
            if not rest:
                return redirect(address(prefix + "/", environ), start_response)
            environ[TENANT_KEY] = tenant_id
            environ["SCRIPT_NAME"], environ["PATH_INFO"] = prefix, rest
        return self.app(environ, start_response)

    def tenant_of_host(self, host: str) -> str | None:
        name = host.rsplit(":", 1)[0].rstrip(".").lower() if not host.endswith("]") else host
        return name.removesuffix(self.suffix) if name.endswith(self.suffix) else None

    def without_www(self, environ: WSGIEnvironment) -> str:
        """The same address at BASE_DOMAIN, by the scheme and port that the request came by."""
        port = re.search(r":[0-9]+$", environ["HTTP_HOST"])
        scheme = "https" if environ["wsgi.url_scheme"] == "https" else "http"
        origin = f"{scheme}://{self.base_domain}{port[0] if port else ''}"
        return origin + address(environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""), environ)


def address(path: str, environ: WSGIEnvironment) -> str:
    """A path as WSGI decodes it, encoded again, with the request's query."""
    query = environ.get("QUERY_STRING", "")
    return quote(path.encode("latin-1")) + ("?" + query if query else "")


def redirect(location: str, start_response: StartResponse) -> Iterable[bytes]:
    """A permanent one that keeps the method."""
    start_response("308 Permanent Redirect", [("Location", location), ("Content-Length", "0")])
    return [b""]
