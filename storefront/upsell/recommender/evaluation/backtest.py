"""Replays a shop's own orders: one product of each is held out, and each method suggests what would complete the rest,
knowing earlier orders only."""

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from heapq import nlargest
from math import sqrt

from storefront.db.transactions import release_reader
from storefront.tenants.settings import TenantSettings
from storefront.upsell.recommender.candidates import _diversified, rank_items
from storefront.upsell.recommender.evaluation.replay_state import ReplayState, order_batches
from storefront.upsell.recommender.training import baskets_of
from storefront.upsell.selection import MAX_SUGGESTIONS, llm_candidates, select_top
from storefront.upsell.types import Candidate, Evidence, ProductText

MAX_CART_SIZE = 15
MIN_ORDERS = 20
"""Carts below which no figures are shown."""
PLACEHOLDER_EXPLANATION = "It goes with it."
"""Stands for an explanation where only the choice counts."""
POPULARITY, PAIRS, RULES, SHOWN = "popularity", "raw pair counts", "rules", "rules, as shown"


@dataclass
class Metrics:
    """Figures of a method: how often the held-out product was among its three, at which rank, and all that it
    suggested."""

    carts: int = 0
    hits: int = 0
    reciprocal: float = 0.0
    suggested: set[int] = field(default_factory=set)

    def count(self, found: Sequence[int], target: int) -> None:
        self.carts += 1
        self.suggested.update(found)
        if target in found:
            self.hits += 1
            self.reciprocal += 1 / (found.index(target) + 1)

    @property
    def hit_rate(self) -> float:
        return self.hits / max(self.carts, 1)

    @property
    def error(self) -> float:
        """The standard error of the hit rate."""
        return sqrt(self.hit_rate * (1 - self.hit_rate) / max(self.carts, 1))

    @property
    def mean_reciprocal(self) -> float:
        return self.reciprocal / max(self.carts, 1)


@dataclass(frozen=True)
class BacktestCase:
    """A cart for the model: the rules' candidates, their choice, and the evidence for the candidates."""

    cart: Sequence[int]
    target: int
    found: Sequence[Candidate]
    shown: Sequence[int]
    ties: Mapping[str, Sequence[Evidence]]
    orders: Mapping[str, int]


class Backtest:
    """Replays the current tenant's valid orders once. `asked` are the latest carts about which a model can be asked."""

    def __init__(self, tenant: TenantSettings, most_asked: int = 0) -> None:
        self.wishes, self.history = tenant.upsell, ReplayState()
        self.numbers = {product_id: number for number, product_id in self.history.ids.items()}
        self.scores = {name: Metrics() for name in (POPULARITY, PAIRS, RULES, SHOWN)}
        self.asked: deque[BacktestCase] = deque(maxlen=most_asked)
        self.carts = 0

    def run(self, progress: Callable[[int], object] = lambda _: None) -> None:
        for order_ids in order_batches(self.history.began):
            baskets = baskets_of(order_ids)
            self.history.take(baskets.values())
            release_reader()
            for order_id in order_ids:
                self.ask(order_id, [one.number for one in baskets[order_id]])
                self.history.learn(baskets[order_id])
            progress(len(order_ids))

    def ask(self, order_id: str, numbers: Sequence[int]) -> None:
        """Let each method complete this order, if it has enough products."""
        if not 2 <= len(numbers) <= MAX_CART_SIZE + 1:
            return
        cart = sorted(numbers)
        target = cart.pop(int(sha256(order_id.encode()).hexdigest(), 16) % len(cart))
        best = rank_items(self.history.shelf(), [self.history.in_cart(one) for one in cart], self.history.pairs(cart))
        candidates = self.candidates(cart, best)
        shown = [self.numbers[one.product_id] for one in select_top(candidates, self.wishes)]
        found = {POPULARITY: self.popular(cart), PAIRS: self.paired(cart), RULES: best[:MAX_SUGGESTIONS], SHOWN: shown}
        for name, suggested in found.items():
            self.scores[name].count(suggested, target)
        self.carts += 1
        if self.asked.maxlen and candidates:
            self.asked.append(self.remembered(cart, target, candidates, shown))

    def popular(self, cart: Sequence[int]) -> list[int]:
        return [one for one in self.history.best.top if one not in cart and self.history.n[one]][:MAX_SUGGESTIONS]

    def paired(self, cart: Sequence[int]) -> list[int]:
        """The products with the most orders in common with the cart's."""
        sums: Counter[int] = Counter()
        for one in cart:
            sums.update(self.history.cooccurrences.rows[one].counts)
        others = (other for other in sums if other not in cart)
        return nlargest(MAX_SUGGESTIONS, others, key=lambda other: (sums[other], -other))

    def candidates(self, cart: Sequence[int], best: Sequence[int]) -> list[Candidate]:
        """The candidates that the merchandising rules allow and add, as far as that is known without reading
        products."""
        ids, kinds = self.history.ids, self.history.categories
        mine = {ids[one] for one in cart}
        pins = dict.fromkeys(pin.suggest for pin in self.wishes.pins if pin.with_id in mine)
        pinned = [id for id in pins if id not in mine and id in self.numbers]
        barred = {kinds[one] for one in cart if kinds[one]} if self.wishes.bar_categories_in_cart else set()
        unwanted = self.wishes.exclude | set(pinned)
        wanted = (one for one in best if ids[one] not in unwanted)
        found = _diversified(wanted, self.history.category_of, self.wishes)
        others = [ids[one] for one in found if kinds[one] not in barred]
        bare = {id: ProductText(id, "", category=kinds[self.numbers[id]]) for id in (*pinned, *others)}
        return [Candidate(goods, PLACEHOLDER_EXPLANATION, id in pinned) for id, goods in bare.items()]

    def remembered(
        self, cart: Sequence[int], target: int, candidates: list[Candidate], shown: list[int]
    ) -> BacktestCase:
        found = llm_candidates(candidates, self.wishes)
        ids = [one.product.id for one in found]
        ties = {id: self.history.ties(self.numbers[id], cart) for id in ids}
        return BacktestCase(cart, target, found, shown, ties, {id: self.history.n[self.numbers[id]] for id in ids})
