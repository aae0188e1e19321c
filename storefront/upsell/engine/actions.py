"""Finding what goes with a cart."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from heapq import nlargest
from typing import Any

from storefront.catalog.queries import ProductView
from storefront.db.tenancy import execute
from storefront.i18n.locale import shopper_language
from storefront.tenants.settings import MerchandisingRules, Pin, TenantSettings
from storefront.upsell.engine.complements import NOTHING_PREPARED, UNPREPARED, Prepared, prepared_for
from storefront.upsell.engine.formula import InCart, Scorer
from storefront.upsell.engine.goods import offered, read_goods
from storefront.upsell.engine.models import GOODS_BY_ID, GOODS_ROWS_AND_STATE, ROWS_AND_STATE, SOLD_BY_ID
from storefront.upsell.engine.rows import unpack, unpack_alike
from storefront.upsell.engine.shelf import Shelf, pairs_of, shelf_at
from storefront.upsell.explanations import explain_pinned, with_explanations
from storefront.upsell.llm.moderation.normalization import strip_invisible
from storefront.upsell.types import Candidate, Evidence, ProductText

MOST_ASKED = 20
"""Products of a cart that are asked what goes with them."""
MOST_GROUPS = 12
"""Groups whose bestsellers are looked at, those that go best with the cart."""
MOST_FOUND, MOST_FOUND_OF_A_KIND = 24, 4
"""Candidates, best first, that are looked up as products, in all and of one category where one of each is shown: some
are sold out or not wanted."""


@dataclass(frozen=True)
class Fitting:
    """What goes with a cart. `cart` are the products of it that were looked at, `candidates` come best first, and
    `rows` are what was read of these, by their ids."""

    cart: list[ProductText]
    candidates: list[Candidate]
    rows: Mapping[str, Any]

    def offers(self, product_ids: Iterable[str]) -> dict[str, ProductView]:
        """Those of the products as they were when this was found, by their ids."""
        return {id: offered(self.rows[id]) for id in product_ids if id in self.rows}


def related(tenant: TenantSettings, product_ids: Sequence[str]) -> Fitting:
    """`goes_with` for products that are known by their ids."""
    rows = execute(GOODS_ROWS_AND_STATE, {"ids": list(product_ids[:MOST_ASKED])}).all()
    known = read_goods(rows)
    if missing := [id for id in product_ids if id not in known]:  # many, or so new that they have no row yet
        known |= read_goods(execute(GOODS_BY_ID, {"ids": missing}).all())
    return fitting(tenant, [known[id] for id in product_ids if id in known], rows)


def goes_with(tenant: TenantSettings, cart: Sequence[ProductText]) -> Fitting:
    """What goes with a cart: in stock, not in the cart, as the shop wishes."""
    rows = execute(ROWS_AND_STATE, {"ids": [goods.id for goods in cart[:MOST_ASKED]]}).all()
    return fitting(tenant, cart, rows)


def fitting(tenant: TenantSettings, cart: Sequence[ProductText], asked: Sequence[Any]) -> Fitting:
    """The same, given the rows of the first `MOST_ASKED` products of the cart."""
    mine, inside = sorted(cart[:MOST_ASKED], key=lambda goods: goods.id), {goods.id for goods in cart}
    pins = pins_for(tenant, cart)
    rows = sorted(asked, key=lambda row: row.product_id)  # so that both databases' answers are alike
    if not rows:
        sold = sold_of(pins)
        return Fitting(mine, pinned(tenant, cart, pins, read_goods(sold.values())), sold)
    shelf, prepared = shelf_at(rows[0].event, rows[0].texts, rows[0].orders_learned), prepared_for(rows)
    unwanted = inside | tenant.upsell.exclude | pins.keys()
    best = (number for number in best_numbers(shelf, rows, prepared) if shelf.ids[number] not in unwanted)
    numbers = {shelf.ids[number]: number for number in of_many_kinds(best, shelf.totals.groups_of, tenant.upsell)}
    sold = sold_of([*pins, *numbers])
    known = read_goods(sold.values())
    barred = {goods.category for goods in mine if goods.category} if tenant.upsell.bar_categories_in_cart else set()
    goods = [known[id] for id in numbers if id in known and known[id].category not in barred]
    ties = ties_of({numbers[one.id]: one for one in goods}, rows, prepared, in_own_words(tenant))
    orders = {one.id: shelf.totals.n[numbers[one.id]] for one in goods}
    others = with_explanations(mine, goods, ties, orders, partial(label_of, tenant))
    return Fitting(mine, [*pinned(tenant, cart, pins, known), *others], sold)


def sold_of(product_ids: Collection[str]) -> dict[str, Any]:
    """The rows of those of the products that can be had at this moment, by their ids."""
    rows = execute(SOLD_BY_ID, {"ids": list(product_ids)}).all() if product_ids else ()
    return {row.id: row for row in rows}


def label_of(tenant: TenantSettings, name: str) -> str:
    """What a category or tag is called for who reads this; empty when the shop hasn't said that."""
    return tenant.label(name) if tenant.has_translation(name) else ""


def best_numbers(shelf: Shelf, rows: Sequence[Any], prepared: Mapping[str, Prepared] = NOTHING_PREPARED) -> list[int]:
    """The numbers of what goes best with the products of these rows, as far as anything speaks for it."""
    known = len(shelf.totals.n)
    cart = [in_cart(row, prepared.get(row.product_id, UNPREPARED), known) for row in rows if row.number < known]
    groups = {group for one in cart for group in shelf.totals.groups_of[one.number]}
    return ranked(shelf, cart, pairs_of(shelf, groups))


def ranked(shelf: Shelf, cart: Sequence[InCart], pairs: Mapping[int, Mapping[int, int]]) -> list[int]:
    """The same for a cart in numbers, given the weights of its groups."""
    known = len(shelf.totals.n)
    scorer = Scorer(shelf.totals, cart, pairs)
    others = [*shelf.best]
    for terms, _ in scorer.by_group:
        for group in nlargest(MOST_GROUPS, terms, key=terms.__getitem__):
            others += shelf.best_of.get(group, ())
    return [number for score, number in scorer.scores(others) if score > 0 and number < known]


def of_many_kinds(best: Iterable[int], groups_of: Sequence[Sequence[int]], wishes: MerchandisingRules) -> list[int]:
    """The numbers that are worth looking up: where one of a category is shown, a few of each, and the others of the
    same only while there is room, for the case that those are sold out."""
    seen: Counter[tuple[int, ...]] = Counter()
    found: list[int] = []
    others: list[int] = []
    for number in best:
        groups = tuple(groups_of[number])
        seen[groups] += 1
        crowded = groups and wishes.one_per_category and seen[groups] > MOST_FOUND_OF_A_KIND
        (others if crowded else found).append(number)
        if len(found) == MOST_FOUND:
            break
    return [*found, *others][:MOST_FOUND]


def in_cart(row: Any, prepared: Prepared, known: int) -> InCart:
    numbers, weights, times = unpack(bytes(row.together))
    completing = [number for number in prepared.products if number < known]
    return InCart(
        row.number,
        numbers,
        weights,
        times,
        unpack_alike(bytes(row.alike)),
        completing,
        prepared.groups,
    )


def ties_of(
    candidates: Mapping[int, ProductText], rows: Sequence[Any], prepared: Mapping[str, Prepared], worded: bool
) -> dict[str, list[Evidence]]:
    """For each candidate, by its id, in how many orders it was together with those of the cart, and what was prepared
    about them, with its words if it is to be `worded`."""
    found: dict[str, list[Evidence]] = {goods.id: [] for goods in candidates.values()}
    for row in rows:
        numbers, _, times = unpack(bytes(row.together))
        together = dict(zip(numbers, times, strict=True))
        completing = prepared.get(row.product_id, UNPREPARED)
        for number, goods in candidates.items():
            why = completing.why(number, goods.category) if prepared and worded else ""
            prepared_for_it = number in completing.products
            if number in together or why or prepared_for_it:
                found[goods.id].append(Evidence(row.product_id, together.get(number, 0), why, prepared_for_it))
    return found


def pins_for(tenant: TenantSettings, cart: Sequence[ProductText]) -> dict[str, Pin]:
    """What the shop always suggests with a product of this cart and isn't in it, by its id."""
    inside = {goods.id for goods in cart}
    return {pin.suggest: pin for pin in tenant.upsell.pins if pin.with_id in inside and pin.suggest not in inside}


def pinned(
    tenant: TenantSettings, cart: Sequence[ProductText], pins: Mapping[str, Pin], sold: Mapping[str, ProductText]
) -> list[Candidate]:
    """Those of the pinned products that can be had, with the shop's own reason."""
    names, worded = {goods.id: goods.name for goods in cart}, in_own_words(tenant)
    return [
        Candidate(
            sold[id], (strip_invisible(pin.why) if worded else "") or explain_pinned(names[pin.with_id]), pinned=True
        )
        for id, pin in pins.items()
        if id in sold
    ]


def in_own_words(tenant: TenantSettings) -> bool:
    """Whether the shopper reads the language in which the shop's own sentences, and those made beforehand, are."""
    return shopper_language() == tenant.default_language
