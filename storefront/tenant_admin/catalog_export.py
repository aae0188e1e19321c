"""A shop as the JSON that `catalog load` takes."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import select

from storefront.catalog.filters import format_decimal
from storefront.catalog.models import Product, ProductStatus, Variant, VariantStatus
from storefront.db.base import db
from storefront.i18n.negotiation import default_language
from storefront.tenants.legal import joined_contact
from storefront.tenants.models import Tenant
from storefront.upsell.recommender.models import Complement, ComplementSource

BATCH = 500
COPIED = (
    *("id", "name", "currency", "locale", "timezone", "upsell", "country", "payment"),
    *("category_order", "upsell_enabled"),
)
SPARSE = ("tax", "promotions", "shipping")
"""Settings whose parts may be empty, and are left out then."""
EMPTY: tuple[Any, ...] = (None, [], {})


def exported_tenant(row: Tenant) -> dict[str, Any]:
    """Return the shop's settings, without those that have no value, and without its products."""
    found = {name: getattr(row, name) for name in COPIED}
    found |= {"theme": {name: value for name, value in row.theme.items() if value is not None}}
    found |= {"labels": row.taxonomy_translations}
    found |= {name: without_empty(getattr(row, name)) for name in SPARSE}
    found |= {"contact": joined_contact(row.contact, row.legal_texts)}
    return {name: value for name, value in found.items() if value not in EMPTY}


def without_empty(value: Any) -> Any:
    """Return a setting without the members that have no value."""
    if isinstance(value, dict):
        return {name: inside for name, part in value.items() if (inside := without_empty(part)) not in EMPTY}
    return [without_empty(part) for part in value] if isinstance(value, list) else value


def exported_products(row: Tenant) -> Iterator[dict[str, Any]]:
    """Yield the current tenant's products in the order of the catalogue."""
    last, language = -1, default_language(row.locale)
    while True:
        query = select(Product).where(Product.position > last).order_by(Product.position).limit(BATCH)
        products = db.session.scalars(query).all()
        if not products:
            return
        ids = [product.id for product in products]
        variants: dict[str, list[Variant]] = {id: [] for id in ids}
        for variant in db.session.scalars(
            select(Variant).where(Variant.product_id.in_(ids)).order_by(Variant.position, Variant.id)
        ):
            variants[variant.product_id].append(variant)
        complements = complements_of(language, ids)
        for product in products:
            yield exported_product(row.currency, language, product, variants[product.id], complements[product.id])
        last = products[-1].position
        db.session.expunge_all()


def complements_of(language: str, ids: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Return what the shop itself says that completes each product."""
    found: dict[str, list[dict[str, Any]]] = {id: [] for id in ids}
    query = select(Complement).where(Complement.product_id.in_(ids), Complement.source == ComplementSource.SHOP)
    for row in db.session.scalars(query.order_by(Complement.position)):
        why = texts(language, row.explanation, row.explanation_translations)
        found[row.product_id].append({"id": row.complement_product_id} | ({"why": why} if why else {}))
    return found


def texts(language: str, own: str, translations: Mapping[str, str] | None) -> str | dict[str, str]:
    """Return a text in the shop's language, which is `language`; with translations the texts by language."""
    return {language: own, **translations} if translations else own


def exported_product(
    currency: str, language: str, product: Product, variants: list[Variant], goes_with: list[dict[str, Any]]
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "id": product.id,
        "name": texts(language, product.name, product.name_translations),
        "description": texts(language, product.description, product.description_translations),
        "category": product.category,
        "price": format_decimal(product.price, currency),
        "tags": product.tags,
        "image": product.image,
        "goes_with": goes_with,
        "tax_class": product.tax_class,
        "weight": product.weight,
    }
    sold = [one for one in variants if one.status == VariantStatus.ACTIVE or one.archived_with_product]
    status = product.status if sold else ProductStatus.ARCHIVED.value
    if status != ProductStatus.ACTIVE:
        found["status"] = status
    if product.options:
        found["options"] = exported_options(language, product)
    else:
        found["stock"] = sum(one.stock for one in variants if one.id == product.id)
    archived = {one.id for one in variants} - {one.id for one in sold} if sold else set()
    found["variants"] = [
        exported_variant(currency, one) | ({"status": VariantStatus.ARCHIVED.value} if one.id in archived else {})
        for one in variants
        if product.options or one.id != product.id
    ]
    return {name: value for name, value in found.items() if value not in ("", [], None)}


def exported_options(language: str, product: Product) -> list[dict[str, Any]]:
    options = product.options or []
    translations = product.options_translations or [
        {"name": {}, "values": [{} for _ in one["values"]]} for one in options
    ]
    return [
        {
            "name": texts(language, option["name"], other["name"]),
            "values": [
                texts(language, value, more) for value, more in zip(option["values"], other["values"], strict=True)
            ],
        }
        for option, other in zip(options, translations, strict=True)
    ]


def exported_variant(currency: str, variant: Variant) -> dict[str, Any]:
    found = {
        "id": variant.id,
        "options": variant.options,
        "price": format_decimal(variant.price, currency),
        "stock": variant.stock,
        "image": variant.image,
        "sku": variant.sku,
        "gtin": variant.gtin,
    }
    return {name: value for name, value in found.items() if value not in ("", None)}
