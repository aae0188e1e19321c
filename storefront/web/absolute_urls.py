"""The absolute URL of a shop's root, and which hosts this installation is configured for."""

from urllib.parse import quote, urlsplit

from flask import g, request

from storefront.config import Settings
from storefront.state import current_state

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


def settings() -> Settings:
    return current_state().settings


def public_root() -> str | None:
    """Return the URL of the shop (or of the list of shops) by PUBLIC_URL, without a trailing slash; None without
    PUBLIC_URL.

    A shop requested by its subdomain gets a subdomain of BASE_DOMAIN if PUBLIC_URL is BASE_DOMAIN, otherwise a prefix.
    If PUBLIC_URL is itself a subdomain of BASE_DOMAIN, there are no prefixes, and shops get subdomains."""
    public, base = settings().public_url, settings().base_domain
    if public is None or g.get("tenant") is None:
        return public
    parts = urlsplit(public)
    host = parts.hostname or ""
    by_subdomain = not request.script_root.endswith("/t/" + g.tenant.id)
    if host.endswith("." + base) or (host == base and by_subdomain):
        return f"{parts.scheme}://{g.tenant.id}.{base}" + (f":{parts.port}" if parts.port else "")
    return public + quote(f"/t/{g.tenant.id}" if by_subdomain else request.script_root)


def trusted_root() -> str | None:
    """Return `public_root()`, or else the URL by which the request came if the installation is configured for its
    host."""
    public = public_root()
    if public is not None:
        return public
    host = request.host.lower()
    name = host if host.endswith("]") else host.rsplit(":", 1)[0].rstrip(".")
    base = settings().base_domain
    if name == base or name.endswith("." + base) or name in LOOPBACK:
        return f"{request.scheme}://{host}{quote(request.script_root)}"
    return None
