"""Which of the candidates are suggested, and the shop's own words for it."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache, partial
from itertools import islice
from types import MappingProxyType

from storefront.catalog.text import tokenize
from storefront.i18n.gettext import _, ngettext
from storefront.i18n.unicode_text import shortened
from storefront.tenants.settings import MerchandisingRules
from storefront.upsell.llm.moderation.normalization import strip_invisible

RUNS = re.compile("[ァ-ヺー]{2,}|[一-鿿々]{2,}")
MOST = 3
CANDIDATES = 12
MOST_OF_A_KIND = 2
NO_WORDS: Mapping[str, str] = MappingProxyType({})


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
        return {" ".join(tokenize(tag)): tag for tag in self.tags}

    @cached_property
    def name_words(self) -> set[str]:
        """Those that say something: no units and sizes, as in "2 L". Japanese has no spaces, so there it is runs of
        katakana or of kanji; one sign of them says nothing."""
        return {word for word in tokenize(self.name) if len(word) > 2} | {*RUNS.findall(self.name)}


@dataclass(frozen=True)
class Candidate:
    """A product that could go with the cart. `words` say why, or find it out when they are asked, because few are
    shown. `pinned` is the shop's own wish."""

    goods: Goods
    words: str | Callable[[], str]
    pinned: bool = False

    @cached_property
    def reason(self) -> str:
        """The fact that speaks for it in one sentence; empty when there is none, and then it isn't suggested."""
        return self.words if isinstance(self.words, str) else self.words()


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


def choose(ranked: Iterable[Candidate], wishes: MerchandisingRules) -> list[Chosen]:
    """The best three that the shop's wishes allow together, for their reasons."""
    return pick(ranked, wishes)


def choose_among(chosen: Sequence[Chosen], ranked: Sequence[Candidate], wishes: MerchandisingRules) -> list[Chosen]:
    """What the shop pinned, then the model's choice in its order and words, as far as the shop's wishes allow; what
    they don't allow is replaced by the next best."""
    known = {candidate.goods.id: candidate for candidate in ranked}
    words = {one.product_id: one.explanation for one in chosen if one.product_id in known}
    if not words:
        return []
    pinned = [candidate for candidate in ranked if candidate.pinned]
    named = [known[product_id] for product_id in words if not known[product_id].pinned]
    others = [one for one in ranked if not one.pinned and one.goods.id not in words]
    return pick((*pinned, *named, *others), wishes, words, min(MOST, len(pinned) + len(named)))


def pick(
    candidates: Iterable[Candidate], wishes: MerchandisingRules, words: Mapping[str, str] = NO_WORDS, most: int = MOST
) -> list[Chosen]:
    found = islice(of_each_kind(candidates, 1, wishes, words), most)
    return [Chosen(candidate.goods.id, explanation) for candidate, explanation in found]


def shortlist(ranked: Iterable[Candidate], wishes: MerchandisingRules) -> list[Candidate]:
    """The candidates that the model may choose from: the best, and not all of one kind."""
    return [candidate for candidate, _ in islice(of_each_kind(ranked, MOST_OF_A_KIND, wishes), CANDIDATES)]


def of_each_kind(
    candidates: Iterable[Candidate], most: int, wishes: MerchandisingRules, words: Mapping[str, str] = NO_WORDS
) -> Iterator[tuple[Candidate, str]]:
    """The first so many of a category, or all if the shop wants it so; each with what is said for it, in these words by
    its id or its own. One for which nothing speaks is left out."""
    seen: Counter[str] = Counter()
    for candidate in candidates:
        category = candidate.goods.category
        if category and wishes.one_per_category and seen[category] == most:
            continue
        if explanation := words.get(candidate.goods.id) or candidate.reason:
            seen[category] += 1
            yield candidate, explanation


def explained(
    cart: Sequence[Goods],
    goods: Sequence[Goods],
    ties: Mapping[str, Sequence[Tie]],
    orders: Mapping[str, int],
    label: Callable[[str], str] = str,
) -> list[Candidate]:
    """Candidates, each with the strongest fact for it. `orders` says in how many orders each was, `label` what
    categories and tags are called, if they can be named."""
    how_common = cache(lambda tag: sum(tag in one.tag_set for one in (*cart, *goods)))

    def why(one: Goods) -> str:
        in_orders = orders.get(one.id, 0)
        return reason(one, cart, ties.get(one.id, ()), how_common, label) or (
            say_popular(in_orders) if in_orders else ""
        )

    return [Candidate(one, partial(why, one)) for one in goods]


def reason(
    goods: Goods,
    cart: Sequence[Goods],
    ties: Sequence[Tie],
    how_common: Callable[[str], int],
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
        tag, mine = shared[0]
        if len(shared) > 1:  # counting how common they are takes a look at all that is compared
            tag, mine = min(shared, key=lambda one: (one[1].category == goods.category, how_common(one[0]), one[0]))
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
    return shortened(strip_invisible(name), 60)


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
