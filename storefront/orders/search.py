"""Lists of orders for the staff, newest first: by status, since a moment, and by search.

A search finds orders whose number begins with it, whose email address or name does (from any word on), and orders of
products that it finds. It reads candidates, newest first, and then their orders. Both reads are bounded, so that a
search which fits half of a million orders costs no more than one that fits ten."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import Any

from sqlalchemy import Select, bindparam, select, true

from storefront.catalog.models import Product
from storefront.catalog.search import MAX_TERMS
from storefront.catalog.text import search_terms
from storefront.db.base import table_of
from storefront.db.engine import engines
from storefront.db.tenancy import execute, tenant_scoped
from storefront.db.tenant_context import current_tenant_id
from storefront.ids import RANDOM_BITS, id_at
from storefront.orders.fulfilment import IS_TO_SHIP
from storefront.orders.models import HAS_PAYMENT, IS_WITHDRAWN, OrderSearchKey
from storefront.orders.payment_queries import payments_of
from storefront.orders.queries import (
    LINE_COLUMNS,
    ORDER_COLUMNS,
    PRICE_COLUMNS,
    OrderLineView,
    OrderView,
    order_lines,
    order_view,
    orders,
)
from storefront.orders.refund_queries import refunds_of
from storefront.orders.search_keys import beginning
from storefront.orders.validation import order_numbers_beginning_with

MAX_POSITION = 2**63 - 1
MAX_KEYS = 10_000
"""Keys read for one search. One that fits more shows some of them only; another letter shows all."""
MAX_PRODUCTS = 10
MAX_CANDIDATES = 300
"""Orders looked at for each key or product if a status is wanted; those of a rare one may be further back."""
CHUNK, CHUNK_BY_STATUS = 100, 500
"""Candidates whose orders one statement reads; of those by status, only few may come back."""
WITHDRAWN = "withdrawn"
"""In place of a status: orders whose buyer has withdrawn from the contract."""
TO_SHIP = "to_ship"
"""In place of a status: orders that staff have to ship."""
IN_PLACE_OF_STATUS = ("", WITHDRAWN, TO_SHIP)
END = "\U0010ffff"
"""Sorts behind every other character."""


@dataclass(frozen=True)
class OrderQuery:
    """Which orders: `before` and `after` are positions where a page begins, exclusive; `after` reads the page of newer
    orders. Empty criteria match all."""

    q: str = ""
    status: str = ""
    payment: str = ""
    since: datetime | None = None
    before: int | None = None
    after: int | None = None
    by_buyer: bool = True
    """Whether the search may find buyers. Without, it finds numbers and products only: what somebody may not see, they
    may not guess letter by letter."""

    @property
    def is_narrowed(self) -> bool:
        return bool(self.q.strip() or self.status or self.payment or self.since)

    @property
    def low(self) -> int:
        """The position that the orders are behind. `since` is exact to a millisecond."""
        first = id_at(self.since) - (1 << RANDOM_BITS) if self.since else -1
        return min(max(self.after if self.after is not None else -1, first), MAX_POSITION)

    @property
    def high(self) -> int:
        return self.before if self.before is not None else MAX_POSITION


@dataclass(frozen=True)
class OrderPage:
    """Orders, newest first, and whether there are older and newer ones."""

    orders: list[OrderView]
    has_older: bool
    has_newer: bool


def list_orders(query: OrderQuery, limit: int) -> OrderPage:
    """Return `limit` orders at most."""
    rows = matching_rows(query, limit + 1)
    more, rows = len(rows) > limit, rows[:limit]
    if query.after is not None:
        return OrderPage(with_lines(rows[::-1]), has_older=True, has_newer=more)
    return OrderPage(with_lines(rows), has_older=more, has_newer=query.before is not None)


def matching_rows(query: OrderQuery, limit: int) -> list[Any]:
    """Return rows in the direction of reading: the oldest first if the page begins `after` a position."""
    if query.q.strip():
        return list(islice(searched_rows(query, limit), limit))
    oldest_first = query.after is not None
    statement = SELECT_ORDERS[by_status(query), bool(query.payment), oldest_first]
    values: dict[str, Any] = {"low": query.low, "high": query.high, "limit": limit}
    values |= {"status": query.status, "payment": query.payment}
    return [row for row in execute(statement, values) if is_recent(row, query)]


def is_recent(row: Any, query: OrderQuery) -> bool:
    return query.since is None or row.created_at >= query.since


def by_status(query: OrderQuery) -> str:
    """Return which of the statements reads this status."""
    return query.status if query.status in IN_PLACE_OF_STATUS else "status"


def searched_rows(query: OrderQuery, limit: int) -> Iterator[Any]:
    """Yield the orders that the search finds, until the candidates end."""
    positions = candidates(query, MAX_CANDIDATES if query.status or query.payment or query.since else limit)
    statement, size = SELECT_ORDERS_AT[by_status(query)], CHUNK_BY_STATUS if query.status else CHUNK
    while chunk := list(islice(positions, size)):
        found = execute(statement, {"positions": chunk, "status": query.status}).all()
        by_position = {row.position: row for row in found}
        for position in chunk:
            row = by_position.get(position)
            if row and is_recent(row, query) and query.payment in ("", row.payment_status):
                yield row


def candidates(query: OrderQuery, limit: int) -> Iterator[int]:
    """Yield the positions of orders that fit the search, each once, in the direction of reading: `limit` of those with
    a fitting key, and of those with each product."""
    oldest_first = query.after is not None
    bounds = {"low": query.low, "high": query.high, "limit": limit}
    found = [found_by_number(query, bounds)]
    if query.by_buyer:
        found.append(found_by_key(query, bounds))
    for product_id in found_products(query.q):
        found.append(list(execute(SELECT_BY_PRODUCT[oldest_first], {**bounds, "product": product_id}).scalars()))
    last = None
    for position in merge(*found, reverse=not oldest_first):
        if position != last:
            yield position
        last = position


def found_by_number(query: OrderQuery, bounds: dict[str, int]) -> list[int]:
    if not (numbers := order_numbers_beginning_with(query.q)):
        return []
    values = {**bounds, "first": numbers[0], "last": numbers[1]}
    return list(execute(SELECT_BY_NUMBER[query.after is not None], values).scalars())


def found_by_key(query: OrderQuery, bounds: dict[str, int]) -> list[int]:
    return list(execute(SELECT_BY_KEY[query.after is not None], {**bounds, **key_range(query.q)}).scalars())


def key_range(q: str) -> dict[str, str]:
    """Return the range of search keys; an empty one for a search without a word."""
    first = beginning(q)
    return {"first": first, "last": first + END if first else ""}


def found_products(q: str) -> Sequence[str]:
    """Return the ids of products that the catalogue's search finds, whatever their status."""
    terms = search_terms(q)[:MAX_TERMS]
    return execute(select_products(terms)).scalars().all() if terms else []


def with_lines(rows: Sequence[Any]) -> list[OrderView]:
    """Return the orders of these rows with their lines."""
    lines: dict[str, list[OrderLineView]] = {row.id: [] for row in rows}
    payments = payments_of([row.id for row in rows if row.payment_method])
    if rows:
        for line in execute(SELECT_LINES, {"ids": list(lines)}):
            lines[line.order_id].append(OrderLineView(**{name: getattr(line, name) for name in LINE_COLUMNS}))
    refunds = refunds_of([id for id, payment in payments.items() if payment.paid])
    return [order_view(row._mapping, lines[row.id], payments.get(row.id), refunds.get(row.id, [])) for row in rows]


def select_orders(status: str, by_payment: bool, oldest_first: bool) -> Select[Any]:
    order = orders.c.position if oldest_first else orders.c.position.desc()
    statement = (
        select(*(orders.c[name] for name in ORDER_COLUMNS + PRICE_COLUMNS))
        .where(orders.c.position > bindparam("low"), orders.c.position < bindparam("high"))
        .order_by(order)
        .limit(bindparam("limit"))
    )
    if by_payment:
        statement = statement.where(orders.c.payment_status == bindparam("payment"), HAS_PAYMENT)
    return tenant_scoped(statement.where(STATUS_CONDITIONS[status]))


def select_orders_at(status: str) -> Select[Any]:
    columns = (orders.c[name] for name in ORDER_COLUMNS + PRICE_COLUMNS)
    statement = select(*columns).where(orders.c.position.in_(bindparam("positions", expanding=True)))
    return tenant_scoped(statement.where(STATUS_CONDITIONS[status]))


def select_by_key(oldest_first: bool) -> Select[Any]:
    """Of many orders with one key, as a name, those that the page needs are read; of many keys, the last or first."""
    keys = table_of(OrderSearchKey)
    by_key = (keys.c.key, keys.c.position) if oldest_first else (keys.c.key.desc(), keys.c.position.desc())
    found = tenant_scoped(
        select(keys.c.position)
        .where(
            keys.c.key >= bindparam("first"),
            keys.c.key < bindparam("last"),
            keys.c.position > bindparam("low"),
            keys.c.position < bindparam("high"),
        )
        .order_by(*by_key)
        .limit(MAX_KEYS)
    ).subquery()
    order = found.c.position if oldest_first else found.c.position.desc()
    return tenant_scoped(select(found.c.position).distinct().order_by(order).limit(bindparam("limit")))


def select_by_number(oldest_first: bool) -> Select[Any]:
    """A sum isn't indexed. Without it, SQLite goes through all orders in the order of their positions."""
    position = orders.c.position + 0
    return tenant_scoped(
        select(orders.c.position)
        .where(
            orders.c.number.between(bindparam("first"), bindparam("last")),
            position > bindparam("low"),
            position < bindparam("high"),
        )
        .order_by(position if oldest_first else position.desc())
        .limit(bindparam("limit"))
    )


def select_by_product(oldest_first: bool) -> Select[Any]:
    """The orders whose lines of this product lie between the bounds. A line's position is at or shortly behind its
    order's, so the order's own position is compared, too."""
    order = order_lines.c.position if oldest_first else order_lines.c.position.desc()
    found = tenant_scoped(
        select(order_lines.c.order_id)
        .where(
            order_lines.c.product_id == bindparam("product"),
            order_lines.c.position > bindparam("low"),
            order_lines.c.position < bindparam("high"),
        )
        .order_by(order)
        .limit(bindparam("limit"))
    ).subquery()
    within = (orders.c.position > bindparam("low"), orders.c.position < bindparam("high"))
    joined = select(orders.c.position).join(found, found.c.order_id == orders.c.id).where(*within).distinct()
    return tenant_scoped(joined.order_by(orders.c.position if oldest_first else orders.c.position.desc()))


def select_products(terms: Sequence[str]) -> Select[Any]:
    products = table_of(Product)
    matches = engines().dialect.matches_words(products.c.position, current_tenant_id(), terms, MAX_PRODUCTS)
    return tenant_scoped(select(products.c.id).where(matches).order_by(products.c.position).limit(MAX_PRODUCTS))


STATUS_CONDITIONS: Mapping[str, Any] = {
    "": true(),
    "status": orders.c.status == bindparam("status"),
    WITHDRAWN: IS_WITHDRAWN,
    TO_SHIP: IS_TO_SHIP,
}
SELECT_ORDERS = {
    (status, by_payment, oldest_first): select_orders(status, by_payment, oldest_first)
    for status in STATUS_CONDITIONS
    for by_payment in (False, True)
    for oldest_first in (False, True)
}
SELECT_BY_KEY = {oldest_first: select_by_key(oldest_first) for oldest_first in (False, True)}
SELECT_BY_NUMBER = {oldest_first: select_by_number(oldest_first) for oldest_first in (False, True)}
SELECT_BY_PRODUCT = {oldest_first: select_by_product(oldest_first) for oldest_first in (False, True)}
SELECT_ORDERS_AT = {status: select_orders_at(status) for status in STATUS_CONDITIONS}
SELECT_LINES = tenant_scoped(
    select(order_lines.c.order_id, *(order_lines.c[name] for name in LINE_COLUMNS))
    .where(order_lines.c.order_id.in_(bindparam("ids", expanding=True)))
    .order_by(order_lines.c.position)
)
