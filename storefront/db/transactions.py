"""Connections of the current context, and `write()`: one short write transaction."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask, g, has_app_context
from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from storefront.config import Settings
from storefront.db import engine
from storefront.db.base import db
from storefront.db.engine import (
    FULL,
    NORMAL,
    READ,
    borrowed,
    current_engine,
    engine_options,
    give_back,
    idle,
    set_busy_timeout,
    take,
)
from storefront.db.errors import is_busy
from storefront.db.tenant_context import SET_TENANT
from storefront.db.timeouts import timeouts
from storefront.db.write_queue import write_slot
from storefront.errors import DatabaseBusy

SET_TIMEOUTS = (
    "SELECT set_config('lock_timeout', %s, true), set_config('statement_timeout', %s, true), "
    "set_config('idle_in_transaction_session_timeout', %s, true)"
)


def begin_on_postgresql(connection: Connection) -> None:
    """Tell PostgreSQL, for the transaction that begins, how long it may wait, and which tenant its row-level policies
    are for, if it acts for one: in one statement, because each takes a round trip. Only for the transaction, so that a
    pooler may hand the next one to another session."""
    limits = timeouts()
    values = [f"{seconds * 1000:.0f}" for seconds in (limits.lock, limits.statement, limits.idle)]
    tenant_id = g.get("tenant_id") if has_app_context() else None
    if tenant_id is None:
        connection.exec_driver_sql(SET_TIMEOUTS, tuple(values))
    else:
        connection.exec_driver_sql(f"{SET_TIMEOUTS}, {SET_TENANT}", (*values, tenant_id))


ADVISORY_LOCK = (
    "SELECT set_config('lock_timeout', '0', true), pg_advisory_xact_lock(%s), set_config('lock_timeout', %s, true)"
)


def lock_among_machines(connection: Connection, key: int) -> None:
    """On PostgreSQL, wait until no other machine has this lock, for as long as it takes: what it does under it may take
    minutes. Held until the transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(ADVISORY_LOCK, (key, f"{timeouts().lock * 1000:.0f}"))


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
    """One that asks, bound to the tenant. On SQLite each question by itself sees what is committed."""
    g.reader = reader = take(READ)
    return reader


def release_reader(_fault: BaseException | None = None) -> None:
    """Give back what this context read with; the next question sees what is there then."""
    reader: Connection | None = g.pop("reader", None)
    if reader is not None:
        give_back(reader, READ)


def dispose(app: Flask) -> None:
    """Close what is open and not in use."""
    for waiting in idle(app).values():
        while waiting:
            waiting.pop().close()
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


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
    with busy_refused(), write_slot(current_engine()) as left, borrowed(FULL if durable else NORMAL) as connection:
        set_busy_timeout(connection, left)
        connection.begin()
        g.writer = connection
        try:
            yield
            if session_in_use():
                db.session.commit()  # writes what waits there
            connection.commit()
        finally:
            end_session()
            g.pop("writer", None)


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
    app.config["SQLALCHEMY_DATABASE_URI"] = settings.database_url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(settings)
    db.init_app(app)
    app.teardown_appcontext(release_reader)
    with app.app_context():
        engine.lend(app, db.engine)
        if db.engine.dialect.name == "postgresql":
            event.listen(db.engine, "begin", begin_on_postgresql)
