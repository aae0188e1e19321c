"""The absolute URL of a shop's root, and which hosts this installation is configured for."""

from urllib.parse import quote, urlsplit

from flask import g, has_request_context, request

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
    return f"{request.scheme}://{host}{quote(request.script_root)}" if is_own_host(host) else None


def is_own_host(host: str) -> bool:
    """Whether the installation is configured for a host, given in lower case, with its port or without."""
    name = host if host.endswith("]") else host.rsplit(":", 1)[0].rstrip(".")
    base = settings().base_domain
    return name == base or name.endswith("." + base) or name in LOOPBACK


def other_shop_root(shop_id: str) -> str:
    """Return the URL of another shop's root, in the form (subdomain or prefix) of the current request."""
    prefix = f"/t/{g.tenant.id}"
    if request.script_root.endswith(prefix):
        return f"{request.script_root.removesuffix(prefix)}/t/{quote(shop_id)}"
    return f"{request.scheme}://{shop_id}.{request.host.partition('.')[2]}{request.script_root}"


def shop_root(public_url: str, base_domain: str, shop_id: str | None) -> str:
    """Return the URL of a shop by PUBLIC_URL. A PUBLIC_URL that is a subdomain of BASE_DOMAIN has no prefixes."""
    if shop_id is None:
        return public_url
    parts = urlsplit(public_url)
    if (parts.hostname or "").endswith("." + base_domain):
        return f"{parts.scheme}://{shop_id}.{base_domain}" + (f":{parts.port}" if parts.port else "")
    return f"{public_url}/t/{quote(shop_id)}"


def root_for_mail(shop_id: str) -> str | None:
    """Return the URL of a shop's root for links in a mail: like `trusted_root()`, outside a request by PUBLIC_URL.

    None where this installation doesn't know its own address: a link to whatever host a request named could lead the
    reader anywhere."""
    if has_request_context():
        return trusted_root()
    public = settings().public_url
    return shop_root(public, settings().base_domain, shop_id) if public else None
