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
    evidence: Mapping[str, Sequence[Evidence]]
    orders: Mapping[str, int]


class Backtest:
    """Replays the current tenant's valid orders once. `cases` are the latest carts, for the model."""

    def __init__(self, tenant: TenantSettings, max_cases: int = 0) -> None:
        self.rules, self.history = tenant.upsell, ReplayState()
        self.numbers = {product_id: number for number, product_id in self.history.ids.items()}
        self.scores = {name: Metrics() for name in (POPULARITY, PAIRS, RULES, SHOWN)}
        self.cases: deque[BacktestCase] = deque(maxlen=max_cases)
        self.carts = 0

    def run(self, progress: Callable[[int], object] = lambda _: None) -> None:
        for order_ids in order_batches(self.history.started_at):
            baskets = baskets_of(order_ids)
            self.history.load_batch(baskets.values())
            release_reader()
            for order_id in order_ids:
                self.evaluate_order(order_id, [item.number for item in baskets[order_id]])
                self.history.learn(baskets[order_id])
            progress(len(order_ids))

    def evaluate_order(self, order_id: str, numbers: Sequence[int]) -> None:
        """Let each method complete this order, if it has enough products."""
        if not 2 <= len(numbers) <= MAX_CART_SIZE + 1:
            return
        cart = sorted(numbers)
        target = cart.pop(int(sha256(order_id.encode()).hexdigest(), 16) % len(cart))
        best = rank_items(
            self.history.stats(), [self.history.cart_item_features(number) for number in cart], self.history.pairs(cart)
        )
        candidates = self.candidates(cart, best)
        shown = [self.numbers[draft.product_id] for draft in select_top(candidates, self.rules)]
        found = {POPULARITY: self.popular(cart), PAIRS: self.paired(cart), RULES: best[:MAX_SUGGESTIONS], SHOWN: shown}
        for name, suggested in found.items():
            self.scores[name].count(suggested, target)
        self.carts += 1
        if self.cases.maxlen and candidates:
            self.cases.append(self.backtest_case(cart, target, candidates, shown))

    def popular(self, cart: Sequence[int]) -> list[int]:
        found = [number for number in self.history.best.top if number not in cart and self.history.n[number]]
        return found[:MAX_SUGGESTIONS]

    def paired(self, cart: Sequence[int]) -> list[int]:
        """The products with the most orders in common with the cart's."""
        sums: Counter[int] = Counter()
        for number in cart:
            sums.update(self.history.cooccurrences.rows[number].counts)
        others = (other for other in sums if other not in cart)
        return nlargest(MAX_SUGGESTIONS, others, key=lambda other: (sums[other], -other))

    def candidates(self, cart: Sequence[int], best: Sequence[int]) -> list[Candidate]:
        """The candidates that the merchandising rules allow and add, as far as that is known without reading
        products."""
        ids, categories = self.history.ids, self.history.categories
        cart_ids = {ids[number] for number in cart}
        pins = dict.fromkeys(pin.suggest for pin in self.rules.pins if pin.with_id in cart_ids)
        pinned = [id for id in pins if id not in cart_ids and id in self.numbers]
        barred = (
            {categories[number] for number in cart if categories[number]}
            if self.rules.bar_categories_in_cart
            else set()
        )
        unwanted = self.rules.exclude | set(pinned)
        wanted = (number for number in best if ids[number] not in unwanted)
        found = _diversified(wanted, self.history.category_of, self.rules)
        others = [ids[number] for number in found if categories[number] not in barred]
        products = {id: ProductText(id, "", category=categories[self.numbers[id]]) for id in (*pinned, *others)}
        return [Candidate(product, PLACEHOLDER_EXPLANATION, id in pinned) for id, product in products.items()]

    def backtest_case(
        self, cart: Sequence[int], target: int, candidates: list[Candidate], shown: list[int]
    ) -> BacktestCase:
        found = llm_candidates(candidates, self.rules)
        ids = [candidate.product.id for candidate in found]
        evidence = {id: self.history.evidence(self.numbers[id], cart) for id in ids}
        return BacktestCase(cart, target, found, shown, evidence, {id: self.history.n[self.numbers[id]] for id in ids})
