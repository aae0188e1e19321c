"""The sentences that explain a suggestion when no language model wrote one."""

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
    """Candidates, each with the strongest fact for it. `orders` says in how many orders each was, `label` what
    categories and tags are called, if they can be named."""
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
    """Shared orders say most, then what was prepared, a shared tag (a rare one more than a common one), a shared
    category, shared words of the name. Empty when there is nothing."""
    names = {mine.id: mine.name for mine in cart}
    bought = max((tie for tie in ties if tie.order_count), key=lambda tie: tie.order_count, default=None)
    if bought:
        return explain_bought_together(names[bought.product_id], bought.order_count)
    if prepared := next((tie.why for tie in ties if tie.why), ""):
        return prepared
    shared = [(tag, mine) for mine in cart for tag in mine.tag_set.keys() & goods.tag_set.keys()]
    if shared:
        tag, mine = shared[0]
        if len(shared) > 1:  # counting how common they are takes a look at all that is compared
            tag, mine = min(shared, key=lambda one: (one[1].category == goods.category, how_common(one[0]), one[0]))
        called = label(goods.tag_set[tag])
        return explain_shared_tag(mine.name, called) if called else explain_complement(mine.name)
    for mine in cart:
        if goods.category and goods.category == mine.category:
            called = label(goods.category)
            return explain_same_category(mine.name, called) if called else explain_similar_name(mine.name)
    if alike := next((mine for mine in cart if mine.name_words & goods.name_words), None):
        return explain_similar_name(alike.name)
    return next((explain_complement(names[tie.product_id]) for tie in ties if tie.prepared), "")


@lru_cache(4096)
def short(name: str) -> str:
    return shortened(strip_invisible(name), 60)


def explain_bought_together(name: str, times: int) -> str:
    return ngettext(
        "Bought together with %(name)s in %(num)s order.",
        "Bought together with %(name)s in %(num)s orders.",
        times,
        name=short(name),
    )


def explain_shared_tag(name: str, tag: str) -> str:
    return _("Shares “%(tag)s” with %(name)s in your cart.", tag=short(tag).replace("-", " "), name=short(name))


def explain_same_category(name: str, category: str) -> str:
    return _("From %(category)s, like %(name)s in your cart.", category=short(category), name=short(name))


def explain_similar_name(name: str) -> str:
    return _("Close in kind to %(name)s in your cart.", name=short(name))


def explain_complement(name: str) -> str:
    return _("Goes with %(name)s in your cart.", name=short(name))


def explain_popular(orders: int) -> str:
    return ngettext(
        "In %(num)s order of this shop, and not in yours yet.",
        "In %(num)s orders of this shop, and not in yours yet.",
        orders,
    )


def explain_pinned(name: str) -> str:
    return _("The shop recommends it with %(name)s.", name=short(name))
