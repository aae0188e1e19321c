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
from storefront.upsell.recommender.scoring import CartItemFeatures, Scorer
from storefront.upsell.recommender.stats_cache import RecommenderStats, category_pairs, stats_at
from storefront.upsell.types import Candidate, Evidence, ProductText

MAX_CART_ITEMS = 20
"""Products of a cart that are asked what goes with them."""
MAX_CATEGORIES = 12
"""Groups whose bestsellers are looked at, those that go best with the cart."""
MAX_CANDIDATES, MAX_CANDIDATES_PER_CATEGORY = 24, 4
"""Candidates, best first, that are looked up as products, in all and of one category where one of each is shown: some
are sold out or not wanted."""


@dataclass(frozen=True)
class CandidateSet:
    """What goes with a cart. `cart` are the products of it that were looked at, `candidates` come best first, and
    `rows` are what was read of these, by their ids."""

    cart: list[ProductText]
    candidates: list[Candidate]
    rows: Mapping[str, Any]

    def offers(self, product_ids: Iterable[str]) -> dict[str, ProductView]:
        """Those of the products as they were when this was found, by their ids."""
        return {id: product_view_from_offer(self.rows[id]) for id in product_ids if id in self.rows}


def find_candidates_by_id(tenant: TenantSettings, product_ids: Sequence[str]) -> CandidateSet:
    """`find_candidates` for products that are known by their ids."""
    rows = execute(SELECT_PRODUCT_TEXTS_WITH_STATE, {"ids": list(product_ids[:MAX_CART_ITEMS])}).all()
    known = read_product_texts(rows)
    if missing := [id for id in product_ids if id not in known]:  # many, or so new that they have no row yet
        known |= read_product_texts(execute(SELECT_PRODUCT_TEXTS, {"ids": missing}).all())
    return _build_candidates(tenant, [known[id] for id in product_ids if id in known], rows)


def find_candidates(tenant: TenantSettings, cart: Sequence[ProductText]) -> CandidateSet:
    """What goes with a cart: in stock, not in the cart, as the shop wishes."""
    rows = execute(SELECT_AFFINITIES_WITH_STATE, {"ids": [goods.id for goods in cart[:MAX_CART_ITEMS]]}).all()
    return _build_candidates(tenant, cart, rows)


def _build_candidates(tenant: TenantSettings, cart: Sequence[ProductText], asked: Sequence[Any]) -> CandidateSet:
    """The same, given the rows of the first `MAX_CART_ITEMS` products of the cart."""
    mine, inside = sorted(cart[:MAX_CART_ITEMS], key=lambda goods: goods.id), {goods.id for goods in cart}
    pins = pins_for(tenant, cart)
    rows = sorted(asked, key=lambda row: row.product_id)  # so that both databases' answers are alike
    if not rows:
        sold = sellable_rows(pins)
        return CandidateSet(mine, pinned_candidates(tenant, cart, pins, read_product_texts(sold.values())), sold)
    shelf = stats_at(rows[0].last_event_id, rows[0].text_digest, rows[0].orders_learned)
    prepared = complements_for(rows)
    unwanted = inside | tenant.upsell.exclude | pins.keys()
    best = (number for number in _rank(shelf, rows, prepared) if shelf.ids[number] not in unwanted)
    numbers = {shelf.ids[number]: number for number in _diversified(best, shelf.catalog_stats.groups_of, tenant.upsell)}
    sold = sellable_rows([*pins, *numbers])
    known = read_product_texts(sold.values())
    barred = {goods.category for goods in mine if goods.category} if tenant.upsell.bar_categories_in_cart else set()
    goods = [known[id] for id in numbers if id in known and known[id].category not in barred]
    ties = evidence_for({numbers[one.id]: one for one in goods}, rows, prepared, reads_default_language(tenant))
    orders = {one.id: shelf.catalog_stats.n[numbers[one.id]] for one in goods}
    others = with_explanations(mine, goods, ties, orders, partial(localized_label, tenant))
    return CandidateSet(mine, [*pinned_candidates(tenant, cart, pins, known, prepared), *others], sold)


def sellable_rows(product_ids: Collection[str]) -> dict[str, Any]:
    """The rows of those of the products that can be had at this moment, by their ids."""
    rows = execute(SELECT_SELLABLE_PRODUCTS, {"ids": list(product_ids)}).all() if product_ids else ()
    return {row.id: row for row in rows}


def localized_label(tenant: TenantSettings, name: str) -> str:
    """What a category or tag is called for who reads this; empty when the shop hasn't said that."""
    return tenant.label(name) if tenant.has_translation(name) else ""


def _rank(
    shelf: RecommenderStats, rows: Sequence[Any], prepared: Mapping[str, ProductComplements] = NO_COMPLEMENTS_BY_PRODUCT
) -> list[int]:
    """The numbers of what goes best with the products of these rows, as far as anything speaks for it."""
    known = len(shelf.catalog_stats.n)
    cart = [
        cart_item_features(row, prepared.get(row.product_id, NO_COMPLEMENTS), known)
        for row in rows
        if row.item_index < known
    ]
    groups = {group for one in cart for group in shelf.catalog_stats.groups_of[one.number]}
    return rank_items(shelf, cart, category_pairs(shelf, groups))


def rank_items(
    shelf: RecommenderStats, cart: Sequence[CartItemFeatures], pairs: Mapping[int, Mapping[int, int]]
) -> list[int]:
    """The same for a cart in numbers, given the weights of its groups."""
    known = len(shelf.catalog_stats.n)
    scorer = Scorer(shelf.catalog_stats, cart, pairs)
    others = [*shelf.best]
    for terms, _ in scorer.by_group:
        for group in nlargest(MAX_CATEGORIES, terms, key=terms.__getitem__):
            others += shelf.best_of.get(group, ())
    return [number for score, number in scorer.scores(others) if score > 0 and number < known]


def _diversified(best: Iterable[int], groups_of: Sequence[Sequence[int]], wishes: MerchandisingRules) -> list[int]:
    """The numbers that are worth looking up: where one of a category is shown, a few of each, and the others of the
    same only while there is room, for the case that those are sold out."""
    seen: Counter[tuple[int, ...]] = Counter()
    found: list[int] = []
    others: list[int] = []
    for number in best:
        groups = tuple(groups_of[number])
        seen[groups] += 1
        crowded = groups and wishes.one_per_category and seen[groups] > MAX_CANDIDATES_PER_CATEGORY
        (others if crowded else found).append(number)
        if len(found) == MAX_CANDIDATES:
            break
    return [*found, *others][:MAX_CANDIDATES]


def cart_item_features(row: Any, prepared: ProductComplements, known: int) -> CartItemFeatures:
    numbers, weights, times = unpack_row(bytes(row.cooccurrences))
    completing = [number for number in prepared.products if number < known]
    return CartItemFeatures(
        row.item_index,
        numbers,
        weights,
        times,
        unpack_similar_items(bytes(row.similar_items)),
        completing,
        prepared.groups,
    )


def evidence_for(
    candidates: Mapping[int, ProductText],
    rows: Sequence[Any],
    prepared: Mapping[str, ProductComplements],
    use_generated: bool,
) -> dict[str, list[Evidence]]:
    """For each candidate, by its id, in how many orders it was together with those of the cart, and what was prepared
    about them; in a model's words only with `use_generated`."""
    found: dict[str, list[Evidence]] = {goods.id: [] for goods in candidates.values()}
    for row in rows:
        numbers, _, times = unpack_row(bytes(row.cooccurrences))
        together = dict(zip(numbers, times, strict=True))
        completing = prepared.get(row.product_id, NO_COMPLEMENTS)
        for number, goods in candidates.items():
            tie = completing.evidence(
                row.product_id, together.get(number, 0), number, goods.id, goods.category, use_generated
            )
            if tie.order_count or tie.why or tie.prepared:
                found[goods.id].append(tie)
    return found


def pins_for(tenant: TenantSettings, cart: Sequence[ProductText]) -> dict[str, Pin]:
    """What the shop always suggests with a product of this cart and isn't in it, by its id."""
    inside = {goods.id for goods in cart}
    return {pin.suggest: pin for pin in tenant.upsell.pins if pin.with_id in inside and pin.suggest not in inside}


def pinned_candidates(
    tenant: TenantSettings,
    cart: Sequence[ProductText],
    pins: Mapping[str, Pin],
    sold: Mapping[str, ProductText],
    prepared: Mapping[str, ProductComplements] = NO_COMPLEMENTS_BY_PRODUCT,
) -> list[Candidate]:
    """Those of the pinned products that can be had, each with the pin's reason, else with the shop's for the pair."""
    names, worded = {goods.id: goods.name for goods in cart}, reads_default_language(tenant)
    found = []
    for id, pin in pins.items():
        if id in sold:
            by_shop = prepared.get(pin.with_id, NO_COMPLEMENTS).by_shop.get(id)
            why = (strip_invisible(pin.why) if worded else "") or by_shop or explain_pinned(names[pin.with_id])
            found.append(Candidate(sold[id], why, pinned=True))
    return found


def reads_default_language(tenant: TenantSettings) -> bool:
    """Whether the shopper reads the language in which the shop's own sentences, and those made beforehand, are."""
    return shopper_language() == tenant.default_language
