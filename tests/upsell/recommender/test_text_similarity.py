"""Nearest neighbours by the cosine of TF-IDF vectors, and the limit of postings that are read."""

from collections import Counter
from itertools import pairwise
from math import log, sqrt

import pytest

from storefront.upsell.recommender.text_similarity import nearest_neighbours, postings_per_text

TEXTS = [
    ["walnut", "bowl", "kitchen"],
    ["walnut", "lamp", "bedroom"],
    ["oak", "bowl", "kitchen"],
    ["silk", "scarf"],
    ["bowl", "bowl", "walnut", "bowl"],
    [],
]


def cosine(one: Counter[str], other: Counter[str], all_texts: list[Counter[str]]) -> float:
    """The cosine by Salton and Buckley's formula, without an index."""

    def weights(terms: Counter[str]) -> dict[str, float]:
        count = len(all_texts)
        df = {term: sum(term in text for text in all_texts) for term in terms}
        return {t: (1 + log(tf)) * (1 + log((1 + count) / (1 + df[t]))) for t, tf in terms.items()}

    left, right = weights(one), weights(other)
    dot = sum(weight * right.get(term, 0.0) for term, weight in left.items())
    lengths = sqrt(sum(w * w for w in left.values())) * sqrt(sum(w * w for w in right.values()))
    return dot / lengths if lengths else 0.0


def test_neighbours_and_their_cosines_match_the_formula():
    counts = [Counter([*words, *(f"{a} {b}" for a, b in pairwise(words))]) for words in TEXTS]
    for position, found in enumerate(nearest_neighbours(TEXTS)):
        others = [(cosine(counts[position], other, counts), -index) for index, other in enumerate(counts)]
        expected = sorted(((value, index) for value, index in others if value and -index != position), reverse=True)
        assert [other for other, _ in found] == [-other for _, other in expected]
        assert [value for _, value in found] == pytest.approx([value for value, _ in expected])


def test_the_postings_budget_limits_neighbours_to_adjacent_texts():
    """With the budget, the time for many texts with the same words is limited."""
    similar_texts = [["grey", "mug", f"nr{i}"] for i in range(100)]
    found = [{other for other, _ in neighbours} for neighbours in nearest_neighbours(similar_texts, max_postings=10)]
    assert found[50] == set(range(45, 55)) - {50}
    assert found[0] == set(range(1, 10))
    assert found[99] == set(range(90, 99))


@pytest.mark.parametrize(("texts", "postings"), [(0, 4000), (1000, 4000), (10_000, 1600), (1_000_000, 150)])
def test_the_more_texts_the_fewer_entries_of_the_index_are_read_for_each(texts: int, postings: int):
    assert postings_per_text(texts) == postings
