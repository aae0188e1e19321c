"""Reads products as the texts by which they are compared."""

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from storefront.catalog.queries import ProductRow, ProductView, product_view_from_row
from storefront.i18n.content import localize
from storefront.i18n.locale import shopper_languages
from storefront.upsell.types import ProductText

CACHED_PRODUCT_TEXTS = 1000
"""Parsed products that a process caches."""


@lru_cache(CACHED_PRODUCT_TEXTS)
def product_text(
    languages: tuple[str, ...],
    id: str,
    name: str,
    names: str | None,
    description: str,
    descriptions: str | None,
    category: str,
    tags: str,
) -> ProductText:
    """A product in the first of these languages in which there is a text; without any, in the shop's own. Cached by the
    row's values, translations and tags as JSON, so it is never out of date."""
    return ProductText(
        id,
        localize(name, json.loads(names) if names else None, languages),
        localize(description, json.loads(descriptions) if descriptions else None, languages),
        category,
        tuple(json.loads(tags)),
    )


def read_product_texts(rows: Iterable[Any]) -> dict[str, ProductText]:
    """The products in rows with `PRODUCT_TEXT_COLUMNS`, by id, in the shopper's languages."""
    languages = shopper_languages()
    return {row.id: product_text_from_row(row, languages) for row in rows}


def product_text_from_row(row: Any, languages: tuple[str, ...] = ()) -> ProductText:
    """The product in a row with `PRODUCT_TEXT_COLUMNS`, in the shop's own language unless others are given."""
    return product_text(
        languages,
        row.id,
        row.name,
        row.name_translations,
        row.description,
        row.description_translations,
        row.category,
        row.tags,
    )


def product_view_from_offer(row: Any) -> ProductView:
    """The view of the product in a row of `OFFER_COLUMNS`."""
    names, descriptions = row.name_translations, row.description_translations
    stored = ProductRow(
        id=row.id,
        name=row.name,
        description=row.description,
        category=row.category,
        price=row.price,
        stock=row.stock,
        tags=json.loads(row.tags),
        image=row.image,
        position=row.position,
        name_translations=json.loads(names) if names else None,
        description_translations=json.loads(descriptions) if descriptions else None,
        options=json.loads(row.options) if row.options else None,
        options_translations=json.loads(row.options_translations) if row.options_translations else None,
    )
    return product_view_from_row(stored)


def product_text_of_view(product: ProductView) -> ProductText:
    """The texts of a product as they are displayed."""
    return ProductText(product.id, product.name, product.description, product.category, tuple(product.tags))
