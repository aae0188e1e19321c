"""What the engine would have known of a shop after some of its orders, for whoever replays them."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from storefront.clock import now
from storefront.db.tenancy import execute, insert_if_absent
from storefront.db.transactions import write
from storefront.upsell.recommender.complements import NO_COMPLEMENTS, ProductComplements, read_complements
from storefront.upsell.recommender.cooccurrence import category_names, unpack_similar_items
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
    """The numbers that sell best of some, kept up as they sell; `top` stays the same list."""

    def __init__(self, sold: Sequence[int], numbers: Iterable[int], most: int) -> None:
        self.sold, self.most = sold, most
        self.top = list(numbers)[:most]

    def rise(self, number: int) -> None:
        if number not in self.top:
            self.top.append(number)
        self.top.sort(key=lambda one: (-self.sold[one], one))
        del self.top[self.most :]


class ReplayState:
    """What the engine would have known of the current tenant after some of its orders: all in memory, packed but for
    the lot at hand."""

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
        names = [category_names(self.categories.get(number, "")) for number in range(many)]
        self.groups_of = [[known[name] for name in own if name in known] for own in names]
        self.n = array("I", bytes(4 * many))
        self.orders = self.lines = 0
        self.group_lines: Counter[int] = Counter()
        self.group_sizes = Counter(group for groups in self.groups_of for group in groups)
        self.best = Best(self.n, sorted(self.ids), MAX_BESTSELLERS)
        members: dict[int, list[int]] = {group: [] for group in self.group_sizes}
        for number in sorted(self.ids):
            for group in self.groups_of[number]:
                members[group].append(number)
        self.best_of = {
            group: Best(self.n, numbers, MAX_BESTSELLERS_PER_CATEGORY) for group, numbers in members.items()
        }
        self._rows: defaultdict[int, PackedRow] = defaultdict(lambda: (0, b""))
        self._groups: defaultdict[int, bytes] = defaultdict(bytes)
        self.ledger = CooccurrenceUpdate(reader_of(self._rows), reader_of(self._groups))
        self.alike: dict[int, dict[int, float]] = {}
        self.prepared: dict[str, ProductComplements] = {}

    def take(self, baskets: Iterable[Sequence[BasketItem]]) -> None:
        """Put the last lot away, and have at hand what is known of this one's products."""
        baskets = list(baskets)
        self._rows |= self.ledger.packed()
        self._groups |= self.ledger.packed_groups()
        self.ledger = CooccurrenceUpdate(reader_of(self._rows), reader_of(self._groups))
        self.ledger.fetch(baskets)
        texts = execute(
            SELECT_TEXT_FEATURES, {"indexes": list({one.number for bought in baskets for one in bought})}
        ).all()
        self.alike = {row.item_index: unpack_similar_items(bytes(row.similar_items)) for row in texts}
        prepared = [row.product_id for row in texts if row.has_complements]
        self.prepared = read_complements(prepared) if prepared else {}

    def learn(self, bought: Sequence[BasketItem]) -> None:
        self.ledger.learn(bought, 1)
        self.orders += 1
        for one in bought:
            self.n[one.number] += 1
            self.lines += 1
            self.group_lines.update(one.groups)
            self.best.rise(one.number)
            for group in one.groups:
                self.best_of[group].rise(one.number)

    def shelf(self) -> RecommenderStats:
        totals = CatalogStats(self.n, self.orders, self.lines, self.group_lines, self.group_sizes, self.groups_of)
        return RecommenderStats(
            (0, ""), 0.0, totals, self.best.top, {group: best.top for group, best in self.best_of.items()}
        )

    def of(self, number: int) -> ProductComplements:
        return self.prepared.get(self.ids[number], NO_COMPLEMENTS)

    def in_cart(self, number: int) -> CartItemFeatures:
        row, prepared = self.ledger.rows[number], self.of(number)
        weights = list(row.weights.values())
        times = [row.counts[other] for other in row.weights]
        return CartItemFeatures(
            number, list(row.weights), weights, times, self.alike[number], prepared.products, prepared.groups
        )

    def pairs(self, cart: Sequence[int]) -> dict[int, dict[int, int]]:
        return {group: self.ledger.groups[group] for number in cart for group in self.groups_of[number]}

    def ties(self, number: int, cart: Sequence[int]) -> list[Evidence]:
        return [
            self.of(one).evidence(
                self.ids[one],
                self.ledger.rows[one].counts.get(number, 0),
                number,
                self.ids[number],
                self.categories[number],
            )
            for one in cart
        ]


def count_orders() -> int:
    return int(execute(COUNT_VALID_ORDERS, {"until": now()}).scalar_one())


def order_batches(until: datetime) -> Iterator[list[str]]:
    """The ids of the current tenant's orders that stand, up to this moment, in the order of time."""
    moment, last = datetime(1970, 1, 1, tzinfo=UTC), ""
    limits = {"until": until, "limit": RETRAIN_BATCH_SIZE}
    while rows := execute(VALID_ORDERS_AFTER, {"moment": moment, "id": last, **limits}).all():
        moment, last = rows[-1].created_at, rows[-1].id
        yield [row.id for row in rows]
