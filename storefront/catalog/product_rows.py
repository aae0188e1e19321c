"""The row of a product of a catalogue file, with its search terms."""

from collections.abc import Sequence
from typing import Any

from storefront.catalog.field_types import split_by_language
from storefront.catalog.import_schema import ProductEntry, TenantEntry
from storefront.catalog.models import VariantStatus
from storefront.catalog.text import build_search_document
from storefront.catalog.variant_importer import option_columns
from storefront.catalog.variants import iter_option_values

ACTIVE = VariantStatus.ACTIVE


def searchable_labels(tenant: TenantEntry, entry: ProductEntry) -> list[str]:
    """Return the product's category and tags with all translations."""
    own = [entry.category, *entry.tags]
    return own + [other for label in own for other in tenant.labels.get(label, {}).values()]


def product_row(tenant: TenantEntry, entry: ProductEntry, variants: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return a product's row, with the lowest price of those of these variants that are sold with it."""
    own, options = tenant.language, option_columns(tenant, entry)
    name, names = split_by_language(entry.name, own)
    description, descriptions = split_by_language(entry.description, own)
    labels = [*searchable_labels(tenant, entry), *iter_option_values(**options)]
    search_name, search_text = build_search_document(
        (name, *names.values()), (description, *descriptions.values()), labels
    )
    return {
        "tenant_id": tenant.id,
        "id": entry.id,
        "name": name,
        "name_translations": names or None,
        "description": description,
        "description_translations": descriptions or None,
        "category": entry.category,
        "price": min(one["price"] for one in variants if one["archived_with_product"] or one["status"] == ACTIVE),
        "tags": entry.tags,
        "image": entry.image,
        "tax_class": entry.tax_class,
        "weight": entry.weight,
        **options,
        "search_name": search_name,
        "search_text": search_text,
    }
