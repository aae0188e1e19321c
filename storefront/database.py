"""The database: engine set-up for SQLite and PostgreSQL, and `write()`, one short write transaction.

One application context is one session, and acts for at most one tenant (`g.tenant_id`), to which PostgreSQL's row-level
security is bound in each transaction. `storefront.tenants.guard` holds every statement to that tenant.
"""

import fcntl
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from flask import Flask, current_app, g
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session as BoundSession
from sqlalchemy import Connection, Engine, MetaData, Table, event, make_url
from sqlalchemy.exc import DontWrapMixin, OperationalError
from sqlalchemy.orm import DeclarativeBase, Session, SessionTransaction

from storefront.config import Settings
from storefront.errors import Busy

BUSY_TIMEOUT = 10
"""Seconds that a writer waits for SQLite's one write lock."""
READ, NORMAL, FULL = "READ", "NORMAL", "FULL"
"""What a connection is for: asking, or writing with this `synchronous` of SQLite's."""
EPOCH, RANDOM_BITS = 1_704_067_200_000, 22
"""What an id is made of: milliseconds since this moment of the Unix clock (2024), and so many random bits."""
TENANT_SETTING = "storefront.tenant_id"
"""The PostgreSQL setting that the row-level policies compare with."""


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class JoiningSession(BoundSession):
    """Inside `write()` it is part of that transaction."""

    def get_bind(self, *asked: Any, **more: Any) -> Engine | Connection:
        writing: Connection | None = g.get("writer")
        return super().get_bind(*asked, **more) if writing is None else writing


db = SQLAlchemy(model_class=Base, session_options={"class_": JoiningSession, "expire_on_commit": False})

if TYPE_CHECKING:

    class Model(Base):
        """What tables are made from; Flask-SQLAlchemy makes it at run time."""

        __abstract__ = True

else:
    Model = db.Model


class NoTenant(DontWrapMixin, RuntimeError):
    """Something asked for a tenant's rows without saying which tenant."""


def current_tenant_id() -> str:
    """The tenant that this application context acts for; raises `NoTenant`."""
    tenant_id: str | None = g.get("tenant_id")
    if tenant_id is None:
        raise NoTenant("a tenant's rows were asked for outside a tenant")
    return tenant_id


@contextmanager
def acting_for(tenant_id: str) -> Iterator[None]:
    """A context of its own, with its own session, that acts for this tenant: for commands and other threads."""
    with current_app.app_context():
        g.tenant_id = tenant_id
        yield


def new_id() -> int:
    """A 63-bit id that grows with time (milliseconds since 2024, then 22 random bits), so that rows sort by age."""
    return (time.time_ns() // 1_000_000 - EPOCH) << RANDOM_BITS | secrets.randbits(RANDOM_BITS)


def id_at(moment: datetime) -> int:
    """The lowest id that could be made at this moment."""
    return (round(moment.timestamp() * 1000) - EPOCH) << RANDOM_BITS


def new_token() -> str:
    """128 unguessable bits as 22 characters that are safe in an address."""
    return secrets.token_urlsafe(16)


def is_id(text: str) -> bool:
    """Whether a text from outside can be the id of anything; what can't is not even asked for."""
    return 0 < len(text) <= 64 and text.isascii() and text.isprintable()


def engine() -> Engine:
    """The app's engine, which Flask-SQLAlchemy would look for at each question."""
    found: Engine = current_app.extensions["storefront_engine"]
    return found


def table_of(model: type[Model]) -> Table:
    """The Core table behind a model."""
    return cast(Table, model.__table__)


@event.listens_for(db.session, "after_begin")
def bind_tenant(_session: Session, _transaction: SessionTransaction, connection: Connection) -> None:
    if connection is not g.get("writer"):
        bind_if_any(connection)


def bind_if_any(connection: Connection) -> None:
    tenant_id = g.get("tenant_id")
    if tenant_id is not None:
        bind(connection, tenant_id)


def bind(connection: Connection, tenant_id: str) -> None:
    """Tell PostgreSQL's row-level policies which tenant the running transaction acts for; nothing to do on SQLite."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT set_config(%s, %s, true)", (TENANT_SETTING, tenant_id))


def connection() -> Connection:
    """That of `write()` inside it, else one that only reads: a session costs more than most questions."""
    return g.get("writer") or g.get("reader") or open_reader()


def is_writing() -> bool:
    """Whether this is inside a `write()`."""
    return "writer" in g


def writer() -> Connection:
    """That of the running `write()`; raises `RuntimeError` outside."""
    found: Connection | None = g.get("writer")
    if found is None:
        raise RuntimeError("rows are written inside write() only")
    return found


def open_reader() -> Connection:
    """One that asks, bound to the tenant. On SQLite each question by itself sees what is committed."""
    reader = take(READ)
    bind_if_any(reader)
    g.reader = reader
    return reader


def release(_fault: BaseException | None = None) -> None:
    """Give back what this context read with; the next question sees what is there then."""
    reader: Connection | None = g.pop("reader", None)
    if reader is not None:
        give_back(reader, READ)


def take(use: str) -> Connection:
    """A connection for this use. On SQLite one that another context is done with: to make one ready costs as much as a
    question."""
    if engine().dialect.name != "sqlite":
        return engine().connect()
    try:
        return idle(current_app)[use].pop()
    except IndexError:
        connection = engine().connect()
    if use != READ:
        cursor = connection.connection.cursor()  # below what begins a transaction, inside which this can't be set
        cursor.execute(f"PRAGMA synchronous={use}")
        cursor.close()
    return connection.execution_options(storefront_use=use)


def give_back(connection: Connection, use: str) -> None:
    if connection.dialect.name == "sqlite" and not connection.invalidated:
        idle(current_app)[use].append(connection)
    else:
        connection.close()


@contextmanager
def borrowed(use: str) -> Iterator[Connection]:
    """What `take` has, given back at the end without what wasn't committed."""
    connection = take(use)
    try:
        yield connection
    finally:
        connection.rollback()
        give_back(connection, use)


def idle(app: Flask) -> dict[str, list[Connection]]:
    """SQLite's connections that wait for who needs one next, by their use."""
    found: dict[str, list[Connection]] = app.extensions["storefront_idle"]
    return found


def dispose(app: Flask) -> None:
    """Close what is open and not in use."""
    for connections in idle(app).values():
        while connections:
            connections.pop().close()
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


# --- transactions -----------------------------------------------------------------------------------------------------

_one_thread = threading.Lock()


@contextmanager
def turn_to_write() -> Iterator[None]:
    """On SQLite, wait for this writer's turn: among this process's threads by a lock, among the processes of this
    machine by flock(2) on a file beside the database. Both wake the next one at once, while SQLite's own queue sleeps
    and is unfair: without this, the slowest of a hundred orders waits five times as long.

    Raises `Busy` when the turn doesn't come in time.
    """
    database = engine().url.database
    if engine().dialect.name != "sqlite" or not database or database == ":memory:":
        yield
        return
    if not _one_thread.acquire(timeout=BUSY_TIMEOUT):
        raise Busy
    try:
        queue = os.open(f"{database}.lock", os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(queue, fcntl.LOCK_EX)
            yield
        finally:
            os.close(queue)
    finally:
        _one_thread.release()


@contextmanager
def write(durable: bool = False) -> Iterator[None]:
    """One short write transaction: commits at the end, rolls back when anything is raised.

    Whatever was read before is read again inside, where it can't change any more. On SQLite the write lock is taken at
    the start (`BEGIN IMMEDIATE`); `durable` makes the commit survive a power cut (`synchronous=FULL`). PostgreSQL
    always commits durably. Raises `Busy` when the lock can't be had in time.
    """
    release()
    end_session()
    with turn_to_write(), borrowed(FULL if durable else NORMAL) as connection:
        begin_write(connection)
        bind_if_any(connection)
        g.writer = connection
        try:
            yield
            if session_in_use():
                db.session.commit()  # writes what waits there
            connection.commit()
        finally:
            end_session()
            g.pop("writer", None)


def begin_write(connection: Connection) -> None:
    try:
        connection.begin()
    except OperationalError as fault:
        if is_busy(fault):
            raise Busy from fault
        raise


def session_in_use() -> bool:
    """Whether this context's session has a transaction; asking the session itself would make one."""
    return db.session.registry.has() and db.session().in_transaction()


def end_session() -> None:
    """Let go of what the session has read and not written."""
    if db.session.registry.has():
        db.session.rollback()


def is_busy(fault: OperationalError) -> bool:
    return isinstance(fault.orig, sqlite3.OperationalError) and "locked" in str(fault.orig)


def init_app(app: Flask, settings: Settings) -> None:
    app.config["SQLALCHEMY_DATABASE_URI"] = settings.database_url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(settings)
    db.init_app(app)
    app.teardown_appcontext(release)
    with app.app_context():
        app.extensions["storefront_engine"] = db.engine
        app.extensions["storefront_idle"] = {use: [] for use in (READ, NORMAL, FULL)}
        set_up(db.engine)


def engine_options(settings: Settings) -> dict[str, Any]:
    if settings.on_sqlite:
        file = make_url(settings.database_url).database
        if file:
            Path(file).parent.mkdir(parents=True, exist_ok=True)
        return {
            "pool_size": 16,
            "hide_parameters": True,
            "connect_args": {"timeout": BUSY_TIMEOUT, "check_same_thread": False},
        }
    return {
        "hide_parameters": True,  # they hold shoppers' names and addresses, and errors are logged
        "pool_size": 8,
        "max_overflow": 8,
        "pool_pre_ping": True,
        "pool_recycle": 300,
        "connect_args": {
            "connect_timeout": 5,
            "application_name": "storefront",
            "client_encoding": "utf8",  # else a database of bytes answers in bytes, before it can be asked what it is
            "prepare_threshold": None,  # a pooler in transaction mode gives the next statement to another session
        },
    }


PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=NORMAL",
    "foreign_keys=ON",
    "temp_store=MEMORY",
    "cache_size=-512",  # kB: the system keeps the file's pages already, and each thread's connection would have 2 MB
)


def set_up(engine: Engine) -> None:
    """Listeners that make each SQLite connection safe and quick, and each transaction begin as it was asked to."""
    if engine.dialect.name != "sqlite":
        return

    @event.listens_for(engine, "connect")
    def on_connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        use = connection.get_execution_options().get("storefront_use")
        if use != READ:
            connection.exec_driver_sql("BEGIN IMMEDIATE" if use else "BEGIN")
