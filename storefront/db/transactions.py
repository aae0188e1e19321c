"""Connections of the current context, and `write()`: one short write transaction."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flask import Flask, g
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from storefront.config import Settings
from storefront.db import engine
from storefront.db.base import db
from storefront.db.engine import Engines, close_reader, engines
from storefront.db.errors import is_busy
from storefront.db.write_queue import write_slot
from storefront.errors import DatabaseBusy
from storefront.timings import Timings


def current_connection() -> Connection:
    """The connection of the running `write()`, else one that only reads. A session costs more than most statements."""
    return g.get("writer") or g.get("reader") or open_reader()


def is_writing() -> bool:
    """Whether a `write()` is running."""
    return "writer" in g


def write_connection() -> Connection:
    """The connection of the running `write()`. Raises `RuntimeError` outside."""
    found: Connection | None = g.get("writer")
    if found is None:
        raise RuntimeError("rows are written inside write() only")
    return found


def open_reader() -> Connection:
    """Open the connection for reads of the context's tenant."""
    g.reader = reader = engines().read.connect()
    return reader


def release_reader(_fault: BaseException | None = None) -> None:
    """Return the connection that this context reads with. The next read sees what is committed by then."""
    reader: Connection | None = g.pop("reader", None)
    if reader is not None:
        close_reader(reader)


def release_connections() -> None:
    """End what this context reads, before it waits for another server: on PostgreSQL the transaction would be idle
    meanwhile. Raises `RuntimeError` inside `write()`."""
    if is_writing():
        raise RuntimeError("no other server is called inside write()")
    release_reader()
    end_session()


def dispose(app: Flask) -> None:
    """Close the connections that are idle."""
    with app.app_context():
        db.session.remove()
        for each in db.engines.values():
            each.dispose()


# --- transactions -----------------------------------------------------------------------------------------------------


@contextmanager
def write(durable: bool = False) -> Iterator[None]:
    """One short write transaction: commits at the end, rolls back when anything is raised.

    Rows that were read before are read again inside, where they can't change any more. On SQLite the write lock is
    taken at the start (`BEGIN IMMEDIATE`); `durable` makes the commit survive a power cut (`synchronous=FULL`).
    PostgreSQL always commits durably. Raises `DatabaseBusy` when a lock times out (`storefront.timings`),
    `Unavailable` when the lock file can't be opened, and `NestedWrite` inside another `write()` of this thread.
    """
    release_reader()
    end_session()
    g.pop("after_commit", None)
    with write_transaction(durable) as connection:
        g.writer = connection
        try:
            yield
            if session_in_use():
                db.session.commit()  # flushes pending changes
        finally:
            end_session()
            g.pop("writer", None)
    for call in g.pop("after_commit", ()):
        call()


def run_after_commit(call: Callable[[], None]) -> None:
    """Call this when the running `write()` has committed; never if it doesn't."""
    g.setdefault("after_commit", []).append(call)


@contextmanager
def write_transaction(durable: bool) -> Iterator[Connection]:
    """The transaction of `write()` without a tenant, for several tenants. Commits at the end, else rolls back."""
    source = engines().durable_write if durable else engines().write
    with busy_refused(), write_slot(source) as left, source.connect() as connection:
        engines().dialect.set_busy_timeout(connection, left)
        connection.begin()
        yield connection
        connection.commit()


@contextmanager
def busy_refused() -> Iterator[None]:
    """Turn a timeout of a lock, a connection or a statement into the refusal `DatabaseBusy`."""
    try:
        yield
    except (DBAPIError, PoolTimeout) as fault:
        if is_busy(fault):
            raise DatabaseBusy from fault
        raise


def session_in_use() -> bool:
    """Whether this context's session has a transaction. Calling the session first would create one."""
    return db.session.registry.has() and db.session().in_transaction()


def end_session() -> None:
    """Roll back the session's transaction, if it has a session."""
    if db.session.registry.has():
        db.session.rollback()


def init_app(app: Flask, settings: Settings, timings: Timings) -> Engines:
    """Create the app's engines, and return the connection of each context to its pool at the context's end."""
    made = engine.init_app(app, settings, timings)
    app.teardown_appcontext(release_reader)
    return made
