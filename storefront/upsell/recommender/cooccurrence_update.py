"""The rows that a batch of orders changes: taken from a store when they are needed, and given back changed."""

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
"""How many orders a product was in, and its packed row."""


@dataclass(frozen=True)
class BasketItem:
    """A product of an order: its number, and those of its groups, the narrowest first."""

    number: int
    groups: Sequence[int]


OrderBatch = Sequence[tuple[int, Sequence[BasketItem]]]
"""Orders to add (1) or to take away (-1), in the order in which they happened."""


@dataclass
class CooccurrenceUpdate:
    """Reads rows by their numbers from where they are kept, in memory or in the database."""

    read: Callable[[Collection[int]], Mapping[int, PackedRow]]
    read_groups: Callable[[Collection[int]], Mapping[int, bytes]]
    rows: dict[int, CooccurrenceRow] = field(default_factory=dict)
    groups: dict[int, Counter[int]] = field(default_factory=dict)

    def learn_all(self, lot: OrderBatch) -> None:
        self.fetch(bought for _, bought in lot)
        for sign, bought in lot:
            self.learn(bought, sign)

    def fetch(self, orders: Iterable[Sequence[BasketItem]]) -> None:
        """Have the rows at hand that these orders change."""
        numbers: set[int] = set()
        groups: set[int] = set()
        for bought in orders:
            for one in bought:
                numbers.add(one.number)
                groups.update(one.groups)
        for number, (times, content) in self.read(numbers - self.rows.keys()).items():
            self.rows[number] = CooccurrenceRow.unpack(times, content)
        for number, content in self.read_groups(groups - self.groups.keys()).items():
            self.groups[number] = Counter(unpack_weights(content))

    def learn(self, bought: Sequence[BasketItem], sign: int) -> None:
        """Add an order whose rows were fetched, or take it away."""
        apply_order(self.rows, (one.number for one in bought), sign)
        if len(bought) < 2:
            return
        weight = sign * category_pair_weight(len(bought))
        for level in range(max(len(one.groups) for one in bought)):
            self._learn_groups(Counter(one.groups[level] for one in bought if len(one.groups) > level), weight)

    def _learn_groups(self, many: Counter[int], weight: int) -> None:
        for group, products in many.items():
            row = self.groups[group]
            for other, others in many.items():
                row[other] = max(0, row[other] + weight * products * (others - (group == other)))

    def packed(self) -> dict[int, PackedRow]:
        return {number: (row.orders, row.pack()) for number, row in self.rows.items()}

    def packed_groups(self) -> dict[int, bytes]:
        return {number: pack_weights(row) for number, row in self.groups.items()}
