"""Sitemap, product feed, robots.txt and llms.txt; the first two are generated incrementally, for any number of
products."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from urllib.parse import urlencode

from storefront.catalog.filters import format_decimal
from storefront.catalog.queries import ProductCard, ProductView, get_categories, name_with_options
from storefront.catalog.variants import VariantView
from storefront.clock import rfc3339
from storefront.i18n.unicode_text import cut
from storefront.seo.queries import ProductUrl, iter_products, product_urls
from storefront.seo.urls import image_path, product_path, variant_query
from storefront.seo.xml_format import MAX_SITEMAP_URLS, escape_xml, feed_id, one_line, sitemap_parts
from storefront.tenants.settings import TenantSettings

MAX_TITLE_LENGTH, MAX_BRAND_LENGTH = 150, 70
"""Characters of a product feed's fields (https://support.google.com/merchants/answer/7052112)."""
XML_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
SITEMAP_NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"
MAX_LLMS_CATEGORIES = 50
"""Categories in llms.txt, in catalogue order: the file is meant to be read as a whole."""
DISALLOWED_PATHS = ("/suggest", "/events", "/api/", "/checkout/upsell", "/*?*sort=", "/*?*min_price=", "/*?*max_price=")
"""Paths without content for search engines. Cart, orders and searches send noindex instead, which requires that
crawlers may read them."""


def sitemap(root: str, part: str, products: int, changed: datetime | None) -> Iterator[str]:
    """Yield the whole sitemap, its index if there are too many URLs for one file, or a part of the index."""
    shelves = [root + "/", *(f"{root}/?{urlencode({'category': name})}" for name, _ in get_categories())]
    names = sitemap_parts(products, len(shelves))
    if names and not part:
        yield from sitemap_index(root, names, changed)
        return
    yield f'{XML_DECLARATION}<urlset xmlns="{SITEMAP_NAMESPACE}">\n'
    if part in ("", "shelves"):
        yield from (f"<url><loc>{escape_xml(url)}</loc></url>\n" for url in shelves[:MAX_SITEMAP_URLS])
    if part != "shelves":
        start = (int(part) - 1) * MAX_SITEMAP_URLS if part else 0
        yield from (sitemap_url(root, found) for found in product_urls(start, MAX_SITEMAP_URLS))
    yield "</urlset>\n"


def sitemap_index(root: str, names: Sequence[str], changed: datetime | None) -> Iterator[str]:
    lastmod = f"<lastmod>{rfc3339(changed)}</lastmod>" if changed else ""
    yield f'{XML_DECLARATION}<sitemapindex xmlns="{SITEMAP_NAMESPACE}">\n'
    yield from (f"<sitemap><loc>{root}/sitemap.xml?part={name}</loc>{lastmod}</sitemap>\n" for name in names)
    yield "</sitemapindex>\n"


def sitemap_url(root: str, found: ProductUrl) -> str:
    address = escape_xml(root + product_path(found.id))
    return f"<url><loc>{address}</loc><lastmod>{rfc3339(found.updated_at)}</lastmod></url>\n"


def feed(root: str, tenant: TenantSettings, about: str) -> Iterator[str]:
    """Yield the product feed, RSS 2.0 for Google Merchant Center (https://support.google.com/merchants/answer/7052112)."""
    yield (
        f'{XML_DECLARATION}<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0">\n<channel>\n<title>{escape_xml(tenant.name)}</title>'
        f"\n<link>{escape_xml(root)}/</link>\n<description>{escape_xml(about)}</description>\n"
    )
    for product in iter_products():
        yield from (feed_item(root, tenant, product, variant) for variant in product.variants)
    yield "</channel>\n</rss>\n"


def feed_item(root: str, tenant: TenantSettings, product: ProductView, variant: VariantView) -> str:
    """Return the entry of a variant; `item_group_id` holds those of one product together."""
    image = image_path(variant.image) if variant.image else ""
    fields = {
        "g:id": feed_id(variant.id),
        "g:item_group_id": feed_id(product.id) if variant.options else "",
        "g:title": cut(name_with_options(product, variant), MAX_TITLE_LENGTH),
        "g:description": product.description or product.name,
        "g:link": root + product_path(product.id) + variant_query(variant),
        "g:image_link": root + image if image else "",
        "g:price": f"{format_decimal(variant.price, tenant.currency)} {tenant.currency}",
        "g:availability": "out_of_stock" if variant.sold_out else "in_stock",
        "g:condition": "new",
        "g:brand": cut(tenant.name, MAX_BRAND_LENGTH),
        "g:gtin": variant.gtin or "",
        "g:mpn": variant.sku,
        "g:identifier_exists": "" if variant.gtin or variant.sku else "no",
        "g:product_type": tenant.default_label(product.category),
    }
    return (
        "<item>"
        + "".join(f"<{name}>{escape_xml(value)}</{name}>" for name, value in fields.items() if value)
        + "</item>\n"
    )


def robots_txt(prefixes: Sequence[str], sitemaps: Sequence[str]) -> str:
    """Return robots.txt for shops under these URL prefixes, which may contain wildcards."""
    lines = ["User-agent: *", *(f"Disallow: {prefix}{path}" for prefix in prefixes for path in DISALLOWED_PATHS)]
    return "\n".join([*lines, *(["", *(f"Sitemap: {address}" for address in sitemaps)] if sitemaps else ()), ""])


def shop_llms_txt(
    tenant: TenantSettings, root: str, categories: Sequence[tuple[str, int]], best: Sequence[ProductCard]
) -> str:
    """Return the shop's llms.txt, a summary for language models (https://llmstxt.org)."""
    about = (tenant.hero or {}).get("text") or f"The online shop {tenant.name}."
    facts = [f"Prices are in {tenant.currency}.", f"{tenant.tax_note}." if tenant.tax_note else ""]
    lines = [f"# {one_line(tenant.name)}", "", f"> {one_line(about, 400)}", "", " ".join(filter(None, facts)), ""]
    lines += ["## API and data", ""]
    lines += [
        f"- [API reference]({root}/api/v1/docs): JSON API for products, carts, checkout and orders",
        f"- [OpenAPI document]({root}/api/v1/openapi.json): the API in machine-readable form",
        f"- [Product feed]({root}/feed.xml): every product with price and availability",
        f"- [Sitemap]({root}/sitemap.xml): every page",
        f"- [Search]({root}/?q=): append search terms; also min_price, max_price, in_stock=1 and sort=price",
    ]
    if categories:
        lines += ["", "## Categories", ""]
        for name, count in categories[:MAX_LLMS_CATEGORIES]:
            link = markdown_link(tenant.default_label(name), f"{root}/?" + urlencode({"category": name}))
            lines.append(f"- {link}: {count} product{'' if count == 1 else 's'}")
        if len(categories) > MAX_LLMS_CATEGORIES:
            lines.append(f"- [All {len(categories):,} categories]({root}/categories): by name; search with ?q=")
    if best:
        lines += ["", "## Products in stock", ""]
        lines += [
            f"- {markdown_link(card.name, root + product_path(card.id))}: {tenant.money(card.price)}" for card in best
        ]
    return "\n".join([*lines, ""])


def root_llms_txt(shops: Sequence[TenantSettings], root: str) -> str:
    lines = ["# Storefront", "", "> Independent shops, each with its own catalogue, pages and JSON API.", ""]
    lines += ["## Shops", ""] if shops else []
    lines += [f"- {markdown_link(shop.name, f'{root}/t/{shop.id}/llms.txt')}: {about(shop)}" for shop in shops]
    return "\n".join([*lines, ""])


def about(shop: TenantSettings) -> str:
    return one_line((shop.hero or {}).get("text") or f"prices in {shop.currency}")


def markdown_link(text: str, url: str) -> str:
    """Return a Markdown link whose text is escaped."""
    escaped = one_line(text)
    for char in "\\[]<>`*_":
        escaped = escaped.replace(char, "\\" + char)
    return f"[{escaped}]({url})"
