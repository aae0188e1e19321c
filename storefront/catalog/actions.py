"""Loading the shops and products of a `catalog.json`."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from blinker import signal
from sqlalchemy import Connection, bindparam, delete, insert, select, update

from storefront import money
from storefront.catalog.json_file import BadCatalog
from storefront.catalog.models import Product
from storefront.catalog.rules import product_words
from storefront.catalog.schema import CatalogFile, ProductEntry, TenantEntry, in_own_language, read_catalog
from storefront.db.base import db
from storefront.db.engine import FULL, borrowed, current_engine, set_busy_timeout
from storefront.db.tenant_context import set_rls_tenant
from storefront.db.transactions import busy_refused, lock_among_machines
from storefront.db.write_queue import write_slot
from storefront.events.models import PRICE_CHANGED, append
from storefront.ids import new_id
from storefront.tenants.models import SettingRow, TenantRow
from storefront.tenants.registry import registry

catalog_loaded = signal("catalog-loaded")
"""Sent with `tenant_ids` after shops or products were loaded, and committed."""
BATCH = 2000
LOADED = "catalog_sha256"
LOAD_LOCK = 7_206_340_001
"""The PostgreSQL advisory lock under which one machine at a time loads."""
TEXTS = ("name", "names", "description", "descriptions", "category", "price", "tags", "image", "name_words", "words")
"""What `--update` takes from the file for a product that is there already: all but its stock."""

Progress = Callable[[int], object]
"""Told how many more products have been seen to."""


@dataclass
class Loaded:
    """How many were new, how many were given the file's texts and prices, and how many were left as they were."""

    tenants: int = 0
    added: int = 0
    updated: int = 0
    kept: int = 0


def is_loaded(content: bytes) -> bool:
    """Whether exactly these bytes were the last catalogue to be loaded."""
    with db.engine.connect() as connection:
        last = connection.scalar(select(SettingRow.value).where(SettingRow.name == LOADED))
    return bool(last == sha256(content).hexdigest())


def read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as fault:
        raise BadCatalog(f"can't be read: {fault.strerror}.") from None


def load(content: bytes, refresh: bool = False, progress: Progress = lambda _: None) -> Loaded:
    """Add the shops and products of the file that aren't there yet, in one transaction.

    What is there keeps its stock always, and everything else too unless `refresh` is set, which takes texts, prices
    and the shop's settings from the file. Raises `BadCatalog`, and then nothing was changed.
    """
    return store(read_catalog(content), sha256(content).hexdigest(), refresh, progress)


def store(catalog: CatalogFile, digest: str, refresh: bool = False, progress: Progress = lambda _: None) -> Loaded:
    loaded = Loaded()
    with busy_refused(), write_slot(current_engine()) as left, borrowed(FULL) as connection:
        set_busy_timeout(connection, left)
        connection.begin()
        lock_among_machines(connection, LOAD_LOCK)
        place = new_id()
        for tenant in catalog.tenants:
            set_rls_tenant(connection, tenant.id)
            store_tenant(connection, tenant, refresh, loaded)
            store_products(connection, tenant, place, refresh, loaded, progress)
            place += len(tenant.products)
        connection.execute(delete(SettingRow).where(SettingRow.name == LOADED))
        connection.execute(insert(SettingRow).values(name=LOADED, value=digest))
        connection.commit()
    registry().forget()
    if loaded.tenants or loaded.added or loaded.updated:
        catalog_loaded.send(tenant_ids=[tenant.id for tenant in catalog.tenants])
    return loaded


def store_tenant(connection: Connection, entry: TenantEntry, refresh: bool, loaded: Loaded) -> None:
    values = entry.model_dump(mode="json", exclude={"products", "id"}, by_alias=True)
    currency = connection.scalar(select(TenantRow.currency).where(TenantRow.id == entry.id))
    if currency is None:
        connection.execute(insert(TenantRow).values(id=entry.id, **values))
        loaded.tenants += 1
    elif currency != entry.currency:
        # Prices are stored in minor units: those that are there would silently become others.
        fault = f"tenant {entry.id!r}, currency: is {currency} already and can't become {entry.currency}"
        raise BadCatalog(f"is refused whole:\n  {fault}")
    elif refresh:
        connection.execute(update(TenantRow).where(TenantRow.id == entry.id).values(**values))


def store_products(
    connection: Connection, tenant: TenantEntry, place: int, refresh: bool, loaded: Loaded, progress: Progress
) -> None:
    """New products get the places from `place` on, in the file's order."""
    there = set(connection.scalars(select(Product.id).where(Product.tenant_id == tenant.id)))
    others: list[tuple[dict[str, Any], int]] = []
    for start in range(0, len(tenant.products), BATCH):
        batch = tenant.products[start : start + BATCH]
        new = [
            row_of(tenant, entry) | {"stock": entry.stock, "place": place + start + i}
            for i, entry in enumerate(batch)
            if entry.id not in there
        ]
        if new:
            connection.execute(insert(Product), new)
        known = [row_of(tenant, entry) for entry in batch if entry.id in there] if refresh else []
        found = differing(connection, tenant.id, known) if known else []
        others += found
        loaded.added += len(new)
        loaded.updated += len(found)
        loaded.kept += len(batch) - len(new) - len(found)
        progress(len(batch) - len(found))
    others.sort(key=lambda one: one[0]["id"])
    for start in range(0, len(others), BATCH):
        lot = [row for row, _ in others[start : start + BATCH]]
        refresh_products(connection, tenant.id, lot)
        progress(len(lot))
    repriced = [(PRICE_CHANGED, row["id"], {"price": row["price"]}) for row, was in others if row["price"] != was]
    append(connection, tenant.id, repriced)  # last, because who writes events waits for this transaction from here on


def differing(connection: Connection, tenant_id: str, rows: list[dict[str, Any]]) -> list[tuple[dict[str, Any], int]]:
    """Those of the file's rows that say something else than the shop does, each with the price that the shop asks."""
    table = Product.__table__
    asked = select(table.c.id, *(table.c[name] for name in TEXTS))
    asked = asked.where(table.c.tenant_id == tenant_id, table.c.id.in_([row["id"] for row in rows]))
    here = {one.id: one._asdict() for one in connection.execute(asked)}
    pairs = [(row, here[row["id"]]) for row in rows]
    return [(row, own["price"]) for row, own in pairs if any(row[name] != own[name] for name in TEXTS)]


def refresh_products(connection: Connection, tenant_id: str, rows: list[dict[str, Any]]) -> None:
    """Give products the texts and prices of these rows, in the order of their ids: that in which orders take stock, so
    that the two never wait for each other in a circle."""
    table = Product.__table__
    connection.execute(
        update(Product)
        .where(table.c.tenant_id == bindparam("the_tenant"), table.c.id == bindparam("the_product"))
        .values({name: bindparam(name) for name in TEXTS}),
        [{name: row[name] for name in TEXTS} | {"the_tenant": tenant_id, "the_product": row["id"]} for row in rows],
    )


def labels_of(tenant: TenantEntry, entry: ProductEntry) -> list[str]:
    """The product's category and tags, and what they are called in other languages."""
    own = [entry.category, *entry.tags]
    return own + [other for label in own for other in tenant.labels.get(label, {}).values()]


def row_of(tenant: TenantEntry, entry: ProductEntry) -> dict[str, Any]:
    own = tenant.language
    name, names = in_own_language(entry.name, own)
    description, descriptions = in_own_language(entry.description, own)
    name_words, words = product_words(
        (name, *names.values()), (description, *descriptions.values()), labels_of(tenant, entry)
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
