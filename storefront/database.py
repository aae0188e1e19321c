"""The database: what tables are made from, who asks for whom, and `write()`, one short write transaction.

One application context is one session, and acts for at most one tenant (`g.tenant_id`), to which PostgreSQL's row-level
security is bound in each transaction. `storefront.tenants.guard` holds every statement to that tenant.
"""

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from flask import Flask, current_app, g
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session as BoundSession
from sqlalchemy import Connection, Engine, MetaData, Table, event
from sqlalchemy.exc import DontWrapMixin, OperationalError
from sqlalchemy.orm import DeclarativeBase, Session, SessionTransaction

from storefront import connections
from storefront.config import Settings
from storefront.connections import FULL, NORMAL, READ, borrowed, engine, engine_options, give_back, idle, take
from storefront.errors import Busy

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


def dispose(app: Flask) -> None:
    """Close what is open and not in use."""
    for waiting in idle(app).values():
        while waiting:
            waiting.pop().close()
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
    if not _one_thread.acquire(timeout=connections.BUSY_TIMEOUT):
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
        connections.lend(app, db.engine)
