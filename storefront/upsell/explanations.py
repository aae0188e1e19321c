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
    products: Sequence[ProductText],
    evidence: Mapping[str, Sequence[Evidence]],
    orders: Mapping[str, int],
    label: Callable[[str], str] = str,
) -> list[Candidate]:
    """Candidates, each with its strongest explanation. `orders` has the number of orders by product id; `label` returns
    the name of a category or tag in the shopper's language, "" if there is none."""
    tag_frequency = cache(lambda tag: sum(tag in product.tag_set for product in (*cart, *products)))

    def explain(product: ProductText) -> str:
        order_count = orders.get(product.id, 0)
        return strongest_explanation(product, cart, evidence.get(product.id, ()), tag_frequency, label) or (
            explain_popular(order_count) if order_count else ""
        )

    return [Candidate(product, partial(explain, product)) for product in products]


def strongest_explanation(
    product: ProductText,
    cart: Sequence[ProductText],
    evidence: Sequence[Evidence],
    tag_frequency: Callable[[str], int],
    label: Callable[[str], str] = str,
) -> str:
    """The best explanation that applies, in this order: the shop's own, shared orders, a prepared complement, a shared
    tag (rare ones first), a shared category, shared words of the name. "" if none applies."""
    names = {cart_product.id: cart_product.name for cart_product in cart}
    if by_shop := next((item.why for item in evidence if item.by_shop and item.why), ""):
        return by_shop
    bought = max((item for item in evidence if item.order_count), key=lambda item: item.order_count, default=None)
    if bought:
        return explain_bought_together(names[bought.product_id], bought.order_count)
    if prepared := max(
        (item for item in evidence if item.prepared or item.why), key=lambda item: bool(item.why), default=None
    ):
        return prepared.why or explain_complement(names[prepared.product_id])
    shared = [
        (tag, cart_product) for cart_product in cart for tag in cart_product.tag_set.keys() & product.tag_set.keys()
    ]
    if shared:
        tag, cart_product = shared[0]
        if len(shared) > 1:  # counting how common a tag is reads all products
            tag, cart_product = min(
                shared, key=lambda pair: (pair[1].category == product.category, tag_frequency(pair[0]), pair[0])
            )
        localized = label(product.tag_set[tag])
        return explain_shared_tag(cart_product.name, localized) if localized else explain_complement(cart_product.name)
    for cart_product in cart:
        if product.category and product.category == cart_product.category:
            localized = label(product.category)
            return (
                explain_same_category(cart_product.name, localized)
                if localized
                else explain_similar_name(cart_product.name)
            )
    similar = next((cart_product for cart_product in cart if cart_product.name_words & product.name_words), None)
    return explain_similar_name(similar.name) if similar else ""


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


def explain_bought_together(name: str, orders: int) -> str:
    if orders < SEVERAL_ORDERS:
        return ngettext(
            "Bought together with your %(name)s in %(num)s order.",
            "Bought together with your %(name)s in %(num)s orders.",
            orders,
            name=short(name),
        )
    return ngettext(
        "Often bought together with your %(name)s: %(num)s order so far.",
        "Often bought together with your %(name)s: %(num)s orders so far.",
        orders,
        name=short(name),
    )


def explain_shared_tag(name: str, tag: str) -> str:
    localized = short_label(tag.replace("-", " "))
    return _("Goes well with %(tag)s, like your %(name)s.", tag=localized, name=short(name))


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
