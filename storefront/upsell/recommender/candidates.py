"""Candidate generation: finds, scores and ranks the products that may be suggested for a cart."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from heapq import nlargest
from typing import Any

from storefront.catalog.queries import ProductView
from storefront.db.tenancy import execute
from storefront.i18n.display_text import strip_invisible
from storefront.i18n.locale import shopper_language
from storefront.tenants.settings import MerchandisingRules, Pin, TenantSettings
from storefront.upsell.explanations import explain_pinned, with_explanations
from storefront.upsell.recommender.complements import (
    NO_COMPLEMENTS,
    NO_COMPLEMENTS_BY_PRODUCT,
    ProductComplements,
    complements_for,
)
from storefront.upsell.recommender.cooccurrence import unpack_row, unpack_similar_items
from storefront.upsell.recommender.product_text import product_view_from_offer, read_product_texts
from storefront.upsell.recommender.queries import (
    SELECT_AFFINITIES_WITH_STATE,
    SELECT_PRODUCT_TEXTS,
    SELECT_PRODUCT_TEXTS_WITH_STATE,
    SELECT_SELLABLE_PRODUCTS,
)
from storefront.upsell.recommender.reasons import Reasons
from storefront.upsell.recommender.scoring import CartItemFeatures, Scorer
from storefront.upsell.recommender.stats_cache import RecommenderStats, category_pairs, stats_at
from storefront.upsell.types import Candidate, Evidence, ProductText

MAX_CART_ITEMS = 20
"""Products of a cart from whose rows candidates are taken."""
MAX_CATEGORIES = 12
"""Categories whose bestsellers are candidates: those that go best with the cart."""
MAX_CANDIDATES, MAX_CANDIDATES_PER_CATEGORY = 24, 4
"""Candidates that are read as products, in all and, where one of each category is shown, of one category. More than are
shown, because some are sold out or excluded."""


@dataclass(frozen=True)
class CandidateSet:
    """The products of a cart that were used, the candidates, best first, and the candidates' rows by product id."""

    cart: list[ProductText]
    candidates: list[Candidate]
    rows: Mapping[str, Any]
    reasons: Reasons

    def offers(self, product_ids: Iterable[str]) -> dict[str, ProductView]:
        """The products among `product_ids` as they were when the candidates were read, by id."""
        return {id: product_view_from_offer(self.rows[id]) for id in product_ids if id in self.rows}


def find_candidates_by_id(tenant: TenantSettings, product_ids: Sequence[str]) -> CandidateSet:
    """`find_candidates` for a cart of which only the ids are known."""
    rows = execute(SELECT_PRODUCT_TEXTS_WITH_STATE, {"ids": list(product_ids[:MAX_CART_ITEMS])}).all()
    known = read_product_texts(rows)
    if missing := [id for id in product_ids if id not in known]:  # beyond the limit, or too new to have a row
        known |= read_product_texts(execute(SELECT_PRODUCT_TEXTS, {"ids": missing}).all())
    return _build_candidates(tenant, [known[id] for id in product_ids if id in known], rows)


def find_candidates(tenant: TenantSettings, cart: Sequence[ProductText]) -> CandidateSet:
    """The products that go with a cart: in stock, not in the cart, and allowed by the merchandising rules."""
    rows = execute(SELECT_AFFINITIES_WITH_STATE, {"ids": [product.id for product in cart[:MAX_CART_ITEMS]]}).all()
    return _build_candidates(tenant, cart, rows)


def _build_candidates(tenant: TenantSettings, cart: Sequence[ProductText], unsorted: Sequence[Any]) -> CandidateSet:
    """`unsorted` are the affinity rows of the first `MAX_CART_ITEMS` products of the cart."""
    used, cart_ids = sorted(cart[:MAX_CART_ITEMS], key=lambda product: product.id), {product.id for product in cart}
    pins = pins_for(tenant, cart)
    rows = sorted(unsorted, key=lambda row: row.product_id)  # the same result on both databases
    if not rows:
        sellable = sellable_rows(pins)
        pinned = pinned_candidates(tenant, cart, pins, read_product_texts(sellable.values()))
        return CandidateSet(used, pinned, sellable, Reasons(pinned, pins))
    stats = stats_at(rows[0].last_event_id, rows[0].text_digest, rows[0].orders_learned)
    prepared = complements_for(rows)
    unwanted = cart_ids | tenant.upsell.exclude | pins.keys()
    scorer = scorer_for(stats, rows, prepared)
    best = (number for number in ranked_numbers(stats, scorer) if stats.ids[number] not in unwanted)
    diverse = _diversified(best, stats.catalog_stats.category_of, tenant.upsell)
    numbers = {stats.ids[number]: number for number in diverse}
    sellable = sellable_rows([*pins, *numbers])
    known = read_product_texts(sellable.values())
    barred = (
        {product.category for product in used if product.category} if tenant.upsell.bar_categories_in_cart else set()
    )
    products = [known[id] for id in numbers if id in known and known[id].category not in barred]
    evidence = evidence_for(
        {numbers[product.id]: product for product in products}, rows, prepared, reads_default_language(tenant)
    )
    orders = {product.id: stats.catalog_stats.n[numbers[product.id]] for product in products}
    unpinned = with_explanations(used, products, evidence, orders, partial(localized_label, tenant))
    candidates = [*pinned_candidates(tenant, cart, pins, known, prepared), *unpinned]
    return CandidateSet(used, candidates, sellable, Reasons(candidates, pins, scorer, numbers, stats.ids, prepared))


def sellable_rows(product_ids: Collection[str]) -> dict[str, Any]:
    """The rows of those of the products that can be bought now, by id."""
    rows = execute(SELECT_SELLABLE_PRODUCTS, {"ids": list(product_ids)}).all() if product_ids else ()
    return {row.id: row for row in rows}


def localized_label(tenant: TenantSettings, name: str) -> str:
    """The name of a category or tag in the shopper's language; empty when the shop hasn't translated it."""
    return tenant.label(name) if tenant.has_translation(name) else ""


def _rank(
    stats: RecommenderStats, rows: Sequence[Any], prepared: Mapping[str, ProductComplements] = NO_COMPLEMENTS_BY_PRODUCT
) -> list[int]:
    """The numbers of the products with a score for a cart of these affinity rows, best first."""
    return ranked_numbers(stats, scorer_for(stats, rows, prepared))


def scorer_for(
    stats: RecommenderStats, rows: Sequence[Any], prepared: Mapping[str, ProductComplements] = NO_COMPLEMENTS_BY_PRODUCT
) -> Scorer:
    """The scorer for a cart of these affinity rows."""
    known = len(stats.catalog_stats.n)
    cart = [
        cart_item_features(row, prepared.get(row.product_id, NO_COMPLEMENTS), known)
        for row in rows
        if row.item_index < known
    ]
    categories = {stats.catalog_stats.category_of[item.number] for item in cart}
    pairs = category_pairs(stats, [category for category in categories if category is not None])
    return Scorer(stats.catalog_stats, cart, pairs)


def rank_items(
    stats: RecommenderStats, cart: Sequence[CartItemFeatures], pairs: Mapping[int, Mapping[int, int]]
) -> list[int]:
    """The numbers of the products with a score for the cart, best first, given the pairs of its categories."""
    return ranked_numbers(stats, Scorer(stats.catalog_stats, cart, pairs))


def ranked_numbers(stats: RecommenderStats, scorer: Scorer) -> list[int]:
    """The numbers of the products with a score, best first."""
    terms, others = scorer.category_terms, [*stats.best]
    for category in nlargest(MAX_CATEGORIES, terms, key=terms.__getitem__):
        others += stats.best_of.get(category, ())
    return [number for score, number in scorer.scores(others) if score > 0]


def _diversified(best: Iterable[int], category_of: Sequence[int | None], rules: MerchandisingRules) -> list[int]:
    """The numbers of the products to read. Where one of a category is shown, a few of each category come first; the
    others fill up the list in case those are sold out."""
    seen: Counter[int | None] = Counter()
    found: list[int] = []
    others: list[int] = []
    for number in best:
        category = category_of[number]
        seen[category] += 1
        is_full = category is not None and seen[category] > MAX_CANDIDATES_PER_CATEGORY and rules.one_per_category
        (others if is_full else found).append(number)
        if len(found) == MAX_CANDIDATES:
            break
    return [*found, *others][:MAX_CANDIDATES]


def cart_item_features(row: Any, prepared: ProductComplements, known: int) -> CartItemFeatures:
    numbers, weights, counts = unpack_row(bytes(row.cooccurrences))
    complements = [number for number in prepared.products if number < known]
    return CartItemFeatures(
        row.item_index,
        numbers,
        weights,
        counts,
        unpack_similar_items(bytes(row.similar_items)),
        complements,
        prepared.groups,
    )


def evidence_for(
    candidates: Mapping[int, ProductText],
    rows: Sequence[Any],
    prepared: Mapping[str, ProductComplements],
    use_generated: bool,
) -> dict[str, list[Evidence]]:
    """The evidence for each candidate, by product id, from the rows of the cart's products: shared orders and
    complements; generated explanations only with `use_generated`."""
    found: dict[str, list[Evidence]] = {product.id: [] for product in candidates.values()}
    for row in rows:
        numbers, _, counts = unpack_row(bytes(row.cooccurrences))
        order_counts = dict(zip(numbers, counts, strict=True))
        complements = prepared.get(row.product_id, NO_COMPLEMENTS)
        for number, product in candidates.items():
            item = complements.evidence(
                row.product_id, order_counts.get(number, 0), number, product.id, product.category, use_generated
            )
            if item.order_count or item.why or item.prepared:
                found[product.id].append(item)
    return found


def pins_for(tenant: TenantSettings, cart: Sequence[ProductText]) -> dict[str, Pin]:
    """The pins of this cart's products, by the id of the suggested product, which isn't in the cart."""
    cart_ids = {product.id for product in cart}
    return {pin.suggest: pin for pin in tenant.upsell.pins if pin.with_id in cart_ids and pin.suggest not in cart_ids}


def pinned_candidates(
    tenant: TenantSettings,
    cart: Sequence[ProductText],
    pins: Mapping[str, Pin],
    sellable: Mapping[str, ProductText],
    prepared: Mapping[str, ProductComplements] = NO_COMPLEMENTS_BY_PRODUCT,
) -> list[Candidate]:
    """The pinned products that can be bought (`sellable`), with the pin's explanation, else the shop's for the pair."""
    names, use_why = {product.id: product.name for product in cart}, reads_default_language(tenant)
    found = []
    for id, pin in pins.items():
        if id in sellable:
            by_shop = prepared.get(pin.with_id, NO_COMPLEMENTS).by_shop.get(id)
            why = (strip_invisible(pin.why) if use_why else "") or by_shop or explain_pinned(names[pin.with_id])
            found.append(Candidate(sellable[id], why, pinned=True))
    return found


def reads_default_language(tenant: TenantSettings) -> bool:
    """Whether the shopper reads the language of the pins' and complements' explanations."""
    return shopper_language() == tenant.default_language
