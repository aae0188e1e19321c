"""Absolute URLs of a shop, for search engines, feeds and shared links, and the canonical URL of a page.

Pages use PUBLIC_URL only, so that they are identical for all clients. Files that require absolute URLs (sitemap, feed)
also use the host of the request, but only if this installation is configured for it.
"""

from urllib.parse import quote, urlencode, urlsplit

from flask import g, request

from storefront.catalog.variants import VariantView
from storefront.config import Settings
from storefront.errors import NotFound
from storefront.i18n.gettext import _
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


def require_root() -> str:
    """Return `trusted_root()`. Raises `NotFound` if it is None."""
    root = trusted_root()
    if root is None:
        raise NotFound(_("This file needs absolute URLs. Set PUBLIC_URL to the public URL of this server."))
    return root


def site_root() -> str:
    """Return `public_root()`, or else the path of the shop."""
    return public_root() or quote(request.script_root)


def canonical(**query: object) -> str | None:
    """Return the canonical URL of the current page, with the non-empty values of `query`; None without PUBLIC_URL."""
    root = public_root()
    if root is None:
        return None
    encoded = urlencode({name: value for name, value in query.items() if value})
    return root + quote(request.path) + ("?" + encoded if encoded else "")


def product_path(product_id: str) -> str:
    return "/products/" + quote(product_id)


def variant_query(variant: VariantView) -> str:
    """Return the query that chooses the variant on its product's page; empty for a product without options."""
    return "?" + urlencode({"variant": variant.id}) if variant.options else ""


def image_path(image: str) -> str:
    """Return the path of an image below the shop's root, independent of its content; empty if there is none."""
    assets = current_state().static_files
    return f"/static/products/{image}" if "products/" + image in assets.hashed else ""


def share_image_url(image: str) -> str:
    """Return the absolute URL of the image for link previews (og:image); empty if there is none."""
    root, path = public_root(), image_path(image) if image else ""
    return root + path if root and path else ""
