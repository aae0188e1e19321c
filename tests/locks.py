"""Sessions of somebody else that keep something locked in the database."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from tests.conftest import connect


@contextmanager
def forgotten_session(url: str, statement: str) -> Iterator[None]:
    """Somebody's `psql` with an open transaction in the north."""
    with closing(connect(url)) as session, session.transaction(force_rollback=True):
        session.execute("SELECT set_config('storefront.tenant_id', 'north', true)")
        session.execute(statement)
        yield


@contextmanager
def somebody_writes(url: str, statement: str) -> Iterator[None]:
    """Hold a lock that `statement` needs. On SQLite any open write transaction does, on PostgreSQL a locked row."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as shell:
            shell.execute("BEGIN IMMEDIATE")
            yield
            shell.execute("ROLLBACK")
    else:
        with forgotten_session(url, statement):
            yield
