"""The prior price: the lowest of the 30 days before a reduction, which shops in the EU show beside the reduced price
(Directive 98/6/EC, article 6a). It is stored when a price changes, so that lists read no history."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, select, update

from storefront.catalog.models import Product
from storefront.catalog.variants import variants
from storefront.clock import now
from storefront.db.base import table_of
from storefront.events.models import EventType, events

PERIOD = timedelta(days=30)
BATCH_SIZE = 500
products = table_of(Product)


class Repricing(NamedTuple):
    """A change of a variant's price, in minor units. That of a product without options has the product's id."""

    product_id: str
    variant_id: str
    old: int
    new: int


def store_prior_prices(connection: Connection, tenant_id: str, changes: Sequence[Repricing]) -> None:
    """Store the prior prices of variants whose rows this transaction has changed. A price that isn't lower than all of
    the 30 days before is no reduction, and has none."""
    moment = now()
    reduced = [one for one in changes if one.new < one.old]
    lowest = {one.variant_id: one.old for one in reduced}
    for variant_id, price in earlier_prices(connection, tenant_id, reduced, moment - PERIOD):
        if variant_id in lowest:
            lowest[variant_id] = min(lowest[variant_id], price)
    rows = [prior_price_row(one, lowest.get(one.variant_id, 0), moment) for one in changes]
    for table in (variants, products):
        own = [row for row, one in zip(rows, changes, strict=True) if table is variants or is_only_variant(one)]
        if own:
            here = (table.c.tenant_id == tenant_id, table.c.id == bindparam("the_id"))
            values: dict[str, Any] = {name: bindparam(name) for name in ("prior_price", "prior_price_until")}
            connection.execute(update(table).where(*here).values(values), own)


def is_only_variant(one: Repricing) -> bool:
    return one.variant_id == one.product_id


def prior_price_row(one: Repricing, lowest: int, moment: datetime) -> dict[str, Any]:
    is_reduction = one.new < lowest
    return {
        "the_id": one.variant_id,
        "prior_price": lowest if is_reduction else None,
        "prior_price_until": moment + PERIOD if is_reduction else None,
    }


def earlier_prices(
    connection: Connection, tenant_id: str, changes: Sequence[Repricing], since: datetime
) -> Iterator[tuple[str, int]]:
    """Yield (variant id, price) of the prices that variants of these products had since then, until they changed. One
    that was deleted and added again with the same options has the prices of the deleted one, too."""
    ids = sorted({one.product_id for one in changes})
    for start in range(0, len(ids), BATCH_SIZE):
        batch = ids[start : start + BATCH_SIZE]
        query = select(events.c.type, events.c.subject, events.c.data, events.c.before, events.c.after).where(
            events.c.tenant_id == tenant_id,
            events.c.subject.in_(batch),
            events.c.type.in_((EventType.PRICE_CHANGED, EventType.PRODUCT_CHANGED)),
            events.c.created_at > since,
        )
        rows = connection.execute(query).all()
        successors = successors_of([row for row in rows if is_deletion(row)], connection, tenant_id, batch)
        for row in rows:
            if row.before and (row.type == EventType.PRICE_CHANGED or is_deletion(row)):
                variant_id = row.data.get("variant_id", row.subject)
                yield successors.get(variant_id, variant_id), row.before["price"]


def is_deletion(row: Any) -> bool:
    """Whether an event is about the deletion of a variant: see `variant_members`."""
    return bool((row.before or {}).get("variant")) and (row.after or {}).get("variant") is None


def successors_of(
    deletions: Sequence[Any], connection: Connection, tenant_id: str, product_ids: Sequence[str]
) -> dict[str, str]:
    """Return the ids of variants by those of deleted ones of the same product with the same options."""
    if not deletions:
        return {}
    query = select(variants.c.id, variants.c.product_id, variants.c.options).where(
        variants.c.tenant_id == tenant_id, variants.c.product_id.in_(product_ids)
    )
    current = {(row.product_id, " / ".join(row.options)): row.id for row in connection.execute(query)}
    found = {row.data.get("variant_id", ""): current.get((row.subject, row.before["variant"])) for row in deletions}
    return {deleted: id for deleted, id in found.items() if id is not None}
