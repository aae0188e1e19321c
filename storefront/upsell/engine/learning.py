"""Learning which products go together, from what the shop's events say of orders."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from storefront.db.tenancy import execute, insert_if_absent, insert_rows
from storefront.db.transactions import is_writing, release_reader, write
from storefront.events.models import ORDER_CANCELLED, ORDER_PLACED
from storefront.events.queries import count_events, events_after, last_event_id
from storefront.upsell.engine.ledger import Bought, Ledger, Lot, Packed
from storefront.upsell.engine.models import (
    ALL_CATEGORIES,
    BOUGHT,
    FORGET,
    FORGET_GROUPS,
    GROUP_ROWS,
    GROUPS,
    NEXT_GROUP,
    NEXT_NUMBER,
    NUMBERED_ROWS,
    NUMBERS,
    SAVE,
    SAVE_GROUP,
    SAVE_STATE,
    STATE,
    STATE_LOCKED,
    UNNUMBERED,
    GroupAffinity,
    Learned,
    ProductAffinity,
)
from storefront.upsell.engine.rows import group_names

V = TypeVar("V")
SIGNS = {ORDER_PLACED: 1, ORDER_CANCELLED: -1}
BATCH = 30
"""Orders that are learned at once, so that requests get their turn; ten take hardly less time than thirty."""
REBUILT_AT_ONCE = 300
"""Orders that a rebuild holds unpacked in memory."""


def learn(most: int = BATCH) -> bool:
    """Learn the current tenant's next orders. Returns whether there may be more.

    Each exactly once, whoever else tries: it is reckoned without a lock, and written, together with how far it goes,
    only if nobody has written meanwhile. So no order waits for the reckoning.
    """
    since = last_event()
    happened = events_after(since, list(SIGNS), most)
    if not happened:
        return False
    ledger, lot = Ledger(stored_rows, stored_groups), lot_of(happened)
    ledger.learn_all(lot)
    rows, groups = ledger.packed(), ledger.packed_groups()
    with write():
        insert_if_absent(Learned, [{}])
        state = execute(STATE_LOCKED).one()
        if state.event != since:
            return True
        save(rows, groups, happened[-1].id, state.orders + sum(sign for sign, _ in lot))
    return len(happened) == most


def last_event() -> int:
    state = execute(STATE).one_or_none()
    return state.event if state else 0


def lot_of(happened: Sequence[Any]) -> Lot:
    """What these events tell of orders."""
    baskets = bought_in([event.subject for event in happened])
    return [(SIGNS[event.kind], baskets[event.subject]) for event in happened]


def bought_in(order_ids: Sequence[str]) -> dict[str, list[Bought]]:
    """What was in these orders, by their ids; products seen for the first time get their number."""
    lines = execute(BOUGHT, {"orders": list(set(order_ids))}).all()
    known = numbered({line.product_id for line in lines})
    found: dict[str, list[Bought]] = {order_id: [] for order_id in order_ids}
    for line in lines:
        found[line.order_id].append(known[line.product_id])
    return found


def numbered(product_ids: Collection[str]) -> dict[str, Bought]:
    rows = execute(NUMBERS, {"ids": list(product_ids)}).all()
    known: dict[str, int] = dict(execute(GROUPS).all())
    if len(rows) < len(product_ids) or any(name not in known for row in rows for name in group_names(row.category)):
        number_now()
        rows, known = execute(NUMBERS, {"ids": list(product_ids)}).all(), dict(execute(GROUPS).all())
    return {id: Bought(number, [known[name] for name in group_names(category)]) for id, number, category in rows}


def number_now() -> None:
    """Number what is new: in the running write transaction, or in one of its own."""
    if is_writing():
        number_products()
    else:
        with write():
            number_products()


def number_products() -> None:
    """Give every product and group that has none its number, in the catalogue's order. In a running `write()`."""
    execute(STATE_LOCKED)
    first = execute(NEXT_NUMBER).scalar_one()
    new = execute(UNNUMBERED).all()
    if new:
        insert_rows(ProductAffinity, [{"product_id": row.id, "number": first + i} for i, row in enumerate(new)])
    known = {name for name, _ in execute(GROUPS)}
    names = dict.fromkeys(name for row in execute(ALL_CATEGORIES) for name in group_names(row.category))
    first = execute(NEXT_GROUP).scalar_one()
    missing = [name for name in names if name not in known]
    if missing:
        insert_rows(GroupAffinity, [{"name": name, "number": first + i} for i, name in enumerate(missing)])


def stored_rows(numbers: Collection[int]) -> Mapping[int, Packed]:
    rows = execute(NUMBERED_ROWS, {"numbers": list(numbers)})
    return {number: (orders, bytes(together)) for number, orders, together in rows}


def stored_groups(numbers: Collection[int]) -> Mapping[int, bytes]:
    return {number: bytes(together) for number, together in execute(GROUP_ROWS, {"numbers": list(numbers)})}


def save(rows: Mapping[int, Packed], groups: Mapping[int, bytes], event: int, orders: int) -> None:
    changed = [{"the_number": number, "orders": orders, "together": row} for number, (orders, row) in rows.items()]
    if changed:
        execute(SAVE, changed)
    if groups:
        execute(SAVE_GROUP, [{"the_number": number, "together": row} for number, row in groups.items()])
    execute(SAVE_STATE, {"event": event, "orders": orders})


def rebuild(progress: Callable[[int], object] = lambda _: None) -> int:
    """Learn all orders of the current tenant anew, apart from what is served meanwhile, then put it in place at once.
    It comes to the same bytes. Returns how many events were learned; `progress` is told of each lot."""
    with write():
        insert_if_absent(Learned, [{}])
        number_products()
    lots = LotsOfEvents(progress)
    replace(*learned_from(lots), event=lots.last, orders=lots.orders)
    return lots.many


class LotsOfEvents:
    """The current tenant's placed and cancelled orders so far, in lots of (sign, what was bought)."""

    def __init__(self, progress: Callable[[int], object]) -> None:
        self.progress, self.end = progress, last_event_id()
        self.last = self.many = self.orders = 0

    def __iter__(self) -> Iterator[Lot]:
        while happened := events_after(self.last, list(SIGNS), REBUILT_AT_ONCE):
            happened = [event for event in happened if event.id <= self.end]
            if not happened:
                return
            lot = lot_of(happened)
            yield lot
            release_reader()
            self.last, self.many = happened[-1].id, self.many + len(happened)
            self.orders += sum(sign for sign, _ in lot)
            self.progress(len(happened))


def learned_from(lots: Iterable[Lot]) -> tuple[dict[int, Packed], dict[int, bytes]]:
    """The rows of products and groups that orders come to, by their numbers."""
    rows: defaultdict[int, Packed] = defaultdict(lambda: (0, b""))
    groups: defaultdict[int, bytes] = defaultdict(bytes)
    for lot in lots:
        ledger = Ledger(taken_from(rows), taken_from(groups))
        ledger.learn_all(lot)
        rows |= ledger.packed()
        groups |= ledger.packed_groups()
    return rows, groups


def taken_from(kept: Mapping[int, V]) -> Callable[[Collection[int]], Mapping[int, V]]:
    return lambda numbers: {number: kept[number] for number in numbers}


def replace(rows: Mapping[int, Packed], groups: Mapping[int, bytes], event: int, orders: int) -> None:
    """Put these rows in the place of all that was learned up to this event."""
    with write():
        execute(STATE_LOCKED)
        execute(FORGET)
        execute(FORGET_GROUPS)
        save(rows, groups, event, orders)


def how_much_to_learn() -> int:
    """The number of events that a rebuild will learn."""
    return count_events(list(SIGNS))
