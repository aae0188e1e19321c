"""Which of the best are looked up as products."""

from storefront.tenants.settings import MerchandisingRules
from storefront.upsell.recommender.candidates import MAX_CANDIDATES, _diversified

GROUPS_OF = [(0,)] * 30 + [(0, 1)] * 3 + [()] * 2
"""Of 35 products, the best 30 are of one category, and the last two of none."""


def test_many_of_a_category_leave_room_for_others() -> None:
    assert _diversified(range(35), GROUPS_OF, MerchandisingRules())[:9] == [0, 1, 2, 3, 30, 31, 32, 33, 34]


def test_what_is_left_of_a_category_stands_by() -> None:
    found = _diversified(range(35), GROUPS_OF, MerchandisingRules())
    assert found[9:] == list(range(4, 4 + MAX_CANDIDATES - 9)), "the first four may be sold out"


def test_a_shop_that_wants_several_of_a_category_is_given_the_best() -> None:
    assert _diversified(range(35), GROUPS_OF, MerchandisingRules(one_per_category=False)) == list(range(MAX_CANDIDATES))
