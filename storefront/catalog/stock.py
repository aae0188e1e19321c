"""Changes of stock: of a variant, and of its product's sum in the same transaction.

Rows are locked in one order, by which concurrent changes never deadlock: first variants by (product id, variant id), as
Python sorts them because the databases' collations differ, then products by id. The import keeps to it, too.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, update

from storefront.catalog.models import Product, VariantStatus
from storefront.catalog.variants import variants
from storefront.db.base import table_of
from storefront.db.tenancy import execute, tenant_scoped
from storefront.events.models import EventType

products = table_of(Product)
this_variant = update(variants).where(variants.c.id == bindparam("variant"))
TAKE_VARIANT_STOCK = tenant_scoped(
    this_variant.where(variants.c.stock >= bindparam("quantity"), variants.c.status == VariantStatus.ACTIVE)
    .values(stock=variants.c.stock - bindparam("quantity"), updated_at=bindparam("now"))
    .returning(variants.c.options, variants.c.image, variants.c.price, variants.c.stock)
)
RESTORE_VARIANT_STOCK = tenant_scoped(
    this_variant.values(stock=variants.c.stock + bindparam("quantity"), updated_at=bindparam("now")).returning(
        variants.c.stock, variants.c.status
    )
)
CHANGE_PRODUCT_STOCK = tenant_scoped(
    update(products)
    .where(products.c.id == bindparam("product"))
    .values(stock=products.c.stock + bindparam("change"), updated_at=bindparam("now"))
)


class StockChange(NamedTuple):
    """A quantity of a variant; changes sort in the order in which rows are locked."""

    product_id: str
    variant_id: str
    quantity: int


def take_stock(wanted: Sequence[StockChange], moment: datetime) -> list[Any]:
    """Take these quantities, sorted, from the stock, inside `write()`. Return for each a row with the variant's
    options, image, price and remaining stock; None where there isn't enough, and then the caller must roll back."""
    rows = [
        execute(TAKE_VARIANT_STOCK, {"variant": one.variant_id, "quantity": one.quantity, "now": moment}).one_or_none()
        for one in wanted
    ]
    if None not in rows:
        change_product_stock([one._replace(quantity=-one.quantity) for one in wanted], moment)
    return rows


def restore_stock(returned: Sequence[StockChange], moment: datetime) -> list[int]:
    """Add these quantities, sorted, to the stock, inside `write()`. Return how many of each variant can be bought now.

    An archived variant gets its stock back, but isn't part of its product's sum."""
    rows = [
        execute(RESTORE_VARIANT_STOCK, {"variant": one.variant_id, "quantity": one.quantity, "now": moment}).one()
        for one in returned
    ]
    both = zip(returned, rows, strict=True)
    change_product_stock([one for one, row in both if row.status == VariantStatus.ACTIVE], moment)
    return [row.stock if row.status == VariantStatus.ACTIVE else 0 for row in rows]


def change_product_stock(changes: Sequence[StockChange], moment: datetime) -> None:
    """Add the quantities to the products' sums, in one round trip."""
    sums: Counter[str] = Counter()
    for one in changes:
        sums[one.product_id] += one.quantity
    if sums:
        execute(
            CHANGE_PRODUCT_STOCK,
            [{"product": id, "change": change, "now": moment} for id, change in sorted(sums.items())],
        )


def stock_event(product_id: str, variant_id: str, stock: int) -> tuple[str, str, dict[str, Any]]:
    """Return the event about a variant's new stock, for `record_events`."""
    return EventType.STOCK_CHANGED, product_id, {"stock": stock} | variant_of(product_id, variant_id)


def variant_of(product_id: str, variant_id: str) -> dict[str, str]:
    """Return the part of an event or a problem that names the variant, unless it is a product without options."""
    return {} if variant_id == product_id else {"variant_id": variant_id}
