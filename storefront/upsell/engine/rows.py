"""What one product has been bought with, as numbers in memory and as bytes in the database."""

import sys
import zlib
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from heapq import nlargest
from math import isqrt

UNIT = 1000
"""Weights are whole thousandths, so that adding and taking away in any order comes to the same."""
MOST_TIMES = 65_535
KEPT, LONGEST = 200, 280
"""Neighbours of a product: how many outlive a pruning, and how many call for one."""


@dataclass
class Row:
    """A product's orders, and by the number of each product that was in them the weight and the count of those shared.

    An order of m distinct products gives each pair the weight 1/(m - 1): a small basket says more about its pairs.
    """

    orders: int = 0
    weights: dict[int, int] = field(default_factory=dict)
    times: dict[int, int] = field(default_factory=dict)

    def pack(self) -> bytes:
        """All numbers, all weights, all counts, each in the order of the numbers; little-endian, compressed."""
        numbers = sorted(self.weights)
        weights, times = map(self.weights.__getitem__, numbers), map(self.times.__getitem__, numbers)
        return zlib.compress(packed("I", numbers) + packed("I", weights) + packed("H", times), 1) if numbers else b""

    @classmethod
    def unpack(cls, orders: int, content: bytes) -> "Row":
        numbers, weights, times = unpack(content)
        return cls(orders, dict(zip(numbers, weights, strict=True)), dict(zip(numbers, times, strict=True)))


@lru_cache(64)
def unpack(content: bytes) -> tuple["array[int]", "array[int]", "array[int]"]:
    """The numbers, weights (thousandths) and counts in a packed row."""
    content = zlib.decompress(content) if content else b""
    many = len(content) // 10
    return (
        unpacked("I", content[: 4 * many]),
        unpacked("I", content[4 * many : 8 * many]),
        unpacked("H", content[8 * many :]),
    )


def pack_weights(weights: Mapping[int, int]) -> bytes:
    """A group's row: all numbers, then all weights, of what weighs anything."""
    numbers = sorted(number for number, weight in weights.items() if weight)
    return packed("I", numbers) + packed("Q", (weights[number] for number in numbers))


def unpack_weights(content: bytes) -> dict[int, int]:
    many = len(content) // 12
    return dict(zip(unpacked("I", content[: 4 * many]), unpacked("Q", content[4 * many :]), strict=True))


def pack_alike(found: Sequence[tuple[int, float]]) -> bytes:
    """Numbers and cosines of what is alike by its texts, those in 65,535ths."""
    cosines = (min(MOST_TIMES, round(cosine * MOST_TIMES)) for _, cosine in found)
    return packed("I", (number for number, _ in found)) + packed("H", cosines)


def unpack_alike(content: bytes) -> dict[int, float]:
    many = len(content) // 6
    cosines = unpacked("H", content[4 * many :])
    return {
        number: cosine / MOST_TIMES for number, cosine in zip(unpacked("I", content[: 4 * many]), cosines, strict=True)
    }


def packed(kind: str, values: Iterable[int]) -> bytes:
    found = array(kind, values)
    if sys.byteorder == "big":
        found.byteswap()
    return found.tobytes()


def unpacked(kind: str, content: bytes) -> "array[int]":
    found = array(kind, content)
    if sys.byteorder == "big":
        found.byteswap()
    return found


def group_names(category: str) -> list[str]:
    """The groups of a product: of "Food > Cheese" it is "Food"."""
    widest = category.partition(">")[0].strip()
    return [widest] if widest else []


def weight_of(distinct: int) -> int:
    """What each pair of an order with so many distinct products weighs, in thousandths."""
    return round(UNIT / (distinct - 1))


def group_weight_of(distinct: int) -> int:
    """The same for the pairs of groups, which the root suits better: they are seen so much more often."""
    return isqrt(UNIT * UNIT // (distinct - 1))


def learn_order(rows: Mapping[int, Row], numbers: Iterable[int], sign: int = 1) -> None:
    """Add an order of these products to their rows, or take it away with `sign` -1. What a row has forgotten it can't
    give back, and nothing falls below zero."""
    distinct = sorted(set(numbers))
    weight = weight_of(len(distinct)) if len(distinct) > 1 else 0
    for number in distinct:
        row = rows[number]
        row.orders = max(0, row.orders + sign)
        others = [other for other in distinct if other != number]
        if sign > 0:
            add(row, others, weight)
        else:
            take_away(row, others, weight)
        prune(row)


def add(row: Row, others: Iterable[int], weight: int) -> None:
    weights, times = row.weights, row.times
    for other in others:
        weights[other] = weights.get(other, 0) + weight
        times[other] = min(MOST_TIMES, times.get(other, 0) + 1)


def take_away(row: Row, others: Iterable[int], weight: int) -> None:
    for other in others:
        if other in row.times:
            row.weights[other] -= weight
            row.times[other] -= 1
            if row.times[other] <= 0 or row.weights[other] <= 0:
                del row.weights[other], row.times[other]


def prune(row: Row) -> None:
    """Once a row holds more than `LONGEST` neighbours, forget all but the `KEPT` heaviest. The room between gives a new
    neighbour the time to gain weight."""
    if len(row.weights) <= LONGEST:
        return
    best = nlargest(KEPT, row.weights, key=lambda number: (row.weights[number], -number))
    row.weights = {number: row.weights[number] for number in best}
    row.times = {number: row.times[number] for number in best}
