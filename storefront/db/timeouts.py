"""How long the database may keep somebody waiting: for a lock, for a statement, and for who holds a transaction open.

PostgreSQL is told at the beginning of each transaction, because a pooler in transaction mode hands each one to another
session. On SQLite, where only writers wait, `lock` is the time for the whole way to the write lock.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Timeouts:
    """Seconds; 0 is without a limit."""

    lock: float
    statement: float
    idle: float
    """For a transaction in which nothing is asked: PostgreSQL ends it, and what it has locked is free again."""


SHOPPER = Timeouts(lock=8, statement=30, idle=30)
"""In force unless something else is said."""
TRAINING = Timeouts(lock=8, statement=0, idle=0)
"""For jobs in the background, which think long between two statements; one locked row must not stop them all."""
BULK = Timeouts(lock=60, statement=0, idle=0)
"""For migrations, whole catalogues and commands: somebody watches them, and nobody else waits for their thread."""
PROBE = Timeouts(lock=1, statement=2, idle=5)
"""For the readiness probe, whose caller gives up after a second or few."""

_in_force: ContextVar[Timeouts | None] = ContextVar("storefront_timeouts", default=None)


def timeouts() -> Timeouts:
    """Those in force for what this thread does now."""
    return _in_force.get() or SHOPPER


@contextmanager
def timeouts_in_force(limits: Timeouts) -> Iterator[None]:
    """Put these in force for the transactions that begin inside."""
    token = _in_force.set(limits)
    try:
        yield
    finally:
        _in_force.reset(token)
