"""The co-occurrence row of a product: with which products it was bought, as numbers in memory, and bytes in the
database."""

import sys
import zlib
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from heapq import nlargest
from math import isqrt

WEIGHT_SCALE = 1000
"""Weights are integers in thousandths, so that adding and subtracting in any order has the same result."""
MAX_COUNT = 65_535
PRUNE_TO, PRUNE_ABOVE = 200, 280
"""Neighbours of a product that remain after a pruning, and above which one takes place."""


@dataclass
class CooccurrenceRow:
    """The number of a product's orders, and the weight and count of those shared with other products, by their numbers.

    An order of m distinct products gives each pair the weight 1/(m - 1): a small basket says more about its pairs.
    """

    orders: int = 0
    weights: dict[int, int] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)

    def pack(self) -> bytes:
        """All numbers, all weights, all counts, each in the order of the numbers; little-endian, compressed."""
        numbers = sorted(self.weights)
        weights, times = map(self.weights.__getitem__, numbers), map(self.counts.__getitem__, numbers)
        return (
            zlib.compress(pack_array("I", numbers) + pack_array("I", weights) + pack_array("H", times), 1)
            if numbers
            else b""
        )

    @classmethod
    def unpack(cls, orders: int, content: bytes) -> "CooccurrenceRow":
        numbers, weights, times = unpack_row(content)
        return cls(orders, dict(zip(numbers, weights, strict=True)), dict(zip(numbers, times, strict=True)))


@lru_cache(64)
def unpack_row(content: bytes) -> tuple["array[int]", "array[int]", "array[int]"]:
    """The numbers, weights (thousandths) and counts in a packed row."""
    content = zlib.decompress(content) if content else b""
    many = len(content) // 10
    return (
        unpack_array("I", content[: 4 * many]),
        unpack_array("I", content[4 * many : 8 * many]),
        unpack_array("H", content[8 * many :]),
    )


def pack_weights(weights: Mapping[int, int]) -> bytes:
    """A category's row: all numbers, then all weights, without zeros."""
    numbers = sorted(number for number, weight in weights.items() if weight)
    return pack_array("I", numbers) + pack_array("Q", (weights[number] for number in numbers))


def unpack_weights(content: bytes) -> dict[int, int]:
    many = len(content) // 12
    return dict(zip(unpack_array("I", content[: 4 * many]), unpack_array("Q", content[4 * many :]), strict=True))


def pack_similar_items(found: Sequence[tuple[int, float]]) -> bytes:
    """The numbers and cosines of similar texts, cosines as integers in 65,535ths."""
    cosines = (min(MAX_COUNT, round(cosine * MAX_COUNT)) for _, cosine in found)
    return pack_array("I", (number for number, _ in found)) + pack_array("H", cosines)


def unpack_similar_items(content: bytes) -> dict[int, float]:
    many = len(content) // 6
    cosines = unpack_array("H", content[4 * many :])
    return {
        number: cosine / MAX_COUNT
        for number, cosine in zip(unpack_array("I", content[: 4 * many]), cosines, strict=True)
    }


def pack_array(kind: str, values: Iterable[int]) -> bytes:
    found = array(kind, values)
    if sys.byteorder == "big":
        found.byteswap()
    return found.tobytes()


def unpack_array(kind: str, content: bytes) -> "array[int]":
    found = array(kind, content)
    if sys.byteorder == "big":
        found.byteswap()
    return found


def top_category(category: str) -> str:
    """The top level of a category: "Food" of "Food > Cheese"; empty without a category. Products are grouped by it."""
    return category.partition(">")[0].strip()


def pair_weight(distinct: int) -> int:
    """The weight in thousandths of each pair of an order of `distinct` different products."""
    return round(WEIGHT_SCALE / (distinct - 1))


def category_pair_weight(distinct: int) -> int:
    """The weight in thousandths of a pair of categories. The root suits these better, because they are seen more
    often."""
    return isqrt(WEIGHT_SCALE * WEIGHT_SCALE // (distinct - 1))


def apply_order(rows: Mapping[int, CooccurrenceRow], numbers: Iterable[int], sign: int = 1) -> None:
    """Add an order of these products to their rows, or subtract it with `sign` -1. Pruned neighbours can't be
    subtracted, and nothing falls below zero."""
    distinct = sorted(set(numbers))
    weight = pair_weight(len(distinct)) if len(distinct) > 1 else 0
    for number in distinct:
        row = rows[number]
        row.orders = max(0, row.orders + sign)
        others = [other for other in distinct if other != number]
        if sign > 0:
            add_pairs(row, others, weight)
        else:
            revert_order(row, others, weight)
        prune_row(row)


def add_pairs(row: CooccurrenceRow, others: Iterable[int], weight: int) -> None:
    weights, times = row.weights, row.counts
    for other in others:
        weights[other] = weights.get(other, 0) + weight
        times[other] = min(MAX_COUNT, times.get(other, 0) + 1)


def revert_order(row: CooccurrenceRow, others: Iterable[int], weight: int) -> None:
    for other in others:
        if other in row.counts:
            row.weights[other] -= weight
            row.counts[other] -= 1
            if row.counts[other] <= 0 or row.weights[other] <= 0:
                del row.weights[other], row.counts[other]


def prune_row(row: CooccurrenceRow) -> None:
    """Reduce a row of more than `PRUNE_ABOVE` neighbours to the `PRUNE_TO` heaviest. The difference gives a new
    neighbour the time to gain weight."""
    if len(row.weights) <= PRUNE_ABOVE:
        return
    best = nlargest(PRUNE_TO, row.weights, key=lambda number: (row.weights[number], -number))
    row.weights = {number: row.weights[number] for number in best}
    row.counts = {number: row.counts[number] for number in best}
