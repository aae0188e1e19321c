"""The recommender's state after a part of a shop's orders, for the backtest."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from storefront.clock import now
from storefront.db.tenancy import execute, insert_if_absent
from storefront.db.transactions import write
from storefront.upsell.recommender.complements import NO_COMPLEMENTS, ProductComplements, read_complements
from storefront.upsell.recommender.cooccurrence import top_category, unpack_similar_items
from storefront.upsell.recommender.cooccurrence_update import BasketItem, CooccurrenceUpdate, PackedRow
from storefront.upsell.recommender.models import TrainingState
from storefront.upsell.recommender.queries import (
    COUNT_VALID_ORDERS,
    SELECT_CATALOG,
    SELECT_CATEGORY_INDEXES,
    SELECT_TEXT_FEATURES,
    VALID_ORDERS_AFTER,
)
from storefront.upsell.recommender.scoring import CartItemFeatures, CatalogStats
from storefront.upsell.recommender.stats_cache import MAX_BESTSELLERS, MAX_BESTSELLERS_PER_CATEGORY, RecommenderStats
from storefront.upsell.recommender.training import RETRAIN_BATCH_SIZE, assign_item_indexes, reader_of
from storefront.upsell.types import Evidence


class Bestsellers:
    """The best-selling numbers of a group of products, updated with each sale. `top` stays the same list."""

    def __init__(self, sold: Sequence[int], numbers: Iterable[int], max_length: int) -> None:
        self.sold, self.max_length = sold, max_length
        self.top = list(numbers)[:max_length]

    def update(self, number: int) -> None:
        if number not in self.top:
            self.top.append(number)
        self.top.sort(key=lambda number: (-self.sold[number], number))
        del self.top[self.max_length :]


class ReplayState:
    """The recommender's state of the current tenant after a part of its orders. In memory, and packed except for the
    current batch."""

    def __init__(self) -> None:
        with write():
            insert_if_absent(TrainingState, [{}])
            assign_item_indexes()
        self.started_at, known = now(), dict(execute(SELECT_CATEGORY_INDEXES).all())
        self.ids: dict[int, str] = {}
        self.categories: dict[int, str] = {}
        for number, product_id, category in execute(SELECT_CATALOG):
            self.ids[number], self.categories[number] = product_id, category
        size = max(self.ids, default=-1) + 1
        self.category_of = [known.get(top_category(self.categories.get(number, ""))) for number in range(size)]
        self.n = array("I", bytes(4 * size))
        self.orders = self.lines = 0
        self.category_lines: Counter[int] = Counter()
        members: defaultdict[int, list[int]] = defaultdict(list)
        for number, category in enumerate(self.category_of):
            if category is not None:
                members[category].append(number)
        self.category_sizes = {category: len(numbers) for category, numbers in members.items()}
        self.best = Bestsellers(self.n, sorted(self.ids), MAX_BESTSELLERS)
        self.best_of = {
            category: Bestsellers(self.n, numbers, MAX_BESTSELLERS_PER_CATEGORY)
            for category, numbers in members.items()
        }
        self._rows: defaultdict[int, PackedRow] = defaultdict(lambda: (0, b""))
        self._category_rows: defaultdict[int, bytes] = defaultdict(bytes)
        self.cooccurrences = CooccurrenceUpdate(reader_of(self._rows), reader_of(self._category_rows))
        self.similar_items: dict[int, dict[int, float]] = {}
        self.prepared: dict[str, ProductComplements] = {}

    def load_batch(self, baskets: Iterable[Sequence[BasketItem]]) -> None:
        """Pack the last batch, and read what is known about the products of this one."""
        baskets = list(baskets)
        self._rows |= self.cooccurrences.packed()
        self._category_rows |= self.cooccurrences.packed_categories()
        self.cooccurrences = CooccurrenceUpdate(reader_of(self._rows), reader_of(self._category_rows))
        self.cooccurrences.fetch(baskets)
        texts = execute(
            SELECT_TEXT_FEATURES, {"indexes": list({item.number for basket in baskets for item in basket})}
        ).all()
        self.similar_items = {row.item_index: unpack_similar_items(bytes(row.similar_items)) for row in texts}
        prepared = [row.product_id for row in texts if row.has_complements]
        self.prepared = read_complements(prepared) if prepared else {}

    def learn(self, basket: Sequence[BasketItem]) -> None:
        self.cooccurrences.apply(basket, 1)
        self.orders += 1
        for item in basket:
            self.n[item.number] += 1
            self.lines += 1
            self.best.update(item.number)
            if item.category is not None:
                self.category_lines[item.category] += 1
                self.best_of[item.category].update(item.number)

    def stats(self) -> RecommenderStats:
        sizes, best_of = self.category_sizes, {category: best.top for category, best in self.best_of.items()}
        totals = CatalogStats(self.n, self.orders, self.lines, self.category_lines, sizes, self.category_of)
        return RecommenderStats((0, ""), 0.0, totals, self.best.top, best_of)

    def complements_of(self, number: int) -> ProductComplements:
        return self.prepared.get(self.ids[number], NO_COMPLEMENTS)

    def cart_item_features(self, number: int) -> CartItemFeatures:
        row, prepared = self.cooccurrences.rows[number], self.complements_of(number)
        weights = list(row.weights.values())
        counts = [row.counts[other] for other in row.weights]
        return CartItemFeatures(
            number, list(row.weights), weights, counts, self.similar_items[number], prepared.products, prepared.groups
        )

    def pairs(self, cart: Sequence[int]) -> dict[int, dict[int, int]]:
        categories = {self.category_of[number] for number in cart}
        return {category: self.cooccurrences.categories[category] for category in categories if category is not None}

    def evidence(self, number: int, cart: Sequence[int]) -> list[Evidence]:
        return [
            self.complements_of(number_in_cart).evidence(
                self.ids[number_in_cart],
                self.cooccurrences.rows[number_in_cart].counts.get(number, 0),
                number,
                self.ids[number],
                self.categories[number],
            )
            for number_in_cart in cart
        ]


def count_orders() -> int:
    return int(execute(COUNT_VALID_ORDERS, {"until": now()}).scalar_one())


def order_batches(until: datetime) -> Iterator[list[str]]:
    """The ids of the current tenant's valid orders up to this moment, oldest first."""
    moment, last = datetime(1970, 1, 1, tzinfo=UTC), ""
    limits = {"until": until, "limit": RETRAIN_BATCH_SIZE}
    while rows := execute(VALID_ORDERS_AFTER, {"moment": moment, "id": last, **limits}).all():
        moment, last = rows[-1].created_at, rows[-1].id
        yield [row.id for row in rows]
