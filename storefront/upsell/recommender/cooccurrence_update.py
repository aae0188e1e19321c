"""The co-occurrence rows that a batch of orders changes: read when they are needed, and returned packed."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from storefront.upsell.recommender.cooccurrence import (
    CooccurrenceRow,
    apply_order,
    category_pair_weight,
    pack_weights,
    unpack_weights,
)

PackedRow = tuple[int, bytes]
"""(number of orders with the product, its packed `CooccurrenceRow`)."""


@dataclass(frozen=True)
class BasketItem:
    """A product of an order: its number, and that of its top-level category if it has one."""

    number: int
    category: int | None


OrderBatch = Sequence[tuple[int, Sequence[BasketItem]]]
"""(1 to add the order or -1 to subtract it, its products), in the order in which it happened."""


@dataclass
class CooccurrenceUpdate:
    """Changes rows. `read` and `read_categories` return the packed rows of products and of categories by their numbers,
    from memory or from the database."""

    read: Callable[[Collection[int]], Mapping[int, PackedRow]]
    read_categories: Callable[[Collection[int]], Mapping[int, bytes]]
    rows: dict[int, CooccurrenceRow] = field(default_factory=dict)
    categories: dict[int, Counter[int]] = field(default_factory=dict)

    def learn_all(self, batch: OrderBatch) -> None:
        self.fetch(bought for _, bought in batch)
        for sign, bought in batch:
            self.learn(bought, sign)

    def fetch(self, orders: Iterable[Sequence[BasketItem]]) -> None:
        """Read the rows that these orders change."""
        items = {item for bought in orders for item in bought}
        numbers = {item.number for item in items}
        categories = {item.category for item in items if item.category is not None}
        for number, (times, content) in self.read(numbers - self.rows.keys()).items():
            self.rows[number] = CooccurrenceRow.unpack(times, content)
        for number, content in self.read_categories(categories - self.categories.keys()).items():
            self.categories[number] = Counter(unpack_weights(content))

    def learn(self, bought: Sequence[BasketItem], sign: int) -> None:
        """Add an order whose rows were fetched (`sign` 1), or subtract it (-1)."""
        apply_order(self.rows, (one.number for one in bought), sign)
        if len(bought) < 2:
            return
        weight = sign * category_pair_weight(len(bought))
        counts = Counter(item.category for item in bought if item.category is not None)
        for category, products in counts.items():
            row = self.categories[category]
            for other, others in counts.items():
                row[other] = max(0, row[other] + weight * products * (others - (category == other)))

    def packed(self) -> dict[int, PackedRow]:
        return {number: (row.orders, row.pack()) for number, row in self.rows.items()}

    def packed_categories(self) -> dict[int, bytes]:
        return {number: pack_weights(row) for number, row in self.categories.items()}
