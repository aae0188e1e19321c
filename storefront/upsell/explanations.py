"""The sentences that explain a suggestion when no language model wrote one."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache, partial

from storefront.i18n.display_text import strip_invisible
from storefront.i18n.gettext import _, ngettext
from storefront.i18n.unicode_text import shortened
from storefront.upsell.types import Candidate, Evidence, ProductText


def with_explanations(
    cart: Sequence[ProductText],
    goods: Sequence[ProductText],
    ties: Mapping[str, Sequence[Evidence]],
    orders: Mapping[str, int],
    label: Callable[[str], str] = str,
) -> list[Candidate]:
    """Candidates, each with its strongest explanation. `orders` has the number of orders by product id; `label` returns
    the name of a category or tag in the shopper's language, "" if there is none."""
    how_common = cache(lambda tag: sum(tag in one.tag_set for one in (*cart, *goods)))

    def why(one: ProductText) -> str:
        in_orders = orders.get(one.id, 0)
        return strongest_explanation(one, cart, ties.get(one.id, ()), how_common, label) or (
            explain_popular(in_orders) if in_orders else ""
        )

    return [Candidate(one, partial(why, one)) for one in goods]


def strongest_explanation(
    goods: ProductText,
    cart: Sequence[ProductText],
    ties: Sequence[Evidence],
    how_common: Callable[[str], int],
    label: Callable[[str], str] = str,
) -> str:
    """The best explanation that applies, in this order: the shop's own, shared orders, a prepared complement, a shared
    tag (rare ones first), a shared category, shared words of the name. "" if none applies."""
    names = {mine.id: mine.name for mine in cart}
    if by_shop := next((tie.why for tie in ties if tie.by_shop and tie.why), ""):
        return by_shop
    bought = max((tie for tie in ties if tie.order_count), key=lambda tie: tie.order_count, default=None)
    if bought:
        return explain_bought_together(names[bought.product_id], bought.order_count)
    if prepared := max((tie for tie in ties if tie.prepared or tie.why), key=lambda tie: bool(tie.why), default=None):
        return prepared.why or explain_complement(names[prepared.product_id])
    shared = [(tag, mine) for mine in cart for tag in mine.tag_set.keys() & goods.tag_set.keys()]
    if shared:
        tag, mine = shared[0]
        if len(shared) > 1:  # counting how common a tag is reads all products
            tag, mine = min(shared, key=lambda one: (one[1].category == goods.category, how_common(one[0]), one[0]))
        called = label(goods.tag_set[tag])
        return explain_shared_tag(mine.name, called) if called else explain_complement(mine.name)
    for mine in cart:
        if goods.category and goods.category == mine.category:
            called = label(goods.category)
            return explain_same_category(mine.name, called) if called else explain_similar_name(mine.name)
    alike = next((mine for mine in cart if mine.name_words & goods.name_words), None)
    return explain_similar_name(alike.name) if alike else ""


MAX_NAME_LENGTH, MAX_LABEL_LENGTH = 60, 40
"""In characters: a product's name, and a category or tag, in a sentence."""
SEVERAL_ORDERS = 3
"""The minimum number of orders for "often" and "popular"."""
SIZE = re.compile(r"(?<=\w)(?:, |、)\d[^,、]*$")
"""The size at the end of a name such as "Dawn Espresso, 1 kg". It is left out in sentences."""


@lru_cache(4096)
def short(name: str) -> str:
    return shortened(SIZE.sub("", strip_invisible(name)), MAX_NAME_LENGTH)


@lru_cache(1024)
def short_label(label: str) -> str:
    return shortened(strip_invisible(label), MAX_LABEL_LENGTH)


def explain_bought_together(name: str, times: int) -> str:
    if times < SEVERAL_ORDERS:
        return ngettext(
            "Bought together with your %(name)s in %(num)s order.",
            "Bought together with your %(name)s in %(num)s orders.",
            times,
            name=short(name),
        )
    return ngettext(
        "Often bought together with your %(name)s: %(num)s order so far.",
        "Often bought together with your %(name)s: %(num)s orders so far.",
        times,
        name=short(name),
    )


def explain_shared_tag(name: str, tag: str) -> str:
    called = short_label(tag.replace("-", " "))
    return _("Goes well with %(tag)s, like your %(name)s.", tag=called, name=short(name))


def explain_same_category(name: str, category: str) -> str:
    return _("Also from our %(category)s range, like your %(name)s.", category=short_label(category), name=short(name))


def explain_similar_name(name: str) -> str:
    return _("If you like %(name)s, take a look at this too.", name=short(name))


def explain_complement(name: str) -> str:
    return _("Goes well with your %(name)s.", name=short(name))


def explain_popular(orders: int) -> str:
    if orders < SEVERAL_ORDERS:
        return _("Other customers have bought this too.")
    return ngettext(
        "Popular with our customers: %(num)s order so far.",
        "Popular with our customers: %(num)s orders so far.",
        orders,
    )


def explain_pinned(name: str) -> str:
    return _("We recommend this with your %(name)s.", name=short(name))
