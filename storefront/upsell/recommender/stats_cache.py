"""What a process remembers of a shop to score candidates: small numbers for each product, read again as they change."""

import time
from array import array
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock

from cachetools import LRUCache

from storefront.db.tenancy import execute
from storefront.db.tenant_context import current_tenant_id
from storefront.state import current_state
from storefront.upsell.recommender.cooccurrence import category_names, unpack_weights
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
PRODUCTS_A_SECOND = 100
"""Products that may be read again for each second that a shelf has served: a large one serves longer as it is, whose
counts change little meanwhile. Reading takes some 6 microseconds a product, in which nobody else gets on."""
PAIRS_KEPT = 10_000
"""Pairs of groups that a shelf remembers, at some 100 bytes each; what is beyond is read each time."""


@dataclass(frozen=True)
class RecommenderStats:
    """One shop. `totals` and `ids` go by number; `best` are the bestsellers, `best_of` those of a group. `pairs` are
    the groups' rows that were asked for since it was read."""

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
        return same_texts and time.monotonic() - self.read_at < (len(self.catalog_stats.n) // PRODUCTS_A_SECOND)


@dataclass
class StatsCache:
    """Those of the tenants that were asked for lately. One instance an app."""

    kept: LRUCache[str, RecommenderStats] = field(default_factory=lambda: LRUCache(TENANTS_KEPT))
    lock: Lock = field(default_factory=Lock)


def current_stats() -> RecommenderStats:
    """The current tenant's."""
    state = execute(SELECT_TRAINING_STATE).one_or_none()
    return stats_at(state.last_event_id, state.text_digest, state.order_count) if state else stats_at(0, "", 0)


def stats_at(event: int, texts: str, orders: int) -> RecommenderStats:
    """The current tenant's, whose orders have been learned up to this event, and whose texts are in this state."""
    shelves = current_state().recommender_stats
    version, tenant_id = (event, texts), current_tenant_id()
    with shelves.lock:
        shelf = shelves.kept.get(tenant_id)
    if shelf is None or not shelf.serves(version):
        shelf = read_stats(version, orders)
        with shelves.lock:
            shelves.kept[tenant_id] = shelf
    return shelf


def read_stats(version: tuple[int, str], orders: int) -> RecommenderStats:
    numbers: dict[str, int] = dict(execute(SELECT_CATEGORY_INDEXES).all())
    groups_of_category: dict[str, tuple[int, ...]] = {}
    n: array[int] = array("I")
    groups_of: list[tuple[int, ...]] = []
    ids: list[str] = []
    for number, sold, product_id, category in execute(SELECT_CATALOG_STATS):
        if category not in groups_of_category:
            names = category_names(category)
            groups_of_category[category] = tuple(numbers[name] for name in names if name in numbers)
        while len(n) <= number:  # a number that no product has any more sells nothing
            n.append(0)
            groups_of.append(())
            ids.append("")
        n[number], groups_of[number], ids[number] = sold, groups_of_category[category], product_id
    return build_stats(version, orders, n, groups_of, ids)


def build_stats(
    version: tuple[int, str], orders: int, n: "array[int]", groups_of: Sequence[Sequence[int]], ids: Sequence[str]
) -> RecommenderStats:
    lines: dict[int, int] = {}
    sizes: dict[int, int] = {}
    for sold, groups in zip(n, groups_of, strict=True):
        for group in groups:
            lines[group] = lines.get(group, 0) + sold
            sizes[group] = sizes.get(group, 0) + 1
    order = sorted(range(len(n)), key=n.__getitem__, reverse=True)
    totals = CatalogStats(n, orders, sum(n), lines, sizes, groups_of)
    return RecommenderStats(
        version, time.monotonic(), totals, order[:MAX_BESTSELLERS], bestsellers_by_category(order, groups_of), ids
    )


def bestsellers_by_category(order: Iterable[int], groups_of: Sequence[Sequence[int]]) -> dict[int, list[int]]:
    best: dict[int, list[int]] = {}
    for number in order:
        for group in groups_of[number]:
            found = best.setdefault(group, [])
            if len(found) < MAX_BESTSELLERS_PER_CATEGORY:
                found.append(number)
    return best


def category_pairs(shelf: RecommenderStats, groups: Collection[int]) -> dict[int, Mapping[int, int]]:
    """For each of the groups the weights (thousandths) of its pairs, by the other group's number."""
    known = {group: shelf.pairs[group] for group in groups if group in shelf.pairs}
    asked = [group for group in groups if group not in known]
    if asked:
        read: dict[int, Mapping[int, int]] = {group: {} for group in asked}
        read.update(
            (number, unpack_weights(bytes(row))) for number, row in execute(SELECT_CATEGORY_ROWS, {"indexes": asked})
        )
        known |= read
        if sum(map(len, [*shelf.pairs.values()])) < PAIRS_KEPT:
            shelf.pairs.update(read)
    return known
