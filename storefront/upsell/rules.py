"""The shop's own way to choose and to say why."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

from storefront.catalog.rules import fold

MOST = 3
CANDIDATES = 12


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
        return set(fold(self.name))


@dataclass(frozen=True)
class Candidate:
    """A product that could go with the cart, with the fact that speaks for it."""

    goods: Goods
    reason: str
    score: float


@dataclass(frozen=True)
class Chosen:
    product_id: str
    explanation: str


def rank(cart: Sequence[Goods], others: Sequence[Goods], together: Mapping[tuple[str, str], int]) -> list[Candidate]:
    """The products that go with the cart, best first.

    `together` counts the orders that (other product, product of the cart) shared. Shared orders weigh most; then
    shared tags, a rare one more than a common one; then a shared category and shared words of the name.
    """
    how_common = Counter(tag for goods in (*cart, *others) for tag in goods.tag_set)
    found = [compare(goods, cart, together, how_common) for goods in others]
    return sorted((c for c in found if c), key=lambda candidate: (-candidate.score, candidate.goods.id))


def compare(
    goods: Goods, cart: Sequence[Goods], together: Mapping[tuple[str, str], int], how_common: Counter[str]
) -> Candidate | None:
    """The candidate with the strongest fact that ties it to the cart; None when nothing does."""
    score, best, reason = 0.0, 0.0, ""
    for mine in cart:
        facts: list[tuple[float, Callable[[], str]]] = []
        if times := together.get((goods.id, mine.id), 0):
            facts.append((10.0 * times, partial(say_together, mine.name, times)))
        if shared := mine.tag_set.keys() & goods.tag_set.keys():
            rarest = min(shared, key=lambda tag: (how_common[tag], tag))
            same_kind = bool(goods.category) and goods.category == mine.category  # which seldom completes a cart
            worth = sum(2 / how_common[tag] for tag in shared) * (0.2 if same_kind else 1)
            facts.append((worth, partial(say_tag, mine.name, goods.tag_set[rarest])))
        if goods.category and goods.category == mine.category:
            facts.append((0.1, partial(say_category, mine.name, goods.category)))
        if words := mine.name_words & goods.name_words:
            facts.append((0.05 * len(words), partial(say_words, mine.name)))
        score += sum(worth for worth, _ in facts)
        for worth, say in facts:
            if worth > best:
                best, reason = worth, say()
    return Candidate(goods, reason, score) if reason else None


def short(name: str) -> str:
    return name if len(name) <= 60 else name[:59].rstrip() + "…"


def say_together(name: str, times: int) -> str:
    return f"Bought together with {short(name)} in {times} recent order{'' if times == 1 else 's'}."


def say_tag(name: str, tag: str) -> str:
    return f"Shares “{short(tag)}” with {short(name)} in your cart."


def say_category(name: str, category: str) -> str:
    return f"From {short(category)}, like {short(name)} in your cart."


def say_words(name: str) -> str:
    return f"Close in kind to {short(name)} in your cart."


def choose(ranked: Sequence[Candidate]) -> list[Chosen]:
    """The best three, at first one of a category so that they aren't three of the same kind."""
    one_each: dict[str, Candidate] = {}
    for candidate in ranked:
        one_each.setdefault(candidate.goods.category or candidate.goods.id, candidate)
    best = sorted(one_each.values(), key=lambda candidate: -candidate.score)[:MOST]
    rest = [candidate for candidate in ranked if candidate not in best]
    return [Chosen(candidate.goods.id, candidate.reason) for candidate in [*best, *rest][:MOST]]
