"""SEO: sitemap.xml, feed.xml, robots.txt and llms.txt, and template functions for the head of pages."""

from collections.abc import Iterator
from hashlib import sha256
from itertools import islice

from flask import Blueprint, Flask, Response, g, request

from storefront.catalog.queries import get_categories
from storefront.catalog.search import ProductQuery, search_products
from storefront.errors import NotFound
from storefront.i18n.gettext import _
from storefront.i18n.locale import override_locale
from storefront.seo import feeds, jsonld
from storefront.seo.queries import catalog_version
from storefront.seo.urls import canonical, require_root, share_image_url, site_root
from storefront.seo.xml_format import one_line, sitemap_parts
from storefront.state import this_app
from storefront.tenants.context import current_tenant
from storefront.tenants.registry import registry
from storefront.web.absolute_urls import trusted_root
from storefront.web.rate_limits import FEEDS_LIMIT, limiter

pages = Blueprint("seo", __name__)
root_files = Blueprint("root_files", __name__)
"""Files that are also served at the root URL, outside of any shop."""
SITEMAP_MAX_AGE_SECONDS = 60 * 60
FEED_MAX_AGE_SECONDS = 5 * 60
"""Cache-Control max-age; prices may change meanwhile."""
PRODUCTS_PER_CHUNK = 500
"""Products per chunk of a streamed response."""
LLMS_TXT_PRODUCTS = 12
INDEXABLE_ENDPOINTS = ("catalog.index", "catalog.product", "checkout.review", "api.docs", None)
"""Pages that search engines may index. Without a cart, the checkout redirects to the cart, for crawlers too."""
SELF_NOINDEX_ENDPOINT = "orders.confirmation"


@pages.get("/sitemap.xml")
@limiter.limit(FEEDS_LIMIT)
def sitemap() -> Response:
    root, now, part = require_root(), catalog_version(), request.args.get("part", "")
    if part and part not in sitemap_parts(now.products, 1 + len(get_categories())):
        raise NotFound(_("This part of the sitemap doesn't exist."))
    written = feeds.sitemap(root, part, now.products, now.changed)
    return conditional_stream(written, "application/xml", SITEMAP_MAX_AGE_SECONDS, root, part, *now)


@pages.get("/feed.xml")
@limiter.limit(FEEDS_LIMIT)
def feed() -> Response:
    """All products, in the format of Google Merchant Center."""
    root, tenant = require_root(), current_tenant()
    with override_locale(tenant.default_language):
        default_text = _("Browse products, prices and availability at %(shop)s.", shop=tenant.name)
        about = (tenant.hero or {}).get("text") or default_text
    return conditional_stream(
        feeds.feed(root, tenant, about), "application/rss+xml", FEED_MAX_AGE_SECONDS, root, tenant, *catalog_version()
    )


def conditional_stream(parts: Iterator[str], mimetype: str, max_age: int, *version: object) -> Response:
    """Stream the parts, or respond with 304 if the client's ETag matches the hash of `version`. `max_age` is in
    seconds."""
    response = Response(chunks(this_app(), current_tenant().id, parts), content_type=f"{mimetype}; charset=utf-8")
    response.set_etag(sha256(repr(version).encode()).hexdigest()[:32], weak=True)
    response.cache_control.public = True
    response.cache_control.max_age = max_age
    response.implicit_sequence_conversion = False  # otherwise Flask would generate the whole file to know its length
    response.make_conditional(request)
    return response


def chunks(app: Flask, tenant_id: str, parts: Iterator[str]) -> Iterator[bytes]:
    """Yield chunks, each generated in its own app context, so that a slow client holds no database connection."""
    chunk = "…"
    while chunk:
        with app.app_context():
            g.tenant_id = tenant_id
            chunk = "".join(islice(parts, PRODUCTS_PER_CHUNK))
        yield chunk.encode()


@root_files.get("/robots.txt")
def robots() -> Response:
    """Return a shop's robots.txt, or at the root the one for all shops' prefixes. Crawlers read only the one at the
    root."""
    root = trusted_root()
    if g.tenant:
        text = feeds.robots_txt([request.script_root], [f"{root}/sitemap.xml"] if root else [])
    else:
        sitemaps = [f"{root}/t/{tenant_id}/sitemap.xml" for tenant_id in registry().all()] if root else []
        text = feeds.robots_txt([f"{request.script_root}/t/*"], sitemaps)
    return plain_text(text)


@root_files.get("/llms.txt")
def llms() -> Response:
    root = trusted_root() or site_root()
    if g.tenant:
        with override_locale(g.tenant.default_language):
            best = search_products(ProductQuery(in_stock=True), LLMS_TXT_PRODUCTS).cards
            return plain_text(feeds.shop_llms_txt(current_tenant(), root, get_categories(), best))
    return plain_text(feeds.root_llms_txt(list(registry().all().values()), root))


def plain_text(text: str) -> Response:
    response = Response(text, content_type="text/plain; charset=utf-8")
    response.cache_control.public = True
    response.cache_control.max_age = FEED_MAX_AGE_SECONDS
    return response


def is_indexable() -> bool:
    """Whether search engines may index this page, or it sends noindex itself, as error pages do."""
    return "problem" in g or request.endpoint in (*INDEXABLE_ENDPOINTS, SELF_NOINDEX_ENDPOINT)


def init_app(app: Flask) -> None:
    app.jinja_env.filters["one_line"] = one_line
    app.jinja_env.globals.update(
        canonical=canonical, share_image_url=share_image_url, is_indexable=is_indexable, structured=jsonld
    )
