"""Which of the candidates are suggested, and the shop's own words for it."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache

from storefront.catalog.rules import fold
from storefront.languages.words import _, ngettext
from storefront.tenants.models import UpsellWishes
from storefront.upsell.assistant.text import plain

RUNS = re.compile("[ァ-ヺー]{2,}|[一-鿿々]{2,}")
MOST = 3
CANDIDATES = 12
MOST_OF_A_KIND = 2


@dataclass(frozen=True)
class Goods:
    """What is said of a product when it is compared with others."""

    id: str
    name: str
    description: str = ""
    category: str = ""
    tags: tuple[str, ...] = ()

    @cached_property
    def tag_set(self) -> dict[str, str]:
        """Its tags, by their folded words."""
        return {" ".join(fold(tag)): tag for tag in self.tags}

    @cached_property
    def name_words(self) -> set[str]:
        """Those that say something: no units and sizes, as in "2 L". Japanese has no spaces, so there it is runs of
        katakana or of kanji; one sign of them says nothing."""
        return {word for word in fold(self.name) if len(word) > 2} | {*RUNS.findall(self.name)}


@dataclass(frozen=True)
class Candidate:
    """A product that could go with the cart, with the fact that speaks for it. `pinned` is the shop's own wish."""

    goods: Goods
    reason: str
    pinned: bool = False


class Ranked(Iterable[Candidate]):
    """Candidates, best first. Each is worded when it is first looked at, because few are shown. For one reader at a
    time."""

    def __init__(self, candidates: Iterable[Candidate]) -> None:
        self._seen: list[Candidate] = []
        self._others = iter(candidates)

    def __iter__(self) -> Iterator[Candidate]:
        yield from self._seen
        for candidate in self._others:
            self._seen.append(candidate)
            yield candidate

    def __bool__(self) -> bool:
        return any(True for _ in self)


@dataclass(frozen=True)
class Chosen:
    product_id: str
    explanation: str


@dataclass(frozen=True)
class Tie:
    """What ties a candidate to a product of the cart: so many shared orders, whether it was prepared as completing it,
    and in which words if any."""

    product_id: str
    times: int = 0
    why: str = ""
    prepared: bool = False


def choose(ranked: Iterable[Candidate], wishes: UpsellWishes) -> list[Chosen]:
    """The best three that the shop's wishes allow together."""
    return pick(((candidate, candidate.reason) for candidate in ranked), wishes)


def choose_among(chosen: Sequence[Chosen], ranked: Iterable[Candidate], wishes: UpsellWishes) -> list[Chosen]:
    """What the shop pinned, then the model's choice in its order and words, as far as the shop's wishes allow; what
    they don't allow is replaced by the next best."""
    if not chosen:
        return []
    known = {candidate.goods.id: candidate for candidate in ranked}
    words = {one.product_id: one.explanation for one in chosen if one.product_id in known}
    if not words:
        return []
    pinned = [candidate for candidate in ranked if candidate.pinned]
    named = [known[product_id] for product_id in words if not known[product_id].pinned]
    others = [one for one in ranked if one not in pinned and one not in named]
    worded = ((one, words.get(one.goods.id, one.reason)) for one in (*pinned, *named, *others))
    return pick(worded, wishes, min(MOST, len(pinned) + len(named)))


def pick(candidates: Iterable[tuple[Candidate, str]], wishes: UpsellWishes, most: int = MOST) -> list[Chosen]:
    """The first three, one of a category unless the shop wants it otherwise."""
    found: list[Chosen] = []
    categories: set[str] = set()
    for candidate, explanation in candidates:
        category = candidate.goods.category
        if category and category in categories and wishes.one_per_category:
            continue
        categories.add(category)
        found.append(Chosen(candidate.goods.id, explanation))
        if len(found) == most:
            break
    return found


def shortlist(ranked: Iterable[Candidate], wishes: UpsellWishes) -> list[Candidate]:
    """The candidates that the model may choose from: the best, and not all of one kind."""
    seen: Counter[str] = Counter()
    found = []
    for candidate in ranked:
        category = candidate.goods.category
        if not (category and wishes.one_per_category and seen[category] == MOST_OF_A_KIND):
            seen[category] += 1
            found.append(candidate)
    return found[:CANDIDATES]


def explain(
    cart: Sequence[Goods],
    candidates: Sequence[Goods],
    ties: Mapping[str, Sequence[Tie]],
    orders: Mapping[str, int],
    label: Callable[[str], str] = str,
) -> Iterator[tuple[str, str]]:
    """The candidates' ids, each with the strongest fact for it in one sentence; one for which nothing speaks is left
    out. `orders` says in how many orders each was, `label` what categories and tags are called, if they can be named.
    """
    how_common = cache(lambda: Counter(tag for goods in (*cart, *candidates) for tag in goods.tag_set))
    for goods in candidates:
        words = reason(goods, cart, ties.get(goods.id, ()), how_common, label)
        if not words and orders.get(goods.id):
            words = say_popular(orders[goods.id])
        if words:
            yield goods.id, words


def reason(
    goods: Goods,
    cart: Sequence[Goods],
    ties: Sequence[Tie],
    how_common: Callable[[], Mapping[str, int]],
    label: Callable[[str], str] = str,
) -> str:
    """Shared orders say most, then what was prepared, a shared tag (a rare one more than a common one), a shared
    category, shared words of the name. Empty when there is nothing."""
    names = {mine.id: mine.name for mine in cart}
    bought = max((tie for tie in ties if tie.times), key=lambda tie: tie.times, default=None)
    if bought:
        return say_together(names[bought.product_id], bought.times)
    if prepared := next((tie.why for tie in ties if tie.why), ""):
        return prepared
    shared = [(tag, mine) for mine in cart for tag in mine.tag_set.keys() & goods.tag_set.keys()]
    if shared:
        tag, mine = min(shared, key=lambda one: (one[1].category == goods.category, how_common()[one[0]], one[0]))
        called = label(goods.tag_set[tag])
        return say_tag(mine.name, called) if called else say_goes_with(mine.name)
    for mine in cart:
        if goods.category and goods.category == mine.category:
            called = label(goods.category)
            return say_category(mine.name, called) if called else say_words(mine.name)
    if alike := next((mine for mine in cart if mine.name_words & goods.name_words), None):
        return say_words(alike.name)
    return next((say_goes_with(names[tie.product_id]) for tie in ties if tie.prepared), "")


@lru_cache(4096)
def short(name: str) -> str:
    name = plain(name)
    return name if len(name) <= 60 else name[:59].rstrip() + "…"


def say_together(name: str, times: int) -> str:
    return ngettext(
        "Bought together with %(name)s in %(num)s order.",
        "Bought together with %(name)s in %(num)s orders.",
        times,
        name=short(name),
    )


def say_tag(name: str, tag: str) -> str:
    return _("Shares “%(tag)s” with %(name)s in your cart.", tag=short(tag).replace("-", " "), name=short(name))


def say_category(name: str, category: str) -> str:
    return _("From %(category)s, like %(name)s in your cart.", category=short(category), name=short(name))


def say_words(name: str) -> str:
    return _("Close in kind to %(name)s in your cart.", name=short(name))


def say_goes_with(name: str) -> str:
    return _("Goes with %(name)s in your cart.", name=short(name))


def say_popular(orders: int) -> str:
    return ngettext(
        "In %(num)s order of this shop, and not in yours yet.",
        "In %(num)s orders of this shop, and not in yours yet.",
        orders,
    )


def say_pinned(name: str) -> str:
    return _("The shop recommends it with %(name)s.", name=short(name))
