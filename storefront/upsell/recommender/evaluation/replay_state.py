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


class Best:
    """The best-selling numbers of a group of products, updated with each sale. `top` stays the same list."""

    def __init__(self, sold: Sequence[int], numbers: Iterable[int], most: int) -> None:
        self.sold, self.most = sold, most
        self.top = list(numbers)[:most]

    def rise(self, number: int) -> None:
        if number not in self.top:
            self.top.append(number)
        self.top.sort(key=lambda one: (-self.sold[one], one))
        del self.top[self.most :]


class ReplayState:
    """The recommender's state of the current tenant after a part of its orders. In memory, and packed except for the
    current batch."""

    def __init__(self) -> None:
        with write():
            insert_if_absent(TrainingState, [{}])
            assign_item_indexes()
        self.began, known = now(), dict(execute(SELECT_CATEGORY_INDEXES).all())
        self.ids: dict[int, str] = {}
        self.categories: dict[int, str] = {}
        for number, product_id, category in execute(SELECT_CATALOG):
            self.ids[number], self.categories[number] = product_id, category
        many = max(self.ids, default=-1) + 1
        self.category_of = [known.get(top_category(self.categories.get(number, ""))) for number in range(many)]
        self.n = array("I", bytes(4 * many))
        self.orders = self.lines = 0
        self.category_lines: Counter[int] = Counter()
        members: defaultdict[int, list[int]] = defaultdict(list)
        for number, category in enumerate(self.category_of):
            if category is not None:
                members[category].append(number)
        self.category_sizes = {category: len(numbers) for category, numbers in members.items()}
        self.best = Best(self.n, sorted(self.ids), MAX_BESTSELLERS)
        self.best_of = {
            category: Best(self.n, numbers, MAX_BESTSELLERS_PER_CATEGORY) for category, numbers in members.items()
        }
        self._rows: defaultdict[int, PackedRow] = defaultdict(lambda: (0, b""))
        self._groups: defaultdict[int, bytes] = defaultdict(bytes)
        self.cooccurrences = CooccurrenceUpdate(reader_of(self._rows), reader_of(self._groups))
        self.alike: dict[int, dict[int, float]] = {}
        self.prepared: dict[str, ProductComplements] = {}

    def take(self, baskets: Iterable[Sequence[BasketItem]]) -> None:
        """Pack the last batch, and read what is known about the products of this one."""
        baskets = list(baskets)
        self._rows |= self.cooccurrences.packed()
        self._groups |= self.cooccurrences.packed_categories()
        self.cooccurrences = CooccurrenceUpdate(reader_of(self._rows), reader_of(self._groups))
        self.cooccurrences.fetch(baskets)
        texts = execute(
            SELECT_TEXT_FEATURES, {"indexes": list({one.number for bought in baskets for one in bought})}
        ).all()
        self.alike = {row.item_index: unpack_similar_items(bytes(row.similar_items)) for row in texts}
        prepared = [row.product_id for row in texts if row.has_complements]
        self.prepared = read_complements(prepared) if prepared else {}

    def learn(self, bought: Sequence[BasketItem]) -> None:
        self.cooccurrences.learn(bought, 1)
        self.orders += 1
        for one in bought:
            self.n[one.number] += 1
            self.lines += 1
            self.best.rise(one.number)
            if one.category is not None:
                self.category_lines[one.category] += 1
                self.best_of[one.category].rise(one.number)

    def shelf(self) -> RecommenderStats:
        sizes, best_of = self.category_sizes, {category: best.top for category, best in self.best_of.items()}
        totals = CatalogStats(self.n, self.orders, self.lines, self.category_lines, sizes, self.category_of)
        return RecommenderStats((0, ""), 0.0, totals, self.best.top, best_of)

    def of(self, number: int) -> ProductComplements:
        return self.prepared.get(self.ids[number], NO_COMPLEMENTS)

    def in_cart(self, number: int) -> CartItemFeatures:
        row, prepared = self.cooccurrences.rows[number], self.of(number)
        weights = list(row.weights.values())
        times = [row.counts[other] for other in row.weights]
        return CartItemFeatures(
            number, list(row.weights), weights, times, self.alike[number], prepared.products, prepared.groups
        )

    def pairs(self, cart: Sequence[int]) -> dict[int, dict[int, int]]:
        categories = {self.category_of[number] for number in cart}
        return {category: self.cooccurrences.categories[category] for category in categories if category is not None}

    def ties(self, number: int, cart: Sequence[int]) -> list[Evidence]:
        return [
            self.of(one).evidence(
                self.ids[one],
                self.cooccurrences.rows[one].counts.get(number, 0),
                number,
                self.ids[number],
                self.categories[number],
            )
            for one in cart
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
