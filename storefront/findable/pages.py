"""Where crawlers look: the files by which a shop is found, and what every page says of itself in its head."""

from collections.abc import Iterator
from hashlib import sha256
from itertools import islice

from flask import Blueprint, Flask, Response, current_app, g, request

from storefront.catalog import spelling
from storefront.catalog.queries import get_categories
from storefront.catalog.search import ProductQuery, search_products
from storefront.errors import NotFound
from storefront.findable import files, jsonld
from storefront.findable.addresses import canonical, here, known_root, needed_root, share_picture
from storefront.findable.models import stamp
from storefront.findable.rules import one_line, parts
from storefront.i18n.gettext import _
from storefront.i18n.locale import override_locale
from storefront.observability.health import pages as operators
from storefront.rate_limits import FEEDS_LIMIT, limiter
from storefront.tenants.context import current_tenant
from storefront.tenants.registry import registry

pages = Blueprint("findable", __name__)
SITEMAP_FRESH_FOR = 60 * 60
FEED_FRESH_FOR = 5 * 60
"""Seconds for which others may keep the file; a price may change meanwhile."""
CHUNK = 500
"""Products that are written at a time."""
BEST = 12
FOR_EVERYBODY = ("catalog.index", "catalog.product", "orders.checkout", "api.docs", None)
"""Pages that search engines may list. Who has no cart is sent from the checkout to the cart, crawlers too."""
SAYS_ITSELF = "orders.confirmation"


@pages.get("/sitemap.xml")
@limiter.limit(FEEDS_LIMIT)
def sitemap() -> Response:
    root, now, part = needed_root(), stamp(), request.args.get("part", "")
    if part and part not in parts(now.products, 1 + len(get_categories())):
        raise NotFound(_("The sitemap has no such part."))
    written = files.sitemap(root, part, now.products, now.changed)
    return streamed(written, "application/xml", SITEMAP_FRESH_FOR, root, part, *now)


@pages.get("/feed.xml")
@limiter.limit(FEEDS_LIMIT)
def feed() -> Response:
    """Every product, as Google Merchant Center and others read it."""
    root, tenant = needed_root(), current_tenant()
    with override_locale(tenant.default_language):
        sells = _("What %(shop)s sells, with prices and what is in stock.", shop=tenant.name)
        about = (tenant.hero or {}).get("text") or sells
    return streamed(files.feed(root, tenant, about), "application/rss+xml", FEED_FRESH_FOR, root, tenant, *stamp())


def streamed(pieces: Iterator[str], mimetype: str, fresh_for: int, *about: object) -> Response:
    """The pieces as they are made, or 304 when who asks has what is made of these values."""
    response = Response(chunks(app_now(), current_tenant().id, pieces), content_type=f"{mimetype}; charset=utf-8")
    response.set_etag(sha256(repr(about).encode()).hexdigest()[:32], weak=True)
    response.cache_control.public = True
    response.cache_control.max_age = fresh_for
    response.implicit_sequence_conversion = False  # else the whole file is made only to know its length
    response.make_conditional(request)
    return response


def chunks(app: Flask, tenant_id: str, pieces: Iterator[str]) -> Iterator[bytes]:
    """What is sent at a time, each made in a context of its own: who reads slowly keeps no connection meanwhile."""
    chunk = "…"
    while chunk:
        with app.app_context():
            g.tenant_id = tenant_id
            chunk = "".join(islice(pieces, CHUNK))
        yield chunk.encode()


def app_now() -> Flask:
    """The app itself, for what outlives the request."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    return app


@operators.get("/robots.txt")
def robots() -> Response:
    """A shop's own; at the root, that of all shops under their prefixes. Crawlers read the one at the root only."""
    root = known_root()
    if g.tenant:
        text = files.robots([request.script_root], [f"{root}/sitemap.xml"] if root else [])
    else:
        sitemaps = [f"{root}/t/{tenant_id}/sitemap.xml" for tenant_id in registry().all()] if root else []
        text = files.robots([f"{request.script_root}/t/*"], sitemaps)
    return plain(text)


@operators.get("/llms.txt")
def llms() -> Response:
    root = known_root() or here()
    if g.tenant:
        with override_locale(g.tenant.lang):
            best = search_products(ProductQuery(in_stock=True), BEST).cards
            return plain(files.llms(current_tenant(), root, get_categories(), best))
    return plain(files.llms_of_all(list(registry().all().values()), root))


def plain(text: str) -> Response:
    response = Response(text, content_type="text/plain; charset=utf-8")
    response.cache_control.public = True
    response.cache_control.max_age = FEED_FRESH_FOR
    return response


def indexable() -> bool:
    """Whether search engines may list this page, or it says itself that they may not, as an error's does."""
    return "problem" in g or request.endpoint in (*FOR_EVERYBODY, SAYS_ITSELF)


def init_app(app: Flask) -> None:
    spelling.init_app(app)
    app.jinja_env.filters["one_line"] = one_line
    app.jinja_env.globals.update(
        canonical=canonical, share_picture=share_picture, indexable=indexable, structured=jsonld
    )
