"""Counts of failed sign-ins, in the database: for all processes together, and over a restart. If each process counted
on its own, each would let in as many guesses."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from sqlalchemy import Row, case, delete, select, tuple_

from storefront.clock import now
from storefront.db.base import db, table_of
from storefront.db.engine import engines
from storefront.db.transactions import write, write_connection
from storefront.staff.models import FailedSignIns

CLEANUP_BATCH = 500
counts = table_of(FailedSignIns)


@dataclass(frozen=True, order=True)
class Limit:
    """At most `most` failures in a window, which begins with the first of them. `key` is the digest of the address or
    account that they are of."""

    key: str
    window_seconds: int
    most: int


def seconds_to_wait(limits: Sequence[Limit]) -> int | None:
    """Return how long nothing more is let in; None if none of the limits is reached."""
    keys = [limit.key for limit in limits]
    current = select(FailedSignIns).where(FailedSignIns.key.in_(keys), FailedSignIns.expires_at > now())
    return longest_wait(limits, db.session.scalars(current).all(), reached_at=0)


def count_failure(limits: Sequence[Limit]) -> int | None:
    """Count a failure for each of the limits. Return how long nothing more is let in if it was one too many, because
    others failed since `seconds_to_wait` was asked; else None."""
    with write():
        rows = write_connection().execute(counting(limits, now())).all()
    return longest_wait(limits, rows, reached_at=1)


def longest_wait(limits: Sequence[Limit], rows: Sequence[FailedSignIns | Row[Any]], reached_at: int) -> int | None:
    """`reached_at`: by how many a count must be above its limit."""
    most = {(limit.key, limit.window_seconds): limit.most for limit in limits}
    ends = [row.expires_at for row in rows if row.failures >= most[row.key, row.window_seconds] + reached_at]
    return max(1, ceil((max(ends) - now()).total_seconds())) if ends else None


def counting(limits: Sequence[Limit], moment: datetime) -> Any:
    """The statement that counts a failure. A window that is over begins anew. Rows are locked in the order of their
    keys, so that two failures of the same account and address don't deadlock."""
    new = [
        {
            "key": limit.key,
            "window_seconds": limit.window_seconds,
            "failures": 1,
            "expires_at": moment + timedelta(seconds=limit.window_seconds),
        }
        for limit in sorted(limits)
    ]
    insert = engines().dialect.insert(counts).values(new)
    is_over = counts.c.expires_at <= moment
    changes = {
        "failures": case((is_over, 1), else_=counts.c.failures + 1),
        "expires_at": case((is_over, insert.excluded.expires_at), else_=counts.c.expires_at),
    }
    return insert.on_conflict_do_update(index_elements=counts.primary_key, set_=changes).returning(*counts.c)


def forget_failures(limits: Sequence[Limit]) -> None:
    """Delete the counts of these limits."""
    keys = [limit.key for limit in limits]
    with write():
        write_connection().execute(delete(counts).where(counts.c.key.in_(keys)))


def remove_expired_counts() -> int:
    """Delete some of the counts whose window is over. Return how many."""
    is_over = counts.c.expires_at <= now()
    some = select(counts.c.key, counts.c.window_seconds).where(is_over).order_by(counts.c.expires_at)
    with write():
        keys = write_connection().execute(some.limit(CLEANUP_BATCH)).all()
        if not keys:
            return 0
        found = tuple_(counts.c.key, counts.c.window_seconds).in_([tuple(key) for key in keys])
        return write_connection().execute(delete(counts).where(found, is_over)).rowcount
