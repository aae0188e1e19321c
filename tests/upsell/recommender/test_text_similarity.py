"""Which texts are alike: the cosines of the formula, and how far one looks where everything is alike."""

from collections import Counter
from itertools import pairwise
from math import log, sqrt

import pytest

from storefront.upsell.recommender.text_similarity import nearest_neighbours, postings_per_text

SHELF = [
    ["walnut", "bowl", "kitchen"],
    ["walnut", "lamp", "bedroom"],
    ["oak", "bowl", "kitchen"],
    ["silk", "scarf"],
    ["bowl", "bowl", "walnut", "bowl"],
    [],
]


def cosine(one: Counter[str], other: Counter[str], all_texts: list[Counter[str]]) -> float:
    """By Salton and Buckley's words, not by an index."""

    def weights(terms: Counter[str]) -> dict[str, float]:
        many = len(all_texts)
        df = {term: sum(term in text for text in all_texts) for term in terms}
        return {t: (1 + log(tf)) * (1 + log((1 + many) / (1 + df[t]))) for t, tf in terms.items()}

    left, right = weights(one), weights(other)
    dot = sum(weight * right.get(term, 0.0) for term, weight in left.items())
    lengths = sqrt(sum(w * w for w in left.values())) * sqrt(sum(w * w for w in right.values()))
    return dot / lengths if lengths else 0.0


def test_the_neighbours_are_those_of_the_formula_best_first():
    counts = [Counter([*words, *(f"{a} {b}" for a, b in pairwise(words))]) for words in SHELF]
    for position, found in enumerate(nearest_neighbours(SHELF)):
        others = [(cosine(counts[position], other, counts), -place) for place, other in enumerate(counts)]
        expected = sorted(((value, place) for value, place in others if value and -place != position), reverse=True)
        assert [other for other, _ in found] == [-other for _, other in expected]
        assert [value for _, value in found] == pytest.approx([value for value, _ in expected])


def test_where_everything_is_alike_those_next_to_it_are_looked_at():
    """A hundred thousand texts of the same few words take no longer than others: what one looks at has an end."""
    many = [["grey", "mug", f"nr{i}"] for i in range(100)]
    found = [{other for other, _ in neighbours} for neighbours in nearest_neighbours(many, max_postings=10)]
    assert found[50] == set(range(45, 55)) - {50}
    assert found[0] == set(range(1, 10))
    assert found[99] == set(range(90, 99))


@pytest.mark.parametrize(("texts", "postings"), [(0, 4000), (1000, 4000), (10_000, 1600), (1_000_000, 150)])
def test_the_more_texts_the_fewer_entries_of_the_index_are_read_for_each(texts: int, postings: int):
    assert postings_per_text(texts) == postings
