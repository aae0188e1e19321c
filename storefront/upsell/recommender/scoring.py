"""How well a product goes with a cart, from what orders and texts say. Plain numbers in, a score out.

For a candidate j and the m products i of the cart, with n_j the orders that j was in, N all orders, L all their lines:

    score_j = (1 + n_j / (S * sqrt(N)))^-(B0 + B1 * log2 m) * SUM over i of share_i * tie_ij
    share_i = kinds_i^-RHO / (n_i + K)
    tie_ij  = w_ij + C * cosine_ij^Q + POP * L / (L + POP_LINES) * n_j / L + SUM over levels of group_ij + same_ij
    w_ij    = times_ij^(1 - g) * weight_ij^g,  g = G0 - G1 * log2 m, from 0 to 1
    group_ij = GROUP * (W_gh + KG * n_h / L) / (n_g + KG) * (n_j + KI / size_h) / (n_h + KI)
    same_ij = SAME * size_h / products, when i and j share their widest group h

and where it was prepared (`complements.py`) that j completes i, as its complement number p (the best is 0),
tie_ij += PREPARED * (1 - PREPARED_STEP)^p; that the category h does,
tie_ij += PREPARED_GROUP * (n_j + KI / size_h) / (n_h + KI).

times_ij counts the orders that i and j share; weight_ij sums their 1/(order's products - 1) (`rows.py`); g and h are
the groups of i and j on a level, W_gh the weight of their products' pairs, n_h the lines of h in all orders; kinds_i
counts the cart's products of i's category. Each part fades as orders come in: texts speak where nothing was bought,
groups where little was, pairs where much was. A bestseller counts less, and the less the more the cart says. It grew
out of a shrunk conditional probability; docs/upsell.md says what each part is worth.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log2, sqrt

from storefront.upsell.recommender.cooccurrence import WEIGHT_SCALE


@dataclass(frozen=True)
class ScoringParams:
    """Found by search on baskets that the figures of docs/upsell.md were not measured with."""

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
    groups: tuple[float, ...] = (4.0,)
    kg: float = 7.0
    ki: float = 5.0
    same: float = 1.0
    prepared: float = 1.5
    prepared_step: float = 0.05
    prepared_group: float = 1.0


DEFAULT_PARAMS = ScoringParams()
POWER_TABLE_SIZE = 32


@dataclass(frozen=True)
class CatalogStats:
    """What is known of a shop as a whole. `n` and `groups_of` go by product number, the others by group number."""

    n: Sequence[int]
    orders: int
    lines: int
    group_lines: Mapping[int, int]
    group_sizes: Mapping[int, int]
    groups_of: Sequence[Sequence[int]]


@dataclass(frozen=True)
class CartItemFeatures:
    """A product of the cart: its number, and by the others' numbers in how many orders they were together, with what
    weight (thousandths), and how alike their texts are (cosine); the products (the best first) and groups prepared as
    completing it."""

    number: int
    numbers: Sequence[int]
    weights: Sequence[int]
    times: Sequence[int]
    alike: Mapping[int, float]
    prepared: Collection[int] = ()
    prepared_groups: Collection[int] = ()


class Scorer:
    """Scores candidates for one cart. `pairs` has for each group of the cart the weights (thousandths) to others."""

    def __init__(
        self,
        totals: CatalogStats,
        cart: Sequence[CartItemFeatures],
        pairs: Mapping[int, Mapping[int, int]],
        constants: ScoringParams = DEFAULT_PARAMS,
    ) -> None:
        self.totals, self.cart, self.constants = totals, cart, constants
        size = log2(max(len(cart), 1))
        self.scale = constants.s * sqrt(max(totals.orders, 1))
        self.power = min(1.0, constants.b0 + constants.b1 * size)
        self.mix = min(1.0, max(0.0, constants.g0 - constants.g1 * size))
        self.shares = [self._share(one) for one in cart]
        self.prior = sum(self.shares) * constants.pop / (totals.lines + constants.pop_lines)
        self.by_group = [self._group_terms(level, pairs) for level in range(len(constants.groups))]
        self.same = self._same_terms()

    def _share(self, mine: CartItemFeatures) -> float:
        kind = self._kind(mine.number)
        kinds = sum(1 for one in self.cart if self._kind(one.number) == kind) if kind is not None else 1
        return float(kinds**-self.constants.rho) / (self.totals.n[mine.number] + self.constants.k)

    def _kind(self, number: int) -> int | None:
        groups = self.totals.groups_of[number]
        return groups[0] if groups else None

    def _group_terms(self, level: int, pairs: Mapping[int, Mapping[int, int]]) -> tuple[dict[int, float], float]:
        """What each group of candidates is worth to this cart by its pairs, and what any group is per line of its own
        that was sold."""
        terms: dict[int, float] = {}
        base = 0.0
        for share, one in zip(self.shares, self.cart, strict=True):
            groups = self.totals.groups_of[one.number]
            if level < len(groups):
                lines = self.totals.group_lines.get(groups[level], 0)
                factor = self.constants.groups[level] * share / (lines + self.constants.kg)
                base += factor * self.constants.kg / max(self.totals.lines, 1)
                factor /= WEIGHT_SCALE
                for group, weight in pairs.get(groups[level], {}).items():
                    terms[group] = terms.get(group, 0.0) + factor * weight
            for group in one.prepared_groups:
                terms[group] = terms.get(group, 0.0) + self.constants.prepared_group * share
        return terms, base

    def _same_terms(self) -> dict[int, float]:
        terms: dict[int, float] = {}
        for share, one in zip(self.shares, self.cart, strict=True):
            if groups := self.totals.groups_of[one.number]:
                size = self.totals.group_sizes[groups[-1]] / len(self.totals.n)
                terms[groups[-1]] = terms.get(groups[-1], 0.0) + self.constants.same * share * size
        return terms

    def group_worth(self, level: int, group: int) -> float:
        terms, base = self.by_group[level]
        return terms.get(group, 0.0) + base * self.totals.group_lines.get(group, 0)

    def pair_sums(self) -> dict[int, float]:
        """What the cart's own neighbours are worth by orders and texts, by number."""
        sums: dict[int, float] = {}
        get, mix = sums.get, self.mix
        seldom = [
            times ** (1 - mix) for times in range(POWER_TABLE_SIZE)
        ]  # most pairs are, and a power costs more than a look
        for share, one in zip(self.shares, self.cart, strict=True):
            factor = share * WEIGHT_SCALE**-mix
            for number, weight, times in zip(one.numbers, one.weights, one.times, strict=True):
                often = seldom[times] if times < POWER_TABLE_SIZE else times ** (1 - mix)
                sums[number] = get(number, 0.0) + factor * often * weight**mix
            factor = share * self.constants.c
            for number, cosine in one.alike.items():
                sums[number] = get(number, 0.0) + factor * cosine**self.constants.q
            for place, number in enumerate(one.prepared):
                worth = self.constants.prepared * (1 - self.constants.prepared_step) ** place
                sums[number] = get(number, 0.0) + share * worth
        return sums

    def scores(self, others: Iterable[int] = ()) -> list[tuple[float, int]]:
        """(score, number) of the cart's neighbours and of `others`, best first; the lower number first among equals."""
        sums = self.pair_sums()
        for number in others:
            sums.setdefault(number, 0.0)
        for one in self.cart:
            sums.pop(one.number, None)
        n, groups_of = self.totals.n, self.totals.groups_of
        scale, power, worths = self.scale, -self.power, {}
        found = []
        for number, pairs in sums.items():
            if number >= len(n):
                continue  # a product that came since the totals were read
            sold, groups = n[number], tuple(groups_of[number])
            if groups not in worths:
                worths[groups] = self._of_groups(groups)
            a_line, anyway = worths[groups]
            found.append((-(pairs + a_line * sold + anyway) * (1 + sold / scale) ** power, number))
        found.sort()
        return [(-score, number) for score, number in found]

    def _of_groups(self, groups: Sequence[int]) -> tuple[float, float]:
        """What popularity and these groups are worth to a product: for each of its lines that was sold, and anyway."""
        c, totals = self.constants, self.totals
        a_line, anyway = self.prior, 0.0
        for level, group in enumerate(groups):
            worth = self.group_worth(level, group) / (totals.group_lines.get(group, 0) + c.ki)
            a_line += worth
            anyway += worth * c.ki / totals.group_sizes[group]
        return a_line, anyway + (self.same.get(groups[-1], 0.0) if groups else 0.0)
