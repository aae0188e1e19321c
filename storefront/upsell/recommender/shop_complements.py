"""Complements that a shop names itself, as `goes_with` in `catalog.json`: stored by the import, in its transaction."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, and_, delete, insert, or_, select

from storefront.catalog.field_types import split_by_language
from storefront.catalog.import_schema import ProductEntry, TenantEntry
from storefront.db.base import table_of
from storefront.i18n.display_text import strip_invisible
from storefront.upsell.recommender.models import Complement, ComplementSource

BATCH_PRODUCTS = 2000
MAX_PAIRS = 100
"""Maximum number of pairs in one statement."""
complements = table_of(Complement)
Row = dict[str, Any]


def save_shop_complements(connection: Connection, tenant: TenantEntry, product_ids: Collection[str]) -> set[str]:
    """Replace the shop's own complements of these products by those of the file, on the import's connection, and the
    generated complements of the same pairs. Other generated ones stay. Returns the ids of the products that changed."""
    entries = [entry for entry in tenant.products if entry.id in product_ids]
    changed: set[str] = set()
    for start in range(0, len(entries), BATCH_PRODUCTS):
        wanted = {entry.id: complement_rows(tenant, entry) for entry in entries[start : start + BATCH_PRODUCTS]}
        stored, generated = stored_complements(connection, tenant.id, list(wanted))
        different = {id: rows for id, rows in wanted.items() if rows != stored.get(id, [])}
        replace_complements(connection, tenant.id, different, generated)
        changed |= different.keys()
    return changed


def complement_rows(tenant: TenantEntry, entry: ProductEntry) -> list[Row]:
    """The rows of a product's complements, without the tenant, the best first."""
    rows: list[Row] = []
    for position, other in enumerate(entry.goes_with):
        texts = {language: strip_invisible(text) for language, text in other.why.items() if text}
        why, translations = split_by_language(texts, tenant.language)
        rows.append(
            {
                "product_id": entry.id,
                "complement_product_id": other.id,
                "category": "",
                "explanation": why,
                "explanation_translations": translations or None,
                "source": ComplementSource.SHOP.value,
                "position": position,
            }
        )
    return rows


def stored_complements(
    connection: Connection, tenant_id: str, product_ids: Sequence[str]
) -> tuple[dict[str, list[Row]], set[tuple[str, str]]]:
    """The stored complements of these products: the shop's own rows by product id, the best first, and the generated
    pairs of product ids."""
    columns = [column for column in complements.c if column.name != "tenant_id"]
    asked = select(*columns).where(complements.c.tenant_id == tenant_id, complements.c.product_id.in_(product_ids))
    own: defaultdict[str, list[Row]] = defaultdict(list)
    generated = set()
    for row in connection.execute(asked.order_by(complements.c.position)):
        if row.source == ComplementSource.SHOP:
            own[row.product_id].append(row._asdict())
        else:
            generated.add((row.product_id, row.complement_product_id))
    return own, generated


def replace_complements(
    connection: Connection, tenant_id: str, rows_by_product: Mapping[str, list[Row]], generated: set[tuple[str, str]]
) -> None:
    """Replace the shop's own rows of these products, and the generated rows of the same pairs, by these rows."""
    if not rows_by_product:
        return
    table = complements.c
    rows = [row for rows in rows_by_product.values() for row in rows]
    own = and_(table.source == ComplementSource.SHOP.value, table.product_id.in_(list(rows_by_product)))
    same = [
        and_(table.product_id == row["product_id"], table.complement_product_id == row["complement_product_id"])
        for row in rows
        if (row["product_id"], row["complement_product_id"]) in generated
    ]
    connection.execute(delete(complements).where(table.tenant_id == tenant_id, own))
    for start in range(0, len(same), MAX_PAIRS):
        pairs = or_(*same[start : start + MAX_PAIRS])
        connection.execute(delete(complements).where(table.tenant_id == tenant_id, pairs))
    if rows:
        connection.execute(insert(complements), [{"tenant_id": tenant_id, **row} for row in rows])
