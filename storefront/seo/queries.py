"""Reads of the whole catalogue in batches, for sitemap and feed."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, select

from storefront.catalog.queries import IS_ON_SALE, ProductView, product_columns, with_variants
from storefront.catalog.search import ProductQuery, fetch_rows_after, product_views_from_json
from storefront.db.tenancy import execute, tenant_scoped

BATCH_SIZE = 1000
"""Products per query."""


class ProductUrl(NamedTuple):
    id: str
    updated_at: datetime
    position: int


class CatalogVersion(NamedTuple):
    """Changes whenever a product is added, removed or changed."""

    products: int
    changed: datetime | None


counted: Any = select(func.count(), func.max(product_columns.updated_at)).where(IS_ON_SALE)
SELECT_CATALOG_VERSION = tenant_scoped(counted)
SELECT_PRODUCT_URLS = tenant_scoped(
    select(product_columns.id, product_columns.updated_at, product_columns.position)
    .where(product_columns.position > bindparam("position"), IS_ON_SALE)
    .order_by(product_columns.position)
    .limit(bindparam("limit"))
)
SELECT_POSITION_AT_OFFSET = tenant_scoped(
    select(product_columns.position)
    .where(IS_ON_SALE)
    .order_by(product_columns.position)
    .limit(1)
    .offset(bindparam("offset"))
)


def catalog_version() -> CatalogVersion:
    return CatalogVersion._make(execute(SELECT_CATALOG_VERSION).one())


def product_urls(start: int, limit: int) -> Iterator[ProductUrl]:
    """Yield up to `limit` products in catalogue order, starting at index `start`."""
    position = execute(SELECT_POSITION_AT_OFFSET, {"offset": start - 1}).scalar() if start else -1
    while limit > 0 and position is not None:
        rows = execute(SELECT_PRODUCT_URLS, {"position": position, "limit": min(BATCH_SIZE, limit)}).all()
        yield from map(ProductUrl._make, rows)
        limit -= len(rows)
        position = rows[-1].position if len(rows) == BATCH_SIZE else None


def iter_products() -> Iterator[ProductView]:
    """Yield all products in catalogue order."""
    position = -1
    while batch := product_views_from_json(fetch_rows_after(ProductQuery(), position, BATCH_SIZE)):
        yield from with_variants(batch)
        position = batch[-1].position
