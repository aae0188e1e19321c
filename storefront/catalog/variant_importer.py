"""Imports the variants of products."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from storefront import money
from storefront.catalog.field_types import split_by_language
from storefront.catalog.import_schema import ProductEntry, TenantEntry
from storefront.catalog.json_file import CatalogError
from storefront.catalog.models import Product, ProductStatus, VariantStatus
from storefront.catalog.prior_prices import Repricing
from storefront.catalog.stock import variant_of
from storefront.catalog.variants import variants
from storefront.clock import now
from storefront.db.base import table_of
from storefront.events.actions import Change, NewEvent
from storefront.events.models import HIDDEN, EventType

BATCH_SIZE = 2000
Row = dict[str, Any]
EventRow = NewEvent
UPDATED_COLUMNS = ("position", "options", "price", "image", "sku", "gtin", "status", "archived_with_product")
"""Columns of an existing variant that `--update` takes from the file: all except its stock."""
UPDATE_VARIANT = (
    update(variants)
    .where(variants.c.tenant_id == bindparam("the_tenant"), variants.c.id == bindparam("the_variant"))
    .values({name: bindparam(name) for name in (*UPDATED_COLUMNS, "updated_at")})
)


ACTIVE = {"status": VariantStatus.ACTIVE.value, "archived_with_product": False}
ARCHIVED = {"status": VariantStatus.ARCHIVED.value, "archived_with_product": False}
ARCHIVED_WITH_PRODUCT = ARCHIVED | {"archived_with_product": True}


@dataclass
class VariantChanges:
    """What `--update` changes: variants that are new, and (stored row, new values) of existing ones."""

    added: list[Row] = field(default_factory=list)
    changed: list[tuple[Row, Row]] = field(default_factory=list)
    product_stock: Counter[str] = field(default_factory=Counter)
    """What is added to each product's stock, known after `apply`."""

    @property
    def product_ids(self) -> set[str]:
        return {row["product_id"] for row in (*self.added, *(new for _, new in self.changed))}

    @property
    def repricings(self) -> list[Repricing]:
        return [
            Repricing(new["product_id"], new["id"], stored["price"], new["price"])
            for stored, new in self.changed
            if stored["price"] != new["price"]
        ]

    def apply(self, connection: Connection, tenant_id: str) -> list[EventRow]:
        """Write the changes, in the order in which orders take stock, to avoid deadlocks. Return the events."""
        moment = now()
        self.changed.sort(key=lambda pair: (pair[1]["product_id"], pair[1]["id"]))
        for start in range(0, len(self.changed), BATCH_SIZE):
            rows = [new for _, new in self.changed[start : start + BATCH_SIZE]]
            keys = ({"the_tenant": tenant_id, "the_variant": row["id"], "updated_at": moment} for row in rows)
            connection.execute(
                UPDATE_VARIANT,
                [{name: row[name] for name in UPDATED_COLUMNS} | key for row, key in zip(rows, keys, strict=True)],
            )
        if self.added:
            connection.execute(insert(variants), self.added)
        return [*self._stock_events(connection, tenant_id), *self._price_events()]

    def _stock_events(self, connection: Connection, tenant_id: str) -> Iterator[EventRow]:
        """Yield an event for each variant that is sold from now on, or no longer; count `product_stock`."""
        switched = {new["id"]: new for stored, new in self.changed if stored["status"] != new["status"]}
        for row in stored_stock(connection, tenant_id, list(switched)):
            new = switched[row.id]
            is_active = new["status"] == VariantStatus.ACTIVE
            self.product_stock[new["product_id"]] += row.stock if is_active else -row.stock
            yield stock_event(new, row.stock if is_active else 0)
        for row in self.added:
            if row["status"] == VariantStatus.ACTIVE:
                self.product_stock[row["product_id"]] += row["stock"]
                yield stock_event(row, row["stock"])

    def _price_events(self) -> Iterator[EventRow]:
        """Yield the new prices of variants; those of products without options are their products'."""
        for stored, new in self.changed:
            named = variant_of(new["product_id"], new["id"])
            if named and stored["price"] != new["price"]:
                data = {"price": new["price"]} | named | ({HIDDEN: True} if new["archived_with_product"] else {})
                before, after = {"price": stored["price"]}, {"price": new["price"]}
                yield Change(EventType.PRICE_CHANGED, new["product_id"], data, before, after)


def stored_stock(connection: Connection, tenant_id: str, ids: Sequence[str]) -> Iterator[Any]:
    """Yield (id, stock) of variants that this transaction has changed, so that nobody else changes their stock."""
    for start in range(0, len(ids), BATCH_SIZE):
        batch = ids[start : start + BATCH_SIZE]
        query = select(variants.c.id, variants.c.stock)
        yield from connection.execute(query.where(variants.c.tenant_id == tenant_id, variants.c.id.in_(batch)))


def stock_event(row: Row, stock: int) -> EventRow:
    return EventType.STOCK_CHANGED, row["product_id"], {"stock": stock} | variant_of(row["product_id"], row["id"])


def variant_rows(tenant: TenantEntry, entry: ProductEntry) -> list[Row]:
    """Return the rows of a product's variants, with their stock; of one without options the only one."""
    price = money.parse(entry.price, tenant.currency)
    common = {"tenant_id": tenant.id, "product_id": entry.id} | ACTIVE
    if not entry.variants:
        own = {"position": 0, "options": [], "price": price, "stock": entry.stock, "image": "", "sku": "", "gtin": None}
        return [common | {"id": entry.id} | own]
    return [
        common
        | {
            "id": variant.id,
            "position": position,
            "options": variant.options,
            "price": price if variant.price is None else money.parse(variant.price, tenant.currency),
            "stock": variant.stock,
            "image": variant.image,
            "sku": variant.sku,
            "gtin": variant.gtin,
        }
        for position, variant in enumerate(entry.variants)
    ]


def insert_variants(connection: Connection, rows: Sequence[Row]) -> None:
    """Insert the variants of new products."""
    moment = now()
    connection.execute(insert(variants), [{**row, "updated_at": moment} for row in rows])


def find_variant_changes(
    connection: Connection, tenant: TenantEntry, entries: Sequence[ProductEntry]
) -> VariantChanges:
    """Return how the stored variants of these existing products differ from the file; those that left it are archived,
    and all of a product that isn't on sale. Raises `CatalogError` for an id that another product has."""
    found = VariantChanges()
    columns = [variants.c[name] for name in ("id", "product_id", *UPDATED_COLUMNS)]
    ids = [entry.id for entry in entries]
    query = select(*columns).where(variants.c.tenant_id == tenant.id, variants.c.product_id.in_(ids))
    stored = {row.id: row._asdict() for row in connection.execute(query)}
    moment, hidden = now(), products_not_on_sale(connection, tenant.id, ids)
    wanted = (
        row | (ARCHIVED_WITH_PRODUCT if entry.id in hidden else {})
        for entry in entries
        for row in variant_rows(tenant, entry)
    )
    for row in wanted:
        before = stored.pop(row["id"], None)
        if before is None or before["product_id"] != row["product_id"]:
            found.added.append({**row, "updated_at": moment})
        elif any(before[name] != row[name] for name in UPDATED_COLUMNS):
            found.changed.append((before, row))
    for row in stored.values():
        if row | ARCHIVED != row:
            found.changed.append((row, row | ARCHIVED))
    if found.added:
        check_ids_unused(connection, tenant.id, found.added)
    return found


def products_not_on_sale(connection: Connection, tenant_id: str, ids: Sequence[str]) -> set[str]:
    table = table_of(Product).c
    query = select(table.id).where(table.tenant_id == tenant_id, table.id.in_(ids))
    return set(connection.scalars(query.where(table.status != ProductStatus.ACTIVE)))


def check_ids_unused(connection: Connection, tenant_id: str, rows: Sequence[Row]) -> None:
    """Raise `CatalogError` if a new variant or product has the id of a stored variant, or of another stored product.
    The row of a product has its id as `product_id`."""
    owners = {row["id"]: row["product_id"] for row in rows}
    products = table_of(Product)
    taken = [
        (row.id, row.product_id)
        for row in connection.execute(stored_ids(variants, variants.c.product_id, tenant_id, owners))
    ]
    taken += [
        (row.id, row.id)
        for row in connection.execute(stored_ids(products, products.c.id, tenant_id, owners))
        if owners[row.id] != row.id
    ]
    if taken:
        faults = [
            f"tenant {tenant_id!r}, product {owners[id]!r}{'' if id == owners[id] else f', variant {id!r}'}, id: "
            f"is used by product {owner!r} already"
            for id, owner in taken[:20]
        ]
        raise CatalogError("\n  ".join(["was rejected and nothing was imported:", *faults]))


def stored_ids(table: Any, owner: Any, tenant_id: str, ids: Collection[str]) -> Any:
    return select(table.c.id, owner.label("product_id")).where(table.c.tenant_id == tenant_id, table.c.id.in_(ids))


def option_columns(tenant: TenantEntry, entry: ProductEntry) -> Row:
    """Return the product's columns with its options and their translations; both None without options."""
    if not entry.options:
        return {"options": None, "options_translations": None}
    options, translations = [], []
    for option in entry.options:
        name, names = split_by_language(option.name, tenant.language)
        values = [split_by_language(value, tenant.language) for value in option.values]
        options.append({"name": name, "values": [value for value, _ in values]})
        translations.append({"name": names, "values": [others for _, others in values]})
    has_any = any(one["name"] or any(one["values"]) for one in translations)
    return {"options": options, "options_translations": translations if has_any else None}
