"""Connections of the current context, and `write()`: one short write transaction."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask, g
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from storefront.config import Settings
from storefront.db import engine
from storefront.db.base import db
from storefront.db.engine import close_reader, engines
from storefront.db.errors import is_busy
from storefront.db.write_queue import write_slot
from storefront.errors import DatabaseBusy


def current_connection() -> Connection:
    """That of `write()` inside it, else one that only reads: a session costs more than most questions."""
    return g.get("writer") or g.get("reader") or open_reader()


def is_writing() -> bool:
    """Whether this is inside a `write()`."""
    return "writer" in g


def write_connection() -> Connection:
    """That of the running `write()`; raises `RuntimeError` outside."""
    found: Connection | None = g.get("writer")
    if found is None:
        raise RuntimeError("rows are written inside write() only")
    return found


def open_reader() -> Connection:
    """One that only reads, for the context's tenant."""
    g.reader = reader = engines().read.connect()
    return reader


def release_reader(_fault: BaseException | None = None) -> None:
    """Give back what this context read with; the next question sees what is there then."""
    reader: Connection | None = g.pop("reader", None)
    if reader is not None:
        close_reader(reader)


def dispose(app: Flask) -> None:
    """Close the connections that are open and not in use."""
    with app.app_context():
        db.session.remove()
        for each in db.engines.values():
            each.dispose()


# --- transactions -----------------------------------------------------------------------------------------------------


@contextmanager
def write(durable: bool = False) -> Iterator[None]:
    """One short write transaction: commits at the end, rolls back when anything is raised.

    Whatever was read before is read again inside, where it can't change any more. On SQLite the write lock is taken at
    the start (`BEGIN IMMEDIATE`); `durable` makes the commit survive a power cut (`synchronous=FULL`). PostgreSQL
    always commits durably. Raises `DatabaseBusy` when a lock can't be had in time (`storefront.db.timeouts`),
    `Unavailable` when the queue of writers can't be joined, and `NestedWrite` inside another `write()` of this thread.
    """
    release_reader()
    end_session()
    with write_transaction(durable) as connection:
        g.writer = connection
        try:
            yield
            if session_in_use():
                db.session.commit()  # writes what waits there
        finally:
            end_session()
            g.pop("writer", None)


@contextmanager
def write_transaction(durable: bool) -> Iterator[Connection]:
    """The transaction of `write()` by itself, to write for several tenants: commits at the end, else rolls back."""
    source = engines().durable_write if durable else engines().write
    with busy_refused(), write_slot(source) as left, source.connect() as connection:
        engines().dialect.set_busy_timeout(connection, left)
        connection.begin()
        yield connection
        connection.commit()


@contextmanager
def busy_refused() -> Iterator[None]:
    """A lock or an answer that doesn't come in time is a refusal, like any other reason not to do what was asked."""
    try:
        yield
    except (DBAPIError, PoolTimeout) as fault:
        if is_busy(fault):
            raise DatabaseBusy from fault
        raise


def session_in_use() -> bool:
    """Whether this context's session has a transaction; asking the session itself would make one."""
    return db.session.registry.has() and db.session().in_transaction()


def end_session() -> None:
    """Let go of what the session has read and not written."""
    if db.session.registry.has():
        db.session.rollback()


def init_app(app: Flask, settings: Settings) -> None:
    engine.init_app(app, settings)
    app.teardown_appcontext(release_reader)
