"""Timeouts of a transaction: for a lock, for a statement, and while it is idle.

On PostgreSQL they are set at the beginning of each transaction, because a pooler in transaction mode gives each one
another session. On SQLite only writers wait: there `lock` covers the queue of writers and the write lock.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from storefront.timings import Timeouts, timings

_in_force: ContextVar[Timeouts | None] = ContextVar("storefront_timeouts", default=None)


def timeouts() -> Timeouts:
    """The timeouts for transactions that this thread begins now."""
    return _in_force.get() or timings().request_timeouts


@contextmanager
def timeouts_in_force(limits: Timeouts) -> Iterator[None]:
    """Use these timeouts for the transactions that begin inside."""
    token = _in_force.set(limits)
    try:
        yield
    finally:
        _in_force.reset(token)
