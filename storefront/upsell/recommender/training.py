"""Learning which products go together, from what the shop's events say of orders."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from storefront.db.tenancy import execute, insert_if_absent, insert_rows
from storefront.db.transactions import is_writing, release_reader, write
from storefront.events.models import EventType
from storefront.events.queries import count_events, events_after, last_event_id
from storefront.upsell.recommender.cooccurrence import category_names
from storefront.upsell.recommender.cooccurrence_update import BasketItem, CooccurrenceUpdate, OrderBatch, PackedRow
from storefront.upsell.recommender.models import CategoryAffinity, ProductAffinity, TrainingState
from storefront.upsell.recommender.queries import (
    LOCK_TRAINING_STATE,
    RESET_CATEGORY_ROWS,
    RESET_ROWS,
    SELECT_CATEGORY_INDEXES,
    SELECT_CATEGORY_ROWS,
    SELECT_DISTINCT_CATEGORIES,
    SELECT_ITEM_INDEXES,
    SELECT_NEXT_CATEGORY_INDEX,
    SELECT_NEXT_ITEM_INDEX,
    SELECT_ORDER_PRODUCTS,
    SELECT_ROWS_BY_INDEX,
    SELECT_TRAINING_STATE,
    SELECT_UNINDEXED_PRODUCTS,
    UPDATE_CATEGORY_ROWS,
    UPDATE_ROWS,
    UPDATE_TRAINING_STATE,
)

V = TypeVar("V")
EVENT_SIGN = {EventType.ORDER_PLACED: 1, EventType.ORDER_CANCELLED: -1}
TRAINING_BATCH_SIZE = 30
"""Orders that are learned at once, so that requests get their turn; ten take hardly less time than thirty."""
RETRAIN_BATCH_SIZE = 300
"""Orders that a rebuild holds unpacked in memory."""


def train_incrementally(most: int = TRAINING_BATCH_SIZE) -> bool:
    """Learn the current tenant's next orders. Returns whether there may be more.

    Each exactly once, whoever else tries: it is reckoned without a lock, and written, together with how far it goes,
    only if nobody has written meanwhile. So no order waits for the reckoning.
    """
    since = last_trained_event_id()
    happened = events_after(since, list(EVENT_SIGN), most)
    if not happened:
        return False
    ledger, lot = CooccurrenceUpdate(stored_rows, stored_groups), order_batch(happened)
    ledger.learn_all(lot)
    rows, groups = ledger.packed(), ledger.packed_groups()
    with write():
        insert_if_absent(TrainingState, [{}])
        state = execute(LOCK_TRAINING_STATE).one()
        if state.last_event_id != since:
            return True
        save_rows(rows, groups, happened[-1].id, state.order_count + sum(sign for sign, _ in lot))
    return len(happened) == most


def last_trained_event_id() -> int:
    state = execute(SELECT_TRAINING_STATE).one_or_none()
    return state.last_event_id if state else 0


def order_batch(happened: Sequence[Any]) -> OrderBatch:
    """What these events tell of orders."""
    baskets = baskets_of([event.subject for event in happened])
    return [(EVENT_SIGN[event.type], baskets[event.subject]) for event in happened]


def baskets_of(order_ids: Sequence[str]) -> dict[str, list[BasketItem]]:
    """What was in these orders, by their ids; products seen for the first time get their number."""
    lines = execute(SELECT_ORDER_PRODUCTS, {"orders": list(set(order_ids))}).all()
    known = item_indexes({line.product_id for line in lines})
    found: dict[str, list[BasketItem]] = {order_id: [] for order_id in order_ids}
    for line in lines:
        found[line.order_id].append(known[line.product_id])
    return found


def item_indexes(product_ids: Collection[str]) -> dict[str, BasketItem]:
    rows = execute(SELECT_ITEM_INDEXES, {"ids": list(product_ids)}).all()
    known: dict[str, int] = dict(execute(SELECT_CATEGORY_INDEXES).all())
    if len(rows) < len(product_ids) or any(name not in known for row in rows for name in category_names(row.category)):
        assign_item_indexes_now()
        rows, known = (
            execute(SELECT_ITEM_INDEXES, {"ids": list(product_ids)}).all(),
            dict(execute(SELECT_CATEGORY_INDEXES).all()),
        )
    return {
        row.product_id: BasketItem(row.item_index, [known[name] for name in category_names(row.category)])
        for row in rows
    }


def assign_item_indexes_now() -> None:
    """Number what is new: in the running write transaction, or in one of its own."""
    if is_writing():
        assign_item_indexes()
    else:
        with write():
            assign_item_indexes()


def assign_item_indexes() -> None:
    """Give every product and group that has none its number, in the catalogue's order. In a running `write()`."""
    execute(LOCK_TRAINING_STATE)
    first = execute(SELECT_NEXT_ITEM_INDEX).scalar_one()
    new = execute(SELECT_UNINDEXED_PRODUCTS).all()
    if new:
        insert_rows(ProductAffinity, [{"product_id": row.id, "item_index": first + i} for i, row in enumerate(new)])
    known = {name for name, _ in execute(SELECT_CATEGORY_INDEXES)}
    names = dict.fromkeys(name for row in execute(SELECT_DISTINCT_CATEGORIES) for name in category_names(row.category))
    first = execute(SELECT_NEXT_CATEGORY_INDEX).scalar_one()
    missing = [name for name in names if name not in known]
    if missing:
        insert_rows(CategoryAffinity, [{"name": name, "category_index": first + i} for i, name in enumerate(missing)])


def stored_rows(numbers: Collection[int]) -> Mapping[int, PackedRow]:
    rows = execute(SELECT_ROWS_BY_INDEX, {"indexes": list(numbers)})
    return {row.item_index: (row.order_count, bytes(row.cooccurrences)) for row in rows}


def stored_groups(numbers: Collection[int]) -> Mapping[int, bytes]:
    rows = execute(SELECT_CATEGORY_ROWS, {"indexes": list(numbers)})
    return {row.category_index: bytes(row.cooccurrences) for row in rows}


def save_rows(rows: Mapping[int, PackedRow], groups: Mapping[int, bytes], event: int, orders: int) -> None:
    changed = [
        {"the_index": number, "order_count": count, "cooccurrences": row} for number, (count, row) in rows.items()
    ]
    if changed:
        execute(UPDATE_ROWS, changed)
    if groups:
        execute(UPDATE_CATEGORY_ROWS, [{"the_index": number, "cooccurrences": row} for number, row in groups.items()])
    execute(UPDATE_TRAINING_STATE, {"last_event_id": event, "order_count": orders})


def retrain(progress: Callable[[int], object] = lambda _: None) -> int:
    """Learn all orders of the current tenant anew, apart from what is served meanwhile, then put it in place at once.
    It comes to the same bytes. Returns how many events were learned; `progress` is told of each lot."""
    with write():
        insert_if_absent(TrainingState, [{}])
        assign_item_indexes()
    lots = OrderBatches(progress)
    replace_rows(*train_rows(lots), event=lots.last, orders=lots.orders)
    return lots.many


class OrderBatches:
    """The current tenant's placed and cancelled orders so far, in lots of (sign, what was bought)."""

    def __init__(self, progress: Callable[[int], object]) -> None:
        self.progress, self.end = progress, last_event_id()
        self.last = self.many = self.orders = 0

    def __iter__(self) -> Iterator[OrderBatch]:
        while happened := events_after(self.last, list(EVENT_SIGN), RETRAIN_BATCH_SIZE):
            happened = [event for event in happened if event.id <= self.end]
            if not happened:
                return
            lot = order_batch(happened)
            yield lot
            release_reader()
            self.last, self.many = happened[-1].id, self.many + len(happened)
            self.orders += sum(sign for sign, _ in lot)
            self.progress(len(happened))


def train_rows(lots: Iterable[OrderBatch]) -> tuple[dict[int, PackedRow], dict[int, bytes]]:
    """The rows of products and groups that orders come to, by their numbers."""
    rows: defaultdict[int, PackedRow] = defaultdict(lambda: (0, b""))
    groups: defaultdict[int, bytes] = defaultdict(bytes)
    for lot in lots:
        ledger = CooccurrenceUpdate(reader_of(rows), reader_of(groups))
        ledger.learn_all(lot)
        rows |= ledger.packed()
        groups |= ledger.packed_groups()
    return rows, groups


def reader_of(kept: Mapping[int, V]) -> Callable[[Collection[int]], Mapping[int, V]]:
    return lambda numbers: {number: kept[number] for number in numbers}


def replace_rows(rows: Mapping[int, PackedRow], groups: Mapping[int, bytes], event: int, orders: int) -> None:
    """Put these rows in the place of all that was learned up to this event."""
    with write():
        execute(LOCK_TRAINING_STATE)
        execute(RESET_ROWS)
        execute(RESET_CATEGORY_ROWS)
        save_rows(rows, groups, event, orders)


def count_training_events() -> int:
    """The number of events that a rebuild will learn."""
    return count_events(list(EVENT_SIGN))
