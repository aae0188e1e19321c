"""The database: what tables are made from, who asks for whom, and `write()`, one short write transaction.

One application context is one session, and acts for at most one tenant (`g.tenant_id`), to which PostgreSQL's row-level
security is bound in each transaction. `storefront.tenants.guard` holds every statement to that tenant.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from flask import Flask, current_app, g, has_app_context
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session as BoundSession
from sqlalchemy import Connection, Engine, MetaData, Table, event
from sqlalchemy.exc import DBAPIError, DontWrapMixin
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase

from storefront import connections
from storefront.config import Settings
from storefront.connections import (
    FULL,
    NORMAL,
    READ,
    borrowed,
    engine,
    engine_options,
    give_back,
    idle,
    set_busy_timeout,
    take,
)
from storefront.database_errors import is_busy
from storefront.errors import Busy
from storefront.timeouts import timeouts
from storefront.write_queue import turn_to_write

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


SET_TIMEOUTS = (
    "SELECT set_config('lock_timeout', %s, true), set_config('statement_timeout', %s, true), "
    "set_config('idle_in_transaction_session_timeout', %s, true)"
)
SET_TENANT = f"set_config('{TENANT_SETTING}', %s, true)"


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


def bind(connection: Connection, tenant_id: str) -> None:
    """Have the running transaction act for this tenant, whatever the context acts for; nothing to do on SQLite."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT {SET_TENANT}", (tenant_id,))


ADVISORY_LOCK = (
    "SELECT set_config('lock_timeout', '0', true), pg_advisory_xact_lock(%s), set_config('lock_timeout', %s, true)"
)


def lock_among_machines(connection: Connection, key: int) -> None:
    """On PostgreSQL, wait until no other machine has this lock, for as long as it takes: what it does under it may take
    minutes. Held until the transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(ADVISORY_LOCK, (key, f"{timeouts().lock * 1000:.0f}"))


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
    g.reader = reader = take(READ)
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


@contextmanager
def write(durable: bool = False) -> Iterator[None]:
    """One short write transaction: commits at the end, rolls back when anything is raised.

    Whatever was read before is read again inside, where it can't change any more. On SQLite the write lock is taken at
    the start (`BEGIN IMMEDIATE`); `durable` makes the commit survive a power cut (`synchronous=FULL`). PostgreSQL
    always commits durably. Raises `Busy` when a lock can't be had in time (`storefront.timeouts`), `Unavailable` when
    the queue of writers can't be joined, and `NestedWrite` inside another `write()` of this thread.
    """
    release()
    end_session()
    with busy_refused(), turn_to_write(engine()) as left, borrowed(FULL if durable else NORMAL) as connection:
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
            raise Busy from fault
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
    app.teardown_appcontext(release)
    with app.app_context():
        connections.lend(app, db.engine)
        if db.engine.dialect.name == "postgresql":
            event.listen(db.engine, "begin", begin_on_postgresql)
