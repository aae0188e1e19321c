"""Structured data (JSON-LD, schema.org) for search engines, in the head of pages.

URLs are absolute with PUBLIC_URL; without it they are relative to the page, which JSON-LD allows.
"""

from typing import Any
from urllib.parse import urlencode

from flask import g

from storefront.catalog.filters import format_decimal
from storefront.catalog.queries import ProductView, name_with_options
from storefront.catalog.variants import VariantView
from storefront.seo.urls import image_path, product_path, site_root, variant_query

Thing = dict[str, Any]


def graph(*things: Thing | None) -> Thing:
    return {"@context": "https://schema.org", "@graph": [thing for thing in things if thing]}


def organization() -> Thing:
    """The shop as seller."""
    tenant, root = g.tenant, site_root()
    logo = image_path(tenant.logo) if tenant.logo else ""
    found = {"@type": "Organization", "@id": f"{root}/#shop", "name": tenant.name, "url": f"{root}/"}
    return found | ({"logo": root + logo} if logo else {})


def website() -> Thing:
    """The website and its search."""
    root = site_root()
    return {
        "@type": "WebSite",
        "@id": f"{root}/#site",
        "name": g.tenant.name,
        "url": f"{root}/",
        "inLanguage": g.tenant.default_language,
        "publisher": {"@id": f"{root}/#shop"},
        "potentialAction": {
            "@type": "SearchAction",
            "target": {"@type": "EntryPoint", "urlTemplate": f"{root}/?q={{search_term_string}}"},
            "query-input": "required name=search_term_string",
        },
    }


def breadcrumbs(category: str, last: str = "") -> Thing:
    """The path to a category, or to the product with the name `last` in it."""
    root = site_root()
    path: list[tuple[str, str]] = [(g.tenant.name, f"{root}/")]
    if category:
        path.append((g.tenant.default_label(category), f"{root}/?{urlencode({'category': category})}"))
    if last:
        path.append((last, ""))
    items = [
        {"@type": "ListItem", "position": number, "name": name} | ({"item": item} if item else {})
        for number, (name, item) in enumerate(path, 1)
    ]
    return {"@type": "BreadcrumbList", "itemListElement": items}


def product(found: ProductView) -> Thing:
    root = site_root()
    image = image_path(found.image) if found.image else ""
    url = root + product_path(found.id)
    optional = {
        "description": found.description,
        "category": g.tenant.default_label(found.category),
        "image": [root + image] if image else None,
    }
    common: Thing = {
        "@id": f"{url}#product",
        "name": found.name,
        "url": url,
        "brand": {"@type": "Brand", "name": g.tenant.name},
    } | {name: value for name, value in optional.items() if value}
    if not found.options:
        return {"@type": "Product", "sku": found.id, "offers": offer(found, url)} | common
    return {
        "@type": "ProductGroup",
        "productGroupID": found.id,
        "variesBy": [option.name for option in found.options],
        "hasVariant": [variant_thing(found, variant, url) for variant in found.variants],
    } | common


def variant_thing(found: ProductView, variant: VariantView, url: str) -> Thing:
    """A variant in its product's group, with its own URL, picture and offer."""
    own_url = url + variant_query(variant)
    image = image_path(variant.image) if variant.image else ""
    chosen = zip(found.options, variant.options, strict=False)
    optional = {"image": site_root() + image if image else "", "gtin": variant.gtin}
    return {
        "@type": "Product",
        "@id": f"{own_url}#product",
        "name": name_with_options(found, variant),
        "sku": variant.sku or variant.id,
        "url": own_url,
        "additionalProperty": [
            {"@type": "PropertyValue", "name": option.name, "value": value} for option, value in chosen
        ],
        "offers": offer(variant, own_url),
    } | {name: value for name, value in optional.items() if value}


def offer(found: ProductView | VariantView, url: str) -> Thing:
    tenant = g.tenant
    price = {"price": format_decimal(found.price, tenant.currency), "priceCurrency": tenant.currency}
    made: Thing = {
        "@type": "Offer",
        "url": url,
        **price,
        "availability": "https://schema.org/" + ("OutOfStock" if found.sold_out else "InStock"),
        "itemCondition": "https://schema.org/NewCondition",
        "seller": {"@type": "Organization", "name": tenant.name},
    }
    if tenant.tax:
        taxed = {"valueAddedTaxIncluded": tenant.tax.included}
        made["priceSpecification"] = {"@type": "UnitPriceSpecification", **price, **taxed}
    return made
