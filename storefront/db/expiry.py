"""Data retention: deletes old rows in small batches, so that orders don't wait for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Date, Delete, Select, bindparam, delete, select

from storefront.db.tenancy import execute, tenant_scoped
from storefront.db.transactions import write
from storefront.ids import id_at

BATCH = 25
"""Rows that one transaction deletes. Lines are deleted with their cart: deleting a hundred carts of 30 lines delayed
orders by a fifth of a second."""
FIRST = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Rule:
    """How the old rows of a table are deleted. `find` selects `key` and `age`, sorted by age, with the parameters
    `before`, `after` (both ages) and `batch`. `remove` takes `keys` and `before`, and spares rows used meanwhile."""

    age: Any
    """The column: a moment, a day, or an id that grows with time."""
    find: Select[Any]
    remove: Delete


def by_age(key: Any, age: Any) -> Rule:
    """A rule for rows that never change."""
    old = select(key.label("key"), age.label("age")).where(age < bindparam("before"), age >= bindparam("after"))
    remove = delete(key.table).where(key.in_(bindparam("keys", expanding=True)))
    return Rule(age, tenant_scoped(old.order_by(age).limit(bindparam("batch"))), tenant_scoped(remove))


def batches(rule: Rule, before: datetime) -> Iterator[int]:
    """Delete the current tenant's rows that are older than `before`; yields the number of rows after each transaction.

    Each search starts where the last one ended, so that old rows that stay aren't read again.
    """
    limit, after = position(rule.age, before), position(rule.age, FIRST)
    while rows := execute(rule.find, {"before": limit, "after": after, "batch": BATCH}).all():
        with write():
            gone = execute(rule.remove, {"keys": [row.key for row in rows], "before": limit}).rowcount
        if not gone:
            return  # all of them are in use again
        after = rows[-1].age
        yield gone


def position(age: Any, moment: datetime) -> Any:
    """The moment as a value of this column."""
    if isinstance(age.type, BigInteger):
        return id_at(moment)
    return moment.date() if isinstance(age.type, Date) else moment
