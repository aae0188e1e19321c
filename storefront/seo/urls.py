"""Absolute URLs of a shop, for search engines, feeds and shared links, and the canonical URL of a page.

Pages use PUBLIC_URL only, so that they are identical for all clients. Files that require absolute URLs (sitemap, feed)
also use the host of the request, but only if this installation is configured for it.
"""

from urllib.parse import quote, urlencode

from flask import request

from storefront.catalog.variants import VariantView
from storefront.errors import NotFound
from storefront.i18n.gettext import _
from storefront.state import current_state
from storefront.web.absolute_urls import public_root, trusted_root
from storefront.web.media import WIDTHS, is_uploaded, media_path


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
    """Return the path of an image below the shop's root; empty if there is none."""
    if is_uploaded(image):
        return media_path(image, max(WIDTHS))
    assets = current_state().static_files
    return f"/static/products/{image}" if "products/" + image in assets.hashed else ""


def share_image_url(image: str) -> str:
    """Return the absolute URL of the image for link previews (og:image); empty if there is none."""
    root, path = public_root(), image_path(image) if image else ""
    return root + path if root and path else ""
