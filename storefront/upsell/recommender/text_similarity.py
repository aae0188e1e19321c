"""Text similarity of products, which often marks a substitute: cosine of TF-IDF vectors over words and word pairs.

Weights after Salton and Buckley, "Term-weighting approaches in automatic text retrieval" (1988): (1 + ln tf) * idf, idf
= 1 + ln((1 + N) / (1 + df)), vectors of length 1.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from heapq import nlargest
from itertools import pairwise
from math import log, sqrt

MAX_NEIGHBOURS = 40
"""Neighbours that are kept for a product."""
POSTINGS_BUDGET = 16_000_000
"""Entries of the index that are read in all. Beyond them a product's most common terms are left out, which say the
least."""
MIN_POSTINGS = 150
MAX_POSTINGS = 4_000
Vector = dict[str, float]


def terms_of(words: Sequence[str]) -> Counter[str]:
    """The number of occurrences of each word and of each pair of neighbouring words."""
    return Counter([*words, *(f"{one} {other}" for one, other in pairwise(words))])


def vectors_of(texts: Sequence[Sequence[str]]) -> list[Vector]:
    """The weights of each text's terms, the largest first."""
    counts = [terms_of(words) for words in texts]
    how_many = Counter(term for terms in counts for term in terms)
    found = []
    for terms in counts:
        weights = {t: (1 + log(tf)) * (1 + log((1 + len(texts)) / (1 + how_many[t]))) for t, tf in terms.items()}
        length = sqrt(sum(weight * weight for weight in weights.values())) or 1.0
        found.append({t: weight / length for t, weight in sorted(weights.items(), key=lambda one: (-one[1], one[0]))})
    return found


def nearest_neighbours(texts: Sequence[Sequence[str]]) -> Iterator[list[tuple[int, float]]]:
    """The most similar other texts of each text as (position, cosine), best first."""
    vectors = vectors_of(texts)
    index: dict[str, list[tuple[int, float]]] = {}
    for position, vector in enumerate(vectors):
        for term, weight in vector.items():
            index.setdefault(term, []).append((position, weight))
    looks = min(MAX_POSTINGS, max(MIN_POSTINGS, POSTINGS_BUDGET // max(len(texts), 1)))
    for position, vector in enumerate(vectors):
        found = _score_postings(position, vector, index, looks)
        found.pop(position, None)
        best = nlargest(MAX_NEIGHBOURS, [(cosine, -other) for other, cosine in found.items()])
        yield [(-other, cosine) for cosine, other in best]


def _score_postings(
    position: int, vector: Vector, index: dict[str, list[tuple[int, float]]], looks: int
) -> dict[int, float]:
    """The cosines with the texts that share a term, the rarest terms first, within `looks` entries of the index. Where
    even the rarest term has more entries, those next to this text are read: neighbours in a catalogue go together."""
    found: dict[int, float] = {}
    for term, weight in sorted(vector.items(), key=lambda one: len(index[one[0]])):
        others = index[term]
        if len(others) < 2:
            continue
        if len(others) > looks:
            if found:
                break
            here = bisect_left(others, (position,))
            first = max(0, min(here - looks // 2, len(others) - looks))
            others = others[first : first + looks]
        looks -= len(others)
        for other, its_weight in others:
            found[other] = found.get(other, 0.0) + weight * its_weight
    return found
