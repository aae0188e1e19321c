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
    return Counter([*words, *(f"{first} {second}" for first, second in pairwise(words))])


def vectors_of(texts: Sequence[Sequence[str]]) -> list[Vector]:
    """The weights of each text's terms, the largest first."""
    counts = [terms_of(words) for words in texts]
    document_counts = Counter(term for terms in counts for term in terms)
    found = []
    for terms in counts:
        weights = {t: (1 + log(tf)) * (1 + log((1 + len(texts)) / (1 + document_counts[t]))) for t, tf in terms.items()}
        length = sqrt(sum(weight * weight for weight in weights.values())) or 1.0
        found.append({t: weight / length for t, weight in sorted(weights.items(), key=lambda one: (-one[1], one[0]))})
    return found


def postings_per_text(texts: int) -> int:
    """Return how many entries of the index are read for each text, of this number of texts."""
    return min(MAX_POSTINGS, max(MIN_POSTINGS, POSTINGS_BUDGET // max(texts, 1)))


def nearest_neighbours(
    texts: Sequence[Sequence[str]], max_postings: int | None = None
) -> Iterator[list[tuple[int, float]]]:
    """The most similar other texts of each text as (position, cosine), best first. For each text, `max_postings`
    entries of the index are read, else `postings_per_text`."""
    vectors = vectors_of(texts)
    index: dict[str, list[tuple[int, float]]] = {}
    for position, vector in enumerate(vectors):
        for term, weight in vector.items():
            index.setdefault(term, []).append((position, weight))
    budget = postings_per_text(len(texts)) if max_postings is None else max_postings
    for position, vector in enumerate(vectors):
        found = _score_postings(position, vector, index, budget)
        found.pop(position, None)
        best = nlargest(MAX_NEIGHBOURS, [(cosine, -other) for other, cosine in found.items()])
        yield [(-other, cosine) for cosine, other in best]


def _score_postings(
    position: int, vector: Vector, index: dict[str, list[tuple[int, float]]], budget: int
) -> dict[int, float]:
    """The cosines with the texts that share a term, the rarest terms first, within `budget` entries of the index. Where
    even the rarest term has more entries, those next to this text are read: neighbours in a catalogue go together."""
    found: dict[int, float] = {}
    for term, weight in sorted(vector.items(), key=lambda one: len(index[one[0]])):
        others = index[term]
        if len(others) < 2:
            continue
        if len(others) > budget:
            if found:
                break
            start = bisect_left(others, (position,))
            first = max(0, min(start - budget // 2, len(others) - budget))
            others = others[first : first + budget]
        budget -= len(others)
        for other, other_weight in others:
            found[other] = found.get(other, 0.0) + weight * other_weight
    return found
