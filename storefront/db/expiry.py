"""Removing old rows, a few at a time, so that nobody waits for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Date, Delete, Select, bindparam, delete, select

from storefront.db.tenancy import execute, tenant_scoped
from storefront.db.transactions import write
from storefront.ids import id_at

BATCH = 25
"""Rows that one transaction removes. A cart takes its lines with it: a hundred carts of 30 lines held up orders for
a fifth of a second."""
FIRST = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Rule:
    """What removes the old rows of a table: `find` gives `key` and `age`, by age, from the parameters `before`, `after`
    (both ages) and `batch`; `remove` takes `keys` and `before`, and must not remove what has been used meanwhile."""

    age: Any
    """The column: a moment, a day, or an id that grows with time."""
    find: Select[Any]
    remove: Delete


def by_age(key: Any, age: Any) -> Rule:
    """For rows that are written once and then only grow old."""
    old = select(key.label("key"), age.label("age")).where(age < bindparam("before"), age >= bindparam("after"))
    remove = delete(key.table).where(key.in_(bindparam("keys", expanding=True)))
    return Rule(age, tenant_scoped(old.order_by(age).limit(bindparam("batch"))), tenant_scoped(remove))


def batches(rule: Rule, before: datetime) -> Iterator[int]:
    """Remove the current tenant's rows that are older than this moment: yields how many went, after each transaction.

    They are looked for outside of it, from where the last look ended: what is old and stays isn't read again each time.
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
    """The moment as this column says it."""
    if isinstance(age.type, BigInteger):
        return id_at(moment)
    return moment.date() if isinstance(age.type, Date) else moment
