"""Loading the shops and products of a `catalog.json`."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from blinker import signal
from sqlalchemy import Connection, bindparam, delete, insert, select, update

from storefront import money
from storefront.catalog.import_schema import CatalogFile, ProductEntry, TenantEntry, parse_catalog, split_by_language
from storefront.catalog.json_file import CatalogError
from storefront.catalog.models import Product
from storefront.catalog.text import build_search_document
from storefront.db.base import db
from storefront.db.engine import FULL, borrowed, current_engine, set_busy_timeout
from storefront.db.tenant_context import set_rls_tenant
from storefront.db.transactions import busy_refused, lock_among_machines
from storefront.db.write_queue import write_slot
from storefront.events.actions import append_events
from storefront.events.models import PRICE_CHANGED
from storefront.ids import new_id
from storefront.tenants.models import Setting, Tenant
from storefront.tenants.registry import registry

catalog_loaded = signal("catalog-loaded")
"""Sent with `tenant_ids` after shops or products were loaded, and committed."""
products_imported = signal("products-imported")
"""Sent for each shop inside the import's transaction, with its `connection`, the `tenant` as the file has it, and the
`product_ids` that follow the file: those that are new, and with `--update` all. Receivers return the ids of products of
which they changed something that isn't in the product's own row."""
BATCH_SIZE = 2000
LAST_IMPORT_DIGEST = "catalog_sha256"
IMPORT_LOCK_ID = 7_206_340_001
"""The PostgreSQL advisory lock under which one machine at a time loads."""
UPDATED_COLUMNS = (
    "name",
    "names",
    "description",
    "descriptions",
    "category",
    "price",
    "tags",
    "image",
    "name_words",
    "words",
)
"""What `--update` takes from the file for a product that is there already: all but its stock."""

Progress = Callable[[int], object]
"""Told how many more products have been seen to."""


@dataclass
class ImportSummary:
    """How many were new, how many were given the file's texts and prices, and how many were left as they were."""

    tenants: int = 0
    added: int = 0
    updated: int = 0
    unchanged: int = 0


def is_imported(content: bytes) -> bool:
    """Whether exactly these bytes were the last catalogue to be loaded."""
    with db.engine.connect() as connection:
        last = connection.scalar(select(Setting.value).where(Setting.name == LAST_IMPORT_DIGEST))
    return bool(last == sha256(content).hexdigest())


def read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as fault:
        raise CatalogError(f"can't be read: {fault.strerror}.") from None


def import_catalog(content: bytes, update_existing: bool = False, progress: Progress = lambda _: None) -> ImportSummary:
    """Add the shops and products of the file that aren't there yet, in one transaction.

    What is there keeps its stock always, and everything else too unless `refresh` is set, which takes texts, prices
    and the shop's settings from the file. Raises `CatalogError`, and then nothing was changed.
    """
    return import_parsed_catalog(parse_catalog(content), sha256(content).hexdigest(), update_existing, progress)


def import_parsed_catalog(
    catalog: CatalogFile, digest: str, update_existing: bool = False, progress: Progress = lambda _: None
) -> ImportSummary:
    loaded = ImportSummary()
    with busy_refused(), write_slot(current_engine()) as left, borrowed(FULL) as connection:
        set_busy_timeout(connection, left)
        connection.begin()
        lock_among_machines(connection, IMPORT_LOCK_ID)
        place = new_id()
        for tenant in catalog.tenants:
            set_rls_tenant(connection, tenant.id)
            import_tenant(connection, tenant, update_existing, loaded)
            import_products(connection, tenant, place, update_existing, loaded, progress)
            place += len(tenant.products)
        connection.execute(delete(Setting).where(Setting.name == LAST_IMPORT_DIGEST))
        connection.execute(insert(Setting).values(name=LAST_IMPORT_DIGEST, value=digest))
        connection.commit()
    registry().invalidate()
    if loaded.tenants or loaded.added or loaded.updated:
        catalog_loaded.send(tenant_ids=[tenant.id for tenant in catalog.tenants])
    return loaded


def import_tenant(connection: Connection, entry: TenantEntry, update_existing: bool, loaded: ImportSummary) -> None:
    values = entry.model_dump(mode="json", exclude={"products", "id"}, by_alias=True)
    currency = connection.scalar(select(Tenant.currency).where(Tenant.id == entry.id))
    if currency is None:
        connection.execute(insert(Tenant).values(id=entry.id, **values))
        loaded.tenants += 1
    elif currency != entry.currency:
        # Prices are stored in minor units: those that are there would silently become others.
        fault = f"tenant {entry.id!r}, currency: is {currency} already and can't become {entry.currency}"
        raise CatalogError(f"is refused whole:\n  {fault}")
    elif update_existing:
        connection.execute(update(Tenant).where(Tenant.id == entry.id).values(**values))


def import_products(
    connection: Connection,
    tenant: TenantEntry,
    place: int,
    update_existing: bool,
    loaded: ImportSummary,
    progress: Progress,
) -> None:
    """New products get the places from `place` on, in the file's order."""
    there = set(connection.scalars(select(Product.id).where(Product.tenant_id == tenant.id)))
    followed = {entry.id for entry in tenant.products if update_existing or entry.id not in there}
    others: list[tuple[dict[str, Any], int]] = []
    for start in range(0, len(tenant.products), BATCH_SIZE):
        batch = tenant.products[start : start + BATCH_SIZE]
        new = [
            product_row(tenant, entry) | {"stock": entry.stock, "place": place + start + i}
            for i, entry in enumerate(batch)
            if entry.id not in there
        ]
        if new:
            connection.execute(insert(Product), new)
        known = [product_row(tenant, entry) for entry in batch if entry.id in there] if update_existing else []
        found = changed_products(connection, tenant.id, known) if known else []
        others += found
        loaded.added += len(new)
        loaded.updated += len(found)
        loaded.unchanged += len(batch) - len(new) - len(found)
        progress(len(batch) - len(found))
    others.sort(key=lambda one: one[0]["id"])
    for start in range(0, len(others), BATCH_SIZE):
        lot = [row for row, _ in others[start : start + BATCH_SIZE]]
        update_products(connection, tenant.id, lot)
        progress(len(lot))
    sent = products_imported.send(connection=connection, tenant=tenant, product_ids=followed)
    besides = {id for _, changed in sent for id in changed} & there - {row["id"] for row, _ in others}
    loaded.updated += len(besides)
    loaded.unchanged -= len(besides)
    repriced = [(PRICE_CHANGED, row["id"], {"price": row["price"]}) for row, was in others if row["price"] != was]
    append_events(
        connection, tenant.id, repriced
    )  # last, because who writes events waits for this transaction from here on


def changed_products(
    connection: Connection, tenant_id: str, rows: list[dict[str, Any]]
) -> list[tuple[dict[str, Any], int]]:
    """Those of the file's rows that say something else than the shop does, each with the price that the shop asks."""
    table = Product.__table__
    asked = select(table.c.id, *(table.c[name] for name in UPDATED_COLUMNS))
    asked = asked.where(table.c.tenant_id == tenant_id, table.c.id.in_([row["id"] for row in rows]))
    here = {one.id: one._asdict() for one in connection.execute(asked)}
    pairs = [(row, here[row["id"]]) for row in rows]
    return [(row, own["price"]) for row, own in pairs if any(row[name] != own[name] for name in UPDATED_COLUMNS)]


def update_products(connection: Connection, tenant_id: str, rows: list[dict[str, Any]]) -> None:
    """Give products the texts and prices of these rows, in the order of their ids: that in which orders take stock, so
    that the two never wait for each other in a circle."""
    table = Product.__table__
    connection.execute(
        update(Product)
        .where(table.c.tenant_id == bindparam("the_tenant"), table.c.id == bindparam("the_product"))
        .values({name: bindparam(name) for name in UPDATED_COLUMNS}),
        [
            {name: row[name] for name in UPDATED_COLUMNS} | {"the_tenant": tenant_id, "the_product": row["id"]}
            for row in rows
        ],
    )


def searchable_labels(tenant: TenantEntry, entry: ProductEntry) -> list[str]:
    """The product's category and tags, and what they are called in other languages."""
    own = [entry.category, *entry.tags]
    return own + [other for label in own for other in tenant.labels.get(label, {}).values()]


def product_row(tenant: TenantEntry, entry: ProductEntry) -> dict[str, Any]:
    own = tenant.language
    name, names = split_by_language(entry.name, own)
    description, descriptions = split_by_language(entry.description, own)
    name_words, words = build_search_document(
        (name, *names.values()), (description, *descriptions.values()), searchable_labels(tenant, entry)
    )
    return {
        "tenant_id": tenant.id,
        "id": entry.id,
        "name": name,
        "names": names or None,
        "description": description,
        "descriptions": descriptions or None,
        "category": entry.category,
        "price": money.parse(entry.price, tenant.currency),
        "tags": entry.tags,
        "image": entry.image,
        "name_words": name_words,
        "words": words,
    }
