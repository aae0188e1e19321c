"""A process's cache of the statistics by which candidates are scored, read again as they change."""

import time
from array import array
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock

from cachetools import LRUCache

from storefront.db.tenancy import execute
from storefront.db.tenant_context import current_tenant_id
from storefront.state import current_state
from storefront.upsell.recommender.cooccurrence import top_category, unpack_weights
from storefront.upsell.recommender.queries import (
    SELECT_CATALOG_STATS,
    SELECT_CATEGORY_INDEXES,
    SELECT_CATEGORY_ROWS,
    SELECT_TRAINING_STATE,
)
from storefront.upsell.recommender.scoring import CatalogStats

TENANTS_KEPT = 64
MAX_BESTSELLERS = 30
MAX_BESTSELLERS_PER_CATEGORY = 8
PRODUCTS_PER_SECOND = 100
"""Statistics serve for a second per this number of products, although orders have been learned since: the counts of a
large shop change little meanwhile, and reading them takes about 6 microseconds a product, during which no other thread
runs."""
MAX_CACHED_PAIRS = 10_000
"""Pairs of categories that are cached for a shop, at about 100 bytes each; others are read each time."""


@dataclass(frozen=True)
class RecommenderStats:
    """The statistics of one shop. `ids` go by product number; `best` are the bestsellers, `best_of` those of each
    category, and `pairs` caches the categories' rows, by category number."""

    version: tuple[int, str]
    read_at: float
    catalog_stats: CatalogStats
    best: Sequence[int]
    best_of: dict[int, list[int]]
    ids: Sequence[str] = ()
    pairs: dict[int, Mapping[int, int]] = field(default_factory=dict)

    def serves(self, version: tuple[int, str]) -> bool:
        if self.version == version:
            return True
        same_texts = self.version[1] == version[1]
        return same_texts and time.monotonic() - self.read_at < (len(self.catalog_stats.n) // PRODUCTS_PER_SECOND)


@dataclass
class StatsCache:
    """The statistics of the tenants that were used last. One instance an app."""

    kept: LRUCache[str, RecommenderStats] = field(default_factory=lambda: LRUCache(TENANTS_KEPT))
    lock: Lock = field(default_factory=Lock)


def current_stats() -> RecommenderStats:
    """The statistics of the current tenant."""
    state = execute(SELECT_TRAINING_STATE).one_or_none()
    return stats_at(state.last_event_id, state.text_digest, state.order_count) if state else stats_at(0, "", 0)


def stats_at(event: int, texts: str, orders: int) -> RecommenderStats:
    """The statistics of the current tenant, whose training state is (`event`, `texts`, `orders`)."""
    cache = current_state().recommender_stats
    version, tenant_id = (event, texts), current_tenant_id()
    with cache.lock:
        stats = cache.kept.get(tenant_id)
    if stats is None or not stats.serves(version):
        stats = read_stats(version, orders)
        with cache.lock:
            cache.kept[tenant_id] = stats
    return stats


def read_stats(version: tuple[int, str], orders: int) -> RecommenderStats:
    numbers: dict[str, int] = dict(execute(SELECT_CATEGORY_INDEXES).all())
    n: array[int] = array("I")
    category_of: list[int | None] = []
    ids: list[str] = []
    for number, sold, product_id, category in execute(SELECT_CATALOG_STATS):
        while len(n) <= number:  # a number without a product sells nothing
            n.append(0)
            category_of.append(None)
            ids.append("")
        n[number], category_of[number], ids[number] = sold, numbers.get(top_category(category)), product_id
    return build_stats(version, orders, n, category_of, ids)


def build_stats(
    version: tuple[int, str], orders: int, n: "array[int]", category_of: Sequence[int | None], ids: Sequence[str]
) -> RecommenderStats:
    lines: dict[int, int] = {}
    sizes: dict[int, int] = {}
    best: dict[int, list[int]] = {}
    order = sorted(range(len(n)), key=n.__getitem__, reverse=True)
    for number in order:
        category = category_of[number]
        if category is not None:
            lines[category] = lines.get(category, 0) + n[number]
            sizes[category] = sizes.get(category, 0) + 1
            if sizes[category] <= MAX_BESTSELLERS_PER_CATEGORY:
                best.setdefault(category, []).append(number)
    totals = CatalogStats(n, orders, sum(n), lines, sizes, category_of)
    return RecommenderStats(version, time.monotonic(), totals, order[:MAX_BESTSELLERS], best, ids)


def category_pairs(stats: RecommenderStats, categories: Collection[int]) -> dict[int, Mapping[int, int]]:
    """The weights (thousandths) of the pairs of each of the categories, by the other category's number."""
    known = {category: stats.pairs[category] for category in categories if category in stats.pairs}
    missing = [category for category in categories if category not in known]
    if missing:
        read: dict[int, Mapping[int, int]] = {category: {} for category in missing}
        read.update(
            (number, unpack_weights(bytes(row))) for number, row in execute(SELECT_CATEGORY_ROWS, {"indexes": missing})
        )
        known |= read
        if sum(map(len, [*stats.pairs.values()])) < MAX_CACHED_PAIRS:
            stats.pairs.update(read)
    return known
