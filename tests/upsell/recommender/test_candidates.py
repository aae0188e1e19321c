"""The selection of candidates that are read from the database."""

from storefront.tenants.settings import MerchandisingRules
from storefront.upsell.recommender.candidates import MAX_CANDIDATES, _diversified

CATEGORY_OF: list[int | None] = [0] * 30 + [1] * 3 + [None] * 2
"""By item index: 30 products of one category, three of another and two of none, the best first."""


def test_many_of_a_category_leave_room_for_others() -> None:
    assert _diversified(range(35), CATEGORY_OF, MerchandisingRules())[:9] == [0, 1, 2, 3, 30, 31, 32, 33, 34]


def test_what_is_left_of_a_category_stands_by() -> None:
    found = _diversified(range(35), CATEGORY_OF, MerchandisingRules())
    assert found[9:] == list(range(4, 4 + MAX_CANDIDATES - 9)), "the first four may be sold out"


def test_a_shop_that_wants_several_of_a_category_is_given_the_best() -> None:
    rules = MerchandisingRules(one_per_category=False)
    assert _diversified(range(35), CATEGORY_OF, rules) == list(range(MAX_CANDIDATES))
