"""Imports the shops and products of a `catalog.json`."""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from storefront.catalog.import_schema import CatalogFile, ProductEntry, TenantEntry, parse_catalog
from storefront.catalog.json_file import CatalogError
from storefront.catalog.models import Product, ProductStatus, VariantStatus
from storefront.catalog.prior_prices import store_prior_prices
from storefront.catalog.product_rows import product_row
from storefront.catalog.tenant_importer import ImportedTenant, import_tenant
from storefront.catalog.variant_importer import (
    EventRow,
    VariantChanges,
    archived_with_product,
    check_ids_unused,
    find_variant_changes,
    insert_variants,
    variant_rows,
)
from storefront.db.base import db
from storefront.db.engine import engines
from storefront.db.tenant_context import set_rls_tenant
from storefront.db.transactions import write_transaction
from storefront.events.actions import Change, append_events
from storefront.events.models import HIDDEN, EventType
from storefront.ids import new_id
from storefront.signals import catalog_loaded, products_imported
from storefront.tenants.models import Setting
from storefront.tenants.registry import registry

BATCH_SIZE = 2000
LAST_IMPORT_DIGEST = "catalog_sha256"
IMPORT_LOCK_ID = 7_206_340_001
"""The PostgreSQL advisory lock that lets one machine at a time import."""
UPDATED_COLUMNS = (
    "name",
    "name_translations",
    "description",
    "description_translations",
    "category",
    "price",
    "tags",
    "image",
    "tax_class",
    "weight",
    "options",
    "options_translations",
    "search_name",
    "search_text",
)
"""Columns of an existing product that `--update` takes from the file: all except its stock."""

Progress = Callable[[int], object]
"""Called with the number of products processed since the last call."""


@dataclass
class ImportSummary:
    """The numbers of added tenants, and of added, updated and unchanged products. `settings` are those of existing
    shops that the file has changed, each as "shop: names"."""

    tenants: int = 0
    settings: tuple[str, ...] = ()
    added: int = 0
    updated: int = 0
    unchanged: int = 0

    def add(self, imported: ImportedTenant) -> None:
        self.tenants += imported.is_new
        self.settings += imported.changed_settings


def is_imported(content: bytes) -> bool:
    """Whether the last imported catalogue had exactly these bytes."""
    with db.engine.connect() as connection:
        last = connection.scalar(select(Setting.value).where(Setting.name == LAST_IMPORT_DIGEST))
    return bool(last == sha256(content).hexdigest())


def read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as fault:
        raise CatalogError(f"can't be read: {fault.strerror}.") from None


def import_catalog(content: bytes, update_existing: bool = False, progress: Progress = lambda _: None) -> ImportSummary:
    """Add the shops and products of the file that don't exist yet, in one transaction.

    Existing products always keep their stock; `update_existing` takes their texts and prices, and the shops' settings,
    from the file. Raises `CatalogError`; nothing is changed then.
    """
    with paused_collector():
        return import_parsed_catalog(parse_catalog(content), sha256(content).hexdigest(), update_existing, progress)


@contextmanager
def paused_collector() -> Iterator[None]:
    """Pause the garbage collector, which would go through the millions of objects of a large catalogue again and again:
    a third of the time. They have no cycles."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def import_parsed_catalog(
    catalog: CatalogFile, digest: str, update_existing: bool = False, progress: Progress = lambda _: None
) -> ImportSummary:
    loaded = ImportSummary()
    with write_transaction(durable=True) as connection:
        engines().dialect.lock_among_machines(connection, IMPORT_LOCK_ID)
        position = new_id()
        for tenant in catalog.tenants:
            set_rls_tenant(connection, tenant.id)
            imported = import_tenant(connection, tenant, update_existing)
            loaded.add(imported)
            import_products(connection, tenant, position, update_existing, loaded, progress)
            # Last, because it blocks the tenant's other writers of events.
            append_events(connection, tenant.id, imported.events)
            position += len(tenant.products)
        connection.execute(delete(Setting).where(Setting.name == LAST_IMPORT_DIGEST))
        connection.execute(insert(Setting).values(name=LAST_IMPORT_DIGEST, value=digest))
    registry().invalidate()
    if loaded.tenants or loaded.added or loaded.updated:
        catalog_loaded.send(tenant_ids=[tenant.id for tenant in catalog.tenants])
    return loaded


def import_products(
    connection: Connection,
    tenant: TenantEntry,
    position: int,
    update_existing: bool,
    loaded: ImportSummary,
    progress: Progress,
) -> None:
    """Import the products of a tenant; new ones get the positions from `position` on, in file order."""
    existing_ids = set(connection.scalars(select(Product.id).where(Product.tenant_id == tenant.id)))
    followed = {entry.id for entry in tenant.products if update_existing or entry.id not in existing_ids}
    others: list[tuple[dict[str, Any], dict[str, Any]]] = []
    variant_changes = VariantChanges()
    for start in range(0, len(tenant.products), BATCH_SIZE):
        batch = tenant.products[start : start + BATCH_SIZE]
        added = [(position + start + i, entry) for i, entry in enumerate(batch) if entry.id not in existing_ids]
        new = insert_products(connection, tenant, added, is_new_shop=not existing_ids) if added else []
        known = [entry for entry in batch if entry.id in existing_ids] if update_existing else []
        found = changed_products(connection, tenant, known, variant_changes) if known else []
        others += found
        loaded.added += len(new)
        loaded.updated += len(found)
        loaded.unchanged += len(batch) - len(new) - len(found)
        progress(len(batch) - len(found))
    variant_events = variant_changes.apply(connection, tenant.id)
    others.sort(key=lambda one: one[0]["id"])
    for start in range(0, len(others), BATCH_SIZE):
        rows = [
            row | {"stock_change": variant_changes.product_stock[row["id"]]}
            for row, _ in others[start : start + BATCH_SIZE]
        ]
        update_products(connection, tenant.id, rows)
        progress(len(rows))
    results = products_imported.send(connection=connection, tenant=tenant, product_ids=followed)
    besides = {id for _, changed in results for id in changed} & existing_ids - {row["id"] for row, _ in others}
    loaded.updated += len(besides)
    loaded.unchanged -= len(besides)
    repriced = [price_event(stored, row["price"]) for row, stored in others if row["price"] != stored["price"]]
    store_prior_prices(connection, tenant.id, variant_changes.repricings)
    # Last, because it blocks the tenant's other writers of events.
    append_events(connection, tenant.id, variant_events + repriced)


def price_event(stored: dict[str, Any], price: int) -> EventRow:
    hidden = {} if stored["status"] == ProductStatus.ACTIVE else {HIDDEN: True}
    before, after = {"price": stored["price"]}, {"price": price}
    return Change(EventType.PRICE_CHANGED, stored["id"], after | hidden, before, after)


def insert_products(
    connection: Connection, tenant: TenantEntry, added: Sequence[tuple[int, ProductEntry]], is_new_shop: bool
) -> list[dict[str, Any]]:
    """Insert new products at these positions, with their variants. Return their rows. Raises `CatalogError` for a
    product's or a variant's id that the shop has already, which a shop without products can't have."""
    variants = [new_variant_rows(tenant, entry) for _, entry in added]
    rows = [
        product_row(tenant, entry, own) | {"stock": stock_on_sale(own), "status": entry.status, "position": position}
        for (position, entry), own in zip(added, variants, strict=True)
    ]
    connection.execute(insert(Product), rows)
    if not is_new_shop:
        ids = [{"id": row["id"], "product_id": row["id"]} for row in rows]
        check_ids_unused(connection, tenant.id, [*ids, *(row for own in variants for row in own)])
    insert_variants(connection, [row for own in variants for row in own])
    return rows


def new_variant_rows(tenant: TenantEntry, entry: ProductEntry) -> list[dict[str, Any]]:
    """Return the rows of a new product's variants, archived with it if it isn't on sale."""
    rows = variant_rows(tenant, entry)
    return rows if entry.status == ProductStatus.ACTIVE.value else [archived_with_product(row) for row in rows]


def stock_on_sale(variants: Sequence[dict[str, Any]]) -> int:
    return sum(row["stock"] for row in variants if row["status"] == VariantStatus.ACTIVE)


def changed_products(
    connection: Connection, tenant: TenantEntry, entries: Sequence[ProductEntry], variant_changes: VariantChanges
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return the rows that differ from the stored products, also in their variants, each with the stored values. Add to
    `variant_changes` what changes of the variants."""
    changes = find_variant_changes(connection, tenant, entries)
    variant_changes.added += changes.added
    variant_changes.changed += changes.changed
    rows = [product_row(tenant, entry, variant_rows(tenant, entry)) for entry in entries]
    table = Product.__table__
    query = select(table.c.id, table.c.status, *(table.c[name] for name in UPDATED_COLUMNS))
    query = query.where(table.c.tenant_id == tenant.id, table.c.id.in_([row["id"] for row in rows]))
    stored = {one.id: one._asdict() for one in connection.execute(query)}
    pairs, besides = [(row, stored[row["id"]]) for row in rows], changes.product_ids
    return [
        (row, own)
        for row, own in pairs
        if row["id"] in besides or any(row[name] != own[name] for name in UPDATED_COLUMNS)
    ]


def update_products(connection: Connection, tenant_id: str, rows: list[dict[str, Any]]) -> None:
    """Update products with the values of these rows, in order of their ids, as orders take stock, to avoid
    deadlocks."""
    table = Product.__table__
    connection.execute(
        update(Product)
        .where(table.c.tenant_id == bindparam("the_tenant"), table.c.id == bindparam("the_product"))
        .values(
            {name: bindparam(name) for name in UPDATED_COLUMNS} | {"stock": table.c.stock + bindparam("stock_change")}
        ),
        [
            {name: row[name] for name in (*UPDATED_COLUMNS, "stock_change")}
            | {"the_tenant": tenant_id, "the_product": row["id"]}
            for row in rows
        ],
    )
