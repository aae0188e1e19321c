"""Data retention: deletes old rows in small batches, so that orders don't wait."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Date, Delete, Select, bindparam, delete, select

from storefront.db.tenancy import execute, tenant_scoped
from storefront.db.transactions import write
from storefront.ids import id_at

BATCH = 25
"""Rows deleted per transaction. Deleting a cart deletes its lines: a hundred carts of 30 lines delayed orders by 0.2
s."""
FIRST = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Rule:
    """Statements that delete the old rows of a table. `find` returns (key, age), ordered by age, with the parameters
    `before`, `after` (both ages) and `batch`. `remove` has the parameters `keys` and `before`, and must not delete rows
    that were used meanwhile."""

    age: Any
    """The column with the age: a datetime, a date, or an id that grows with time."""
    find: Select[Any]
    remove: Delete


def by_age(key: Any, age: Any) -> Rule:
    """Return the rule for rows that are never updated."""
    old = select(key, age).where(age < bindparam("before"), age >= bindparam("after"))
    remove = delete(key.table).where(key.in_(bindparam("keys", expanding=True)))
    return Rule(age, tenant_scoped(old.order_by(age).limit(bindparam("batch"))), tenant_scoped(remove))


def batches(rule: Rule, before: datetime) -> Iterator[int]:
    """Delete the current tenant's rows older than `before`. Yields the number of deleted rows after each transaction.

    Rows are found outside of the transaction, starting after the last ones, so that old rows that stay aren't read
    again.
    """
    limit, after = position(rule.age, before), position(rule.age, FIRST)
    while rows := execute(rule.find, {"before": limit, "after": after, "batch": BATCH}).all():
        with write():
            deleted = execute(rule.remove, {"keys": [row[0] for row in rows], "before": limit}).rowcount
        if not deleted:
            return  # all of them are in use again
        after = rows[-1][1]
        yield deleted


def position(age: Any, moment: datetime) -> Any:
    """Convert a datetime to the type of the age column."""
    if isinstance(age.type, BigInteger):
        return id_at(moment)
    return moment.date() if isinstance(age.type, Date) else moment
