"""Scores how well a product goes with a cart, from orders and texts. Plain numbers in, a score out.

For a candidate j and the m products i of the cart, with n_j the number of orders with j, N all orders, L all their
lines:

    score_j = (1 + n_j / (S * sqrt(N)))^-(B0 + B1 * log2 m) * SUM over i of share_i * tie_ij
    share_i = same_i^-RHO / (n_i + K)
    tie_ij  = w_ij + C * cosine_ij^Q + POP * L / (L + POP_LINES) * n_j / L + category_ij + same_ij
    w_ij    = times_ij^(1 - g) * weight_ij^g,  g = G0 - G1 * log2 m, from 0 to 1
    category_ij = CATEGORY * (W_ab / n_a + KC * n_b / L) / (n_a + KC) * (n_j + KI / size_b) / (n_b + KI)
    same_ij = SAME * size_a / products, when i and j have the same category a

and where a complement (`complements.py`) says that j completes i, as its complement number p (the best is 0),
tie_ij += PREPARED * (1 - PREPARED_STEP)^p; that category b does,
tie_ij += PREPARED_CATEGORY * (n_j + KI / size_b) / (n_b + KI).

times_ij counts the orders that i and j share; weight_ij sums their 1 / (number of products - 1) (`cooccurrence.py`);
a and b are the top-level categories of i and j, W_ab is the weight of the pairs of their products, n_b the number of
lines of b in all orders; same_i counts the cart's products of i's category. Each part fades as orders come in: texts
count where nothing was bought, categories where little was, pairs where much was. A bestseller counts less, and the
less the more evidence the cart gives. The formula grew out of a shrunk conditional probability; docs/upsell.md has the
contribution of each part.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import log2, sqrt
from typing import NamedTuple

from storefront.upsell.recommender.cooccurrence import WEIGHT_SCALE


@dataclass(frozen=True)
class ScoringParams:
    """The formula's constants, found by search on other baskets than those of the figures in docs/upsell.md."""

    k: float = 40.0
    rho: float = 0.3
    s: float = 1.25
    b0: float = 0.28
    b1: float = 0.105
    g0: float = 0.85
    g1: float = 0.12
    c: float = 1.0
    q: float = 3.0
    pop: float = 30.0
    pop_lines: float = 300.0
    category: float = 4.0
    kc: float = 7.0
    ki: float = 5.0
    same: float = 1.0
    prepared: float = 1.5
    prepared_step: float = 0.05
    prepared_category: float = 1.0


class Signal(StrEnum):
    """What a part of a score comes from."""

    ORDERS = "orders"
    SIMILAR_TEXT = "similar_text"
    COMPLEMENT = "complement"
    CATEGORY = "category"
    POPULARITY = "popularity"


class ScorePart(NamedTuple):
    """A part of a product's score. `number` is the product of the cart that it is about, if it is about one; `orders`
    counts those with both, or with the scored product."""

    signal: Signal
    worth: float
    number: int | None = None
    orders: int = 0


DEFAULT_PARAMS = ScoringParams()
POWER_TABLE_SIZE = 32


@dataclass(frozen=True)
class CatalogStats:
    """Figures of a whole shop. `n` (orders) and `category_of` go by product number, `category_lines` and
    `category_sizes` (products) by category number."""

    n: Sequence[int]
    orders: int
    lines: int
    category_lines: Mapping[int, int]
    category_sizes: Mapping[int, int]
    category_of: Sequence[int | None]


@dataclass(frozen=True)
class CartItemFeatures:
    """A product of the cart by its number. `numbers`, `weights` (thousandths) and `times` are the products that it
    shares orders with, `similar_items` the cosines of similar texts. `prepared` (the best first) and
    `prepared_categories` are its complements."""

    number: int
    numbers: Sequence[int]
    weights: Sequence[int]
    times: Sequence[int]
    similar_items: Mapping[int, float]
    prepared: Collection[int] = ()
    prepared_categories: Collection[int] = ()


class Scorer:
    """Scores candidates for one cart. `pairs` has, for each category of the cart, the weights (thousandths) of its
    pairs by the other category's number."""

    def __init__(
        self,
        totals: CatalogStats,
        cart: Sequence[CartItemFeatures],
        pairs: Mapping[int, Mapping[int, int]],
        params: ScoringParams = DEFAULT_PARAMS,
    ) -> None:
        self.totals, self.cart, self.params = totals, cart, params
        size = log2(max(len(cart), 1))
        self.scale = params.s * sqrt(max(totals.orders, 1))
        self.power = min(1.0, params.b0 + params.b1 * size)
        self.mix = min(1.0, max(0.0, params.g0 - params.g1 * size))
        self.categories = [totals.category_of[item.number] for item in cart]
        self.shares = [self._share(item, category) for item, category in zip(cart, self.categories, strict=True)]
        self.prior = sum(self.shares) * params.pop / (totals.lines + params.pop_lines)
        self.category_terms: dict[int, float] = {}
        self.category_base = 0.0  # of any category, for each of its lines that was sold
        self.same: dict[int, float] = {}
        for item, share, category in zip(cart, self.shares, self.categories, strict=True):
            self._add_category_terms(item, share, category, pairs)

    def _share(self, item: CartItemFeatures, category: int | None) -> float:
        same = 1 if category is None else self.categories.count(category)
        return float(same**-self.params.rho) / (self.totals.n[item.number] + self.params.k)

    def _add_category_terms(
        self, item: CartItemFeatures, share: float, category: int | None, pairs: Mapping[int, Mapping[int, int]]
    ) -> None:
        """Add what the categories of candidates are worth to this product of the cart."""
        c, terms = self.params, self.category_terms
        if category is not None:
            factor = c.category * share / (self.totals.category_lines.get(category, 0) + c.kc)
            self.category_base += factor * c.kc / max(self.totals.lines, 1)
            factor /= WEIGHT_SCALE
            for other, weight in pairs.get(category, {}).items():
                terms[other] = terms.get(other, 0.0) + factor * weight
            size = self.totals.category_sizes[category] / len(self.totals.n)
            self.same[category] = self.same.get(category, 0.0) + c.same * share * size
        for other in item.prepared_categories:
            terms[other] = terms.get(other, 0.0) + c.prepared_category * share

    def pair_sums(self) -> dict[int, float]:
        """What the cart's own neighbours are worth by orders, texts and complements, by number."""
        sums: dict[int, float] = {}
        get, mix = sums.get, self.mix
        powers = [times ** (1 - mix) for times in range(POWER_TABLE_SIZE)]  # a look-up is cheaper than a power
        for share, item in zip(self.shares, self.cart, strict=True):
            factor = share * WEIGHT_SCALE**-mix
            for number, weight, times in zip(item.numbers, item.weights, item.times, strict=True):
                power = powers[times] if times < POWER_TABLE_SIZE else times ** (1 - mix)
                sums[number] = get(number, 0.0) + factor * power * weight**mix
            factor = share * self.params.c
            for number, cosine in item.similar_items.items():
                sums[number] = get(number, 0.0) + factor * cosine**self.params.q
            for rank, number in enumerate(item.prepared):
                worth = self.params.prepared * (1 - self.params.prepared_step) ** rank
                sums[number] = get(number, 0.0) + share * worth
        return sums

    def scores(self, others: Iterable[int] = ()) -> list[tuple[float, int]]:
        """(score, number) of the cart's neighbours and of `others`, best first; equal scores by number."""
        sums = self.pair_sums()
        for number in others:
            sums.setdefault(number, 0.0)
        for item in self.cart:
            sums.pop(item.number, None)
        n, category_of = self.totals.n, self.totals.category_of
        scale, power = self.scale, -self.power
        category_worths: dict[int | None, tuple[float, float]] = {}
        found = []
        for number, pairs in sums.items():
            if number >= len(n):
                continue  # a product that was added after the totals were read
            sold, category = n[number], category_of[number]
            if category not in category_worths:
                category_worths[category] = self._category_worth(category)
            per_line, fixed = category_worths[category]
            found.append((-(pairs + per_line * sold + fixed) * (1 + sold / scale) ** power, number))
        found.sort()
        return [(-score, number) for score, number in found]

    def parts(self, number: int) -> list[ScorePart]:
        """Return the parts whose sum is the score of the product with this number."""
        sold, category = self.totals.n[number], self.totals.category_of[number]
        per_line, fixed = self._category_worth(category)
        found = [
            ScorePart(Signal.POPULARITY, self.prior * sold, orders=sold),
            ScorePart(Signal.CATEGORY, (per_line - self.prior) * sold + fixed),
        ]
        for share, item in zip(self.shares, self.cart, strict=True):
            found += self._pair_parts(share, item, number)
        damping = (1 + sold / self.scale) ** -self.power
        return [part._replace(worth=part.worth * damping) for part in found]

    def _pair_parts(self, share: float, item: CartItemFeatures, number: int) -> Iterable[ScorePart]:
        """Yield what a product of the cart is worth to the one with this number, as `pair_sums` adds it."""
        c, mix = self.params, self.mix
        if number in item.numbers:
            i = item.numbers.index(number)
            worth = share * WEIGHT_SCALE**-mix * item.times[i] ** (1 - mix) * item.weights[i] ** mix
            yield ScorePart(Signal.ORDERS, worth, item.number, item.times[i])
        if number in item.similar_items:
            worth = share * c.c * item.similar_items[number] ** c.q
            yield ScorePart(Signal.SIMILAR_TEXT, worth, item.number)
        if number in item.prepared:
            rank = list(item.prepared).index(number)
            yield ScorePart(Signal.COMPLEMENT, share * c.prepared * (1 - c.prepared_step) ** rank, item.number)

    def _category_worth(self, category: int | None) -> tuple[float, float]:
        """What popularity and its category are worth to a product: (for each of its lines that was sold, fixed)."""
        if category is None:
            return self.prior, 0.0
        c, lines = self.params, self.totals.category_lines.get(category, 0)
        worth = (self.category_terms.get(category, 0.0) + self.category_base * lines) / (lines + c.ki)
        fixed = worth * c.ki / self.totals.category_sizes[category]
        return self.prior + worth, fixed + self.same.get(category, 0.0)
