"""Timeouts of a transaction: for a lock, for a statement, and while it is idle.

On PostgreSQL they are set at the beginning of each transaction, because a pooler in transaction mode gives each one
another session. On SQLite only writers wait: there `lock` covers the queue of writers and the write lock.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Timeouts:
    """In seconds; 0 means no limit."""

    lock: float
    statement: float
    idle: float
    """For a transaction that runs no statement: PostgreSQL ends it and releases its locks."""


SHOPPER = Timeouts(lock=8, statement=30, idle=30)
"""The default."""
TRAINING = Timeouts(lock=8, statement=0, idle=0)
"""For background jobs, which compute for long between two statements. One locked row must not stop them all."""
BULK = Timeouts(lock=60, statement=0, idle=0)
"""For migrations, catalogue imports and commands: an operator watches them, and no request waits for their thread."""
PROBE = Timeouts(lock=1, statement=2, idle=5)
"""For the readiness probe, whose client gives up after a few seconds."""

_in_force: ContextVar[Timeouts | None] = ContextVar("storefront_timeouts", default=None)


def timeouts() -> Timeouts:
    """The timeouts for transactions that this thread begins now."""
    return _in_force.get() or SHOPPER


@contextmanager
def timeouts_in_force(limits: Timeouts) -> Iterator[None]:
    """Use these timeouts for the transactions that begin inside."""
    token = _in_force.set(limits)
    try:
        yield
    finally:
        _in_force.reset(token)
