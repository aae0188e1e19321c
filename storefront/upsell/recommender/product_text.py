"""Reads products as the texts by which they are compared."""

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from storefront.catalog.queries import PRODUCT_VIEW_FIELDS, ProductView, product_view_from_row
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
    """The products in rows that begin with `PRODUCT_TEXT_COLUMNS`, by id, in the shopper's languages."""
    languages = shopper_languages()
    return {row.id: product_text(languages, *row[:7]) for row in rows}


def product_text_from_row(row: Any) -> ProductText:
    """The product in a row that contains `PRODUCT_TEXT_COLUMNS`, in the shop's own language."""
    return product_text((), row.id, row.name, row.names, row.description, row.descriptions, row.category, row.tags)


def product_view_from_offer(row: Any) -> ProductView:
    """The view of the product in a row of `OFFER_COLUMNS`."""
    shown = [json.loads(row.tags) if name == "tags" else getattr(row, name) for name in PRODUCT_VIEW_FIELDS]
    return product_view_from_row(
        [*shown, *(json.loads(texts) if texts else None for texts in (row.names, row.descriptions))]
    )


def product_text_of_view(product: ProductView) -> ProductText:
    """The same of a product as it is shown."""
    return ProductText(product.id, product.name, product.description, product.category, tuple(product.tags))
