"""Absolute addresses of a shop, for whoever reads them elsewhere: search engines, feeds, shared links.

Pages take them from PUBLIC_URL only, so that they are the same for everybody. Files that are useless without them
(sitemap, feed) also take the host of the request, but only one that this installation is configured for.
"""

from urllib.parse import quote, urlencode, urlsplit

from flask import current_app, g, request

from storefront.config import Settings
from storefront.errors import NotFound
from storefront.i18n.gettext import _
from storefront.web.static_files import StaticFiles

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


def settings() -> Settings:
    found: Settings = current_app.extensions["storefront_settings"]
    return found


def public_root() -> str | None:
    """Where the shop (or the list of shops) stands under PUBLIC_URL, without a slash at the end; None when that isn't
    set. A shop that was entered by its subdomain stands beside PUBLIC_URL when that is of BASE_DOMAIN, and under its
    prefix when it isn't. Below a subdomain there is no prefix, so a PUBLIC_URL that is one leaves only subdomains."""
    public, base = settings().public_url, settings().base_domain
    if public is None or g.get("tenant") is None:
        return public
    place = urlsplit(public)
    host = place.hostname or ""
    by_subdomain = not request.script_root.endswith("/t/" + g.tenant.id)
    if host.endswith("." + base) or (host == base and by_subdomain):
        return f"{place.scheme}://{g.tenant.id}.{base}" + (f":{place.port}" if place.port else "")
    return public + quote(f"/t/{g.tenant.id}" if by_subdomain else request.script_root)


def trusted_root() -> str | None:
    """The same, or else as the request came in, if by a host that this installation is configured for."""
    public = public_root()
    if public is not None:
        return public
    host = request.host.lower()
    name = host if host.endswith("]") else host.rsplit(":", 1)[0].rstrip(".")
    base = settings().base_domain
    if name == base or name.endswith("." + base) or name in LOOPBACK:
        return f"{request.scheme}://{host}{quote(request.script_root)}"
    return None


def require_root() -> str:
    """The same; raises `NotFound` when there is none."""
    root = trusted_root()
    if root is None:
        raise NotFound(
            _(
                "This file needs absolute addresses, and the shop doesn't repeat a host that it isn't configured for: "
                "set PUBLIC_URL to the address that people use."
            )
        )
    return root


def site_root() -> str:
    """Where the shop's own pages begin, as absolute as they may say it."""
    return public_root() or quote(request.script_root)


def canonical(**query: object) -> str | None:
    """This page's one address for search engines, with what of its query matters; None without PUBLIC_URL."""
    root = public_root()
    if root is None:
        return None
    kept = urlencode({name: value for name, value in query.items() if value})
    return root + quote(request.path) + ("?" + kept if kept else "")


def product_path(product_id: str) -> str:
    return "/products/" + quote(product_id)


def image_path(image: str) -> str:
    """A product's picture below the shop's root, the same when its content changes; empty when there is none."""
    assets: StaticFiles = current_app.extensions["storefront_assets"]
    return f"/static/products/{image}" if "products/" + image in assets.hashed else ""


def share_image_url(image: str) -> str:
    """The absolute address of a picture to show where a page is shared; empty when there is none."""
    root, path = public_root(), image_path(image) if image else ""
    return root + path if root and path else ""
