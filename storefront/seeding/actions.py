"""Fills a shop with demo orders: reads its products, generates checkouts, writes them, and trains the recommender."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from sqlalchemy import select

from storefront.cart.models import Cart, CartLine
from storefront.catalog.models import LOW_STOCK_THRESHOLD, Product, Variant, VariantStatus
from storefront.catalog.stock import StockChange, stock_event, take_stock
from storefront.clock import now
from storefront.db.base import db, table_of
from storefront.db.engine import engines
from storefront.db.tenancy import OwnedByTenant, execute, insert_rows, tenant_scoped
from storefront.db.tenant_context import current_tenant_id
from storefront.db.transactions import write, write_connection
from storefront.events.actions import next_ids, record_events
from storefront.events.models import Event
from storefront.i18n.locale import override_locale
from storefront.i18n.negotiation import LANGUAGES, fallback_languages
from storefront.orders.models import Order, OrderLine, OrderSearchKey, OrderStatus
from storefront.orders.sales import forget_sales
from storefront.seeding.baskets import SeedProduct, SeedVariant
from storefront.seeding.history import Checkout, HistoryRequest, make_history
from storefront.seeding.rows import HistoryRows, Row, history_rows
from storefront.tenants.settings import TenantSettings
from storefront.upsell.experiment.models import UpsellExposure
from storefront.upsell.models import UpsellImpression
from storefront.upsell.recommender.candidates import find_candidates_by_id
from storefront.upsell.recommender.models import Complement
from storefront.upsell.recommender.training import retrain
from storefront.upsell.selection import select_top
from storefront.upsell.types import SuggestionDraft

SEED_LOCK_ID = 7_206_340_003
"""The PostgreSQL advisory lock under which one machine at a time fills a shop."""
BATCH_ROWS = 1000
RESTOCKED_DAYS = 7
"""Days after which sold stock counts as replenished."""
MIN_STOCK_SHARE = 0.4
"""The share of a product's stock that is left at least. It also stays above `LOW_STOCK_THRESHOLD`."""
ANY_ORDER = tenant_scoped(select(table_of(Order).c.id).limit(1))


class AlreadyHasOrders(Exception):
    """The shop has orders. Demo orders must not be mixed with real ones."""


@dataclass(frozen=True)
class SeedResult:
    checkouts: int
    orders: int
    cancelled: int


def seed_shop(tenant: TenantSettings, days: int, seed: int) -> SeedResult:
    """Give the current tenant a history of `days`, completely or not at all, and train the recommender with it.

    Raises `AlreadyHasOrders`; then nothing was changed.
    """
    check_no_orders()
    products = read_products()
    if not products:
        return SeedResult(0, 0, 0)
    request = HistoryRequest(tenant, products, shop_languages(tenant, products), days, now(), seed)
    checkouts = list(make_history(request, CachedSuggestions(tenant).suggest))
    rows = history_rows(tenant, {product.id: product for product in products}, checkouts)
    with write(durable=True):
        engines().dialect.lock_among_machines(write_connection(), SEED_LOCK_ID)
        check_no_orders()
        write_history(rows)
        record_events(stock_events(take_sold(products, checkouts, request.now)))
        forget_sales([row["created_at"] for row in rows.orders])
    retrain()
    cancelled = sum(checkout.status == OrderStatus.CANCELLED for checkout in checkouts)
    return SeedResult(len(checkouts), len(rows.orders), cancelled)


def check_no_orders() -> None:
    if execute(ANY_ORDER).first():
        raise AlreadyHasOrders


def read_products() -> list[SeedProduct]:
    """The current tenant's products with a price, with their complements."""
    complements: dict[str, list[str]] = {}
    for row in db.session.scalars(select(Complement).order_by(Complement.position)):
        complements.setdefault(row.product_id, []).append(row.complement_product_id)
    found = db.session.scalars(select(Product).where(Product.price > 0).order_by(Product.position))
    variants = read_variants()
    return [
        SeedProduct(
            row.id,
            row.price,
            row.stock,
            row.name,
            row.name_translations or {},
            row.image,
            tuple(complements.get(row.id, ())),
            row.options,
            row.options_translations,
            row.tax_class,
            tuple(
                SeedVariant(variant.id, variant.price, variant.stock, variant.image or row.image, variant.options)
                for variant in variants[row.id]
            ),
        )
        for row in found
    ]


def read_variants() -> dict[str, list[Variant]]:
    """The active variants of each product."""
    found: dict[str, list[Variant]] = {}
    active = select(Variant).where(Variant.status == VariantStatus.ACTIVE)
    for variant in db.session.scalars(active.order_by(Variant.product_id, Variant.position)):
        found.setdefault(variant.product_id, []).append(variant)
    return found


def shop_languages(tenant: TenantSettings, products: Sequence[SeedProduct]) -> list[str]:
    """The languages of the shop's product names, its default language first."""
    named = {language for product in products for language in product.names if language in LANGUAGES}
    return list(dict.fromkeys([tenant.default_language, *sorted(named)]))


class CachedSuggestions:
    """The rules' suggestions without orders, computed once per cart and language."""

    def __init__(self, tenant: TenantSettings) -> None:
        self.tenant = tenant
        self.known: dict[tuple[tuple[str, ...], str], list[SuggestionDraft]] = {}

    def suggest(self, product_ids: Sequence[str], language: str) -> list[SuggestionDraft]:
        key = tuple(product_ids), language
        if key not in self.known:
            with override_locale(language, fallback_languages(language, (), self.tenant.locale)):
                candidates = find_candidates_by_id(self.tenant, product_ids).candidates
                self.known[key] = select_top(candidates, self.tenant.upsell)
        return self.known[key]


def write_history(rows: HistoryRows) -> None:
    """Write all rows, inside `write()`. Events come last, because they lock the tenant's event sequence."""
    tables: list[tuple[type[OwnedByTenant], list[Row]]] = [
        (Cart, rows.carts),
        (CartLine, rows.cart_lines),
        (UpsellExposure, rows.exposures),
        (UpsellImpression, rows.impressions),
        (Order, rows.orders),
        (OrderLine, rows.order_lines),
        (OrderSearchKey, rows.order_search_keys),
    ]
    for model, batch in tables:
        insert_in_batches(model, batch)
    events = sorted(rows.events, key=lambda event: event["created_at"])
    if events:
        first = next_ids(write_connection(), current_tenant_id(), len(events))
        insert_in_batches(Event, [{"id": first + i, **event} for i, event in enumerate(events)])


def insert_in_batches(model: type[OwnedByTenant], rows: Sequence[Row]) -> None:
    for start in range(0, len(rows), BATCH_ROWS):
        insert_rows(model, rows[start : start + BATCH_ROWS])


def take_sold(
    products: Sequence[SeedProduct], checkouts: Iterable[Checkout], moment: datetime
) -> list[tuple[StockChange, int]]:
    """Take the quantities sold since the last replenishment from the stock, down to `min_stock`.

    Returns each change and the stock that is left. In the order of the ids, as orders do."""
    sold = sold_since(products, checkouts, moment - timedelta(days=RESTOCKED_DAYS))
    changes = []
    for product in products:
        for variant in product.sold_variants:
            taken = min(sold[variant.id], max(0, variant.stock - min_stock(variant.stock)))
            if taken:
                changes.append(StockChange(product.id, variant.id, taken))
    changes.sort()
    rows = take_stock(changes, moment)
    return [(change, row.stock) for change, row in zip(changes, rows, strict=True)]


def sold_since(products: Iterable[SeedProduct], checkouts: Iterable[Checkout], moment: datetime) -> Counter[str]:
    """The sold quantities by variant id."""
    by_id = {product.id: product for product in products}
    sold: Counter[str] = Counter()
    for checkout in checkouts:
        if checkout.ordered_at and checkout.ordered_at >= moment and not checkout.cancelled_at:
            for line in checkout.lines:
                sold[by_id[line.product_id].variant_for(checkout.customer.email).id] += line.quantity
    return sold


def min_stock(stock: int) -> int:
    return max(LOW_STOCK_THRESHOLD + 1, ceil(stock * MIN_STOCK_SHARE))


def stock_events(left: Iterable[tuple[StockChange, int]]) -> list[tuple[str, str, dict[str, Any]]]:
    return [stock_event(change.product_id, change.variant_id, stock) for change, stock in left]
