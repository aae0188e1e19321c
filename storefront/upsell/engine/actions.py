"""Finding what goes with a cart."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from heapq import nlargest
from typing import Any

from storefront.languages.pages import shopper_language
from storefront.tenants.guard import run
from storefront.tenants.models import Tenant, UpsellWishes
from storefront.upsell.assistant.text import plain
from storefront.upsell.engine.complements import NOTHING_PREPARED, UNPREPARED, Prepared, prepared_for
from storefront.upsell.engine.formula import InCart, Scorer
from storefront.upsell.engine.goods import read_goods
from storefront.upsell.engine.models import GOODS_BY_ID, GROUP_ROWS, ROWS_AND_STATE, SOLD_BY_ID
from storefront.upsell.engine.rows import unpack, unpack_alike, unpack_weights
from storefront.upsell.engine.shelf import Shelf, shelf_at
from storefront.upsell.rules import Candidate, Goods, Tie, explained, say_pinned

MOST_ASKED = 20
"""Products of a cart that are asked what goes with them."""
MOST_GROUPS = 12
"""Groups whose bestsellers are looked at, those that go best with the cart."""
MOST_FOUND, MOST_FOUND_OF_A_KIND = 24, 4
"""Candidates, best first, that are looked up as products, in all and of one category where one of each is shown: some
are sold out or not wanted."""


def related(tenant: Tenant, product_ids: Sequence[str]) -> tuple[list[Goods], list[Candidate]]:
    """`goes_with` for products that are known by their ids."""
    known = read_goods(run(GOODS_BY_ID, {"ids": list(product_ids)}).all())
    return goes_with(tenant, [known[id] for id in product_ids if id in known])


def goes_with(tenant: Tenant, cart: Sequence[Goods]) -> tuple[list[Goods], list[Candidate]]:
    """The products of a cart that are looked at, and what goes with it, best first: in stock, not in the cart, as the
    shop wishes."""
    mine, inside = sorted(cart[:MOST_ASKED], key=lambda goods: goods.id), {goods.id for goods in cart}
    pinned = pinned_for(tenant, cart)
    asked = run(ROWS_AND_STATE, {"ids": [goods.id for goods in mine]})
    rows = sorted(asked.all(), key=lambda row: row.product_id)  # so that both databases' answers are alike
    if not rows:
        return mine, pinned
    shelf, prepared = shelf_at(rows[0].event, rows[0].texts, rows[0].orders_learned), prepared_for(rows)
    unwanted = inside | tenant.upsell.exclude | {candidate.goods.id for candidate in pinned}
    best = (number for number in best_numbers(shelf, rows, prepared) if shelf.ids[number] not in unwanted)
    numbers = {shelf.ids[number]: number for number in of_many_kinds(best, shelf.totals.groups_of, tenant.upsell)}
    sold = read_goods(run(SOLD_BY_ID, {"ids": list(numbers)}).all())
    barred = {goods.category for goods in mine if goods.category} if tenant.upsell.bar_categories_in_cart else set()
    goods = [sold[id] for id in numbers if id in sold and sold[id].category not in barred]
    ties = ties_of({numbers[one.id]: one for one in goods}, rows, prepared, in_own_words(tenant))
    orders = {one.id: shelf.totals.n[numbers[one.id]] for one in goods}
    return mine, [*pinned, *explained(mine, goods, ties, orders, partial(label_of, tenant))]


def label_of(tenant: Tenant, name: str) -> str:
    """What a category or tag is called for who reads this; empty when the shop hasn't said that."""
    return tenant.label(name) if tenant.can_say(name) else ""


def best_numbers(shelf: Shelf, rows: Sequence[Any], prepared: Mapping[str, Prepared] = NOTHING_PREPARED) -> list[int]:
    """The numbers of what goes best with the products of these rows, as far as anything speaks for it."""
    known = len(shelf.totals.n)
    cart = [in_cart(row, prepared.get(row.product_id, UNPREPARED), known) for row in rows if row.number < known]
    groups = {group for one in cart for group in shelf.totals.groups_of[one.number]}
    pairs = {row.number: unpack_weights(bytes(row.together)) for row in run(GROUP_ROWS, {"numbers": list(groups)})}
    return ranked(shelf, cart, pairs)


def ranked(shelf: Shelf, cart: Sequence[InCart], pairs: Mapping[int, Mapping[int, int]]) -> list[int]:
    """The same for a cart in numbers, given the weights of its groups."""
    known = len(shelf.totals.n)
    scorer = Scorer(shelf.totals, cart, pairs)
    others = [*shelf.best]
    for terms, _ in scorer.by_group:
        for group in nlargest(MOST_GROUPS, terms, key=terms.__getitem__):
            others += shelf.best_of.get(group, ())
    return [number for score, number in scorer.scores(others) if score > 0 and number < known]


def of_many_kinds(best: Iterable[int], groups_of: Sequence[Sequence[int]], wishes: UpsellWishes) -> list[int]:
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
    candidates: Mapping[int, Goods], rows: Sequence[Any], prepared: Mapping[str, Prepared], worded: bool
) -> dict[str, list[Tie]]:
    """For each candidate, by its id, in how many orders it was together with those of the cart, and what was prepared
    about them, with its words if it is to be `worded`."""
    found: dict[str, list[Tie]] = {goods.id: [] for goods in candidates.values()}
    for row in rows:
        numbers, _, times = unpack(bytes(row.together))
        together = dict(zip(numbers, times, strict=True))
        completing = prepared.get(row.product_id, UNPREPARED)
        for number, goods in candidates.items():
            why = completing.why(number, goods.category) if prepared and worded else ""
            prepared_for_it = number in completing.products
            if number in together or why or prepared_for_it:
                found[goods.id].append(Tie(row.product_id, together.get(number, 0), why, prepared_for_it))
    return found


def pinned_for(tenant: Tenant, cart: Sequence[Goods]) -> list[Candidate]:
    """What the shop always suggests with a product of this cart, if it can be had."""
    names = {goods.id: goods.name for goods in cart}
    pins = {pin.suggest: pin for pin in tenant.upsell.pins if pin.with_id in names}
    wanted = [product_id for product_id in pins if product_id not in names]
    if not wanted:
        return []
    sold = read_goods(run(SOLD_BY_ID, {"ids": wanted}).all())
    worded = in_own_words(tenant)
    return [
        Candidate(sold[id], (plain(pins[id].why) if worded else "") or say_pinned(names[pins[id].with_id]), pinned=True)
        for id in wanted
        if id in sold
    ]


def in_own_words(tenant: Tenant) -> bool:
    """Whether the shopper reads the language in which the shop's own sentences, and those made beforehand, are."""
    return shopper_language() == tenant.lang
