"""The database: engine set-up for SQLite and PostgreSQL, the tenant guard, and `write()`, one short write transaction.

One application context is one session, and acts for at most one tenant (`g.tenant_id`). The guard adds that tenant to
every ORM statement on a tenant's table and raises `NoTenant` when there is none; `held` does the same for Core
statements; PostgreSQL's row-level security says it once more, bound to each transaction.
"""

import fcntl
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from flask import Flask, current_app, g
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    Alias,
    BinaryExpression,
    BooleanClauseList,
    ColumnElement,
    Connection,
    CursorResult,
    Delete,
    Engine,
    ForeignKey,
    FromClause,
    Join,
    MetaData,
    Select,
    String,
    Table,
    Update,
    bindparam,
    event,
    insert,
    inspect,
    make_url,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DontWrapMixin, OperationalError
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    ORMExecuteState,
    Session,
    SessionTransaction,
    mapped_column,
    with_loader_criteria,
)
from sqlalchemy.sql import operators, visitors

from storefront.config import Settings
from storefront.errors import Busy

BUSY_TIMEOUT = 10
"""Seconds that a writer waits for SQLite's one write lock."""
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


db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})

if TYPE_CHECKING:

    class Model(Base):
        """What tables are made from; Flask-SQLAlchemy makes it at run time."""

        __abstract__ = True

else:
    Model = db.Model


class NoTenant(DontWrapMixin, RuntimeError):
    """Something asked for a tenant's rows without saying which tenant."""


class WrongTenant(RuntimeError):
    """Something tried to write another tenant's row."""


class OwnedByTenant:
    """Rows of this table belong to one tenant and are invisible to the others."""

    tenant_id: Mapped[str] = mapped_column(ForeignKey("tenant.id"), primary_key=True, sort_order=-10)


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


# --- the tenant guard -------------------------------------------------------------------------------------------------

THE_TENANT = bindparam("the_tenant", callable_=current_tenant_id, type_=String())
ONLY_THIS_TENANT = with_loader_criteria(
    OwnedByTenant, lambda model: model.tenant_id == THE_TENANT, include_aliases=True, track_closure_variables=False
)
"""Made once: the tenant is asked for when a statement runs."""


@event.listens_for(db.session, "do_orm_execute")
def only_this_tenant(query: ORMExecuteState) -> None:
    """Hold every ORM statement on tenants' tables to the current tenant; what can't be held to it raises."""
    if query.is_relationship_load or query.is_column_load:
        return  # goes by the keys of a row that was itself loaded under the guard
    if not query.is_orm_statement:
        raise NoTenant("the session runs ORM statements only, because others can't be held to a tenant")
    if query.is_insert:
        check_inserted(query)
        return
    if query.is_update and "tenant_id" in changed_columns(query):
        raise WrongTenant("a row can't be moved to another tenant")
    query.statement = query.statement.options(ONLY_THIS_TENANT)


def check_inserted(query: ORMExecuteState) -> None:
    """Every row that is inserted into a tenant's table says the current tenant."""
    model = query.bind_mapper.class_ if query.bind_mapper else None
    if model is None or not issubclass(model, OwnedByTenant):
        return
    tenant_id = current_tenant_id()
    if any(row.get("tenant_id") != tenant_id for row in parameter_rows(query)):
        raise WrongTenant(f"rows of {model.__name__} for another tenant than {tenant_id!r}")


def changed_columns(query: ORMExecuteState) -> set[str]:
    """What an UPDATE sets, by itself and by its parameters."""
    return set_columns(query.statement).union(*parameter_rows(query))


def set_columns(statement: Any) -> set[str]:
    """What an UPDATE sets by itself; SQLAlchemy has no public name for it."""
    values = getattr(statement, "_values", None) or {}
    return {str(getattr(column, "key", column)) for column in values}


def parameter_rows(query: ORMExecuteState) -> list[Any]:
    given: Any = query.parameters or {}
    return given if isinstance(given, list) else [given]


@event.listens_for(db.session, "before_flush")
def only_this_tenants_rows(session: Session, *_: object) -> None:
    """New rows get the current tenant; a row of another one is refused."""
    for row in (*session.new, *session.dirty, *session.deleted):
        if isinstance(row, OwnedByTenant):
            tenant_id = current_tenant_id()
            if row.tenant_id is None:
                row.tenant_id = tenant_id
            elif row.tenant_id != tenant_id:
                raise WrongTenant(f"a row of {type(row).__name__} for another tenant than {tenant_id!r}")


@event.listens_for(db.session, "after_begin")
def bind_tenant(_session: Session, _transaction: SessionTransaction, connection: Connection) -> None:
    tenant_id = g.get("tenant_id")
    if tenant_id is not None:
        bind(connection, tenant_id)


def bind(connection: Connection, tenant_id: str) -> None:
    """Tell PostgreSQL's row-level policies which tenant the running transaction acts for; nothing to do on SQLite."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT set_config(%s, %s, true)", (TENANT_SETTING, tenant_id))


def engine() -> Engine:
    """The app's engine, which Flask-SQLAlchemy would look for at each question."""
    found: Engine = current_app.extensions["storefront_engine"]
    return found


def table_of(model: type[Model]) -> Table:
    """The Core table behind a model."""
    return cast(Table, model.__table__)


# --- statements built once --------------------------------------------------------------------------------------------
#
# The ORM builds, guards and caches a statement at each call, which costs five times what SQLite takes to run it. What
# runs at every visit is therefore built once, held to the tenant when it is built, and run on the session's connection.


S = TypeVar("S", bound="Select[Any] | Update | Delete")


def held(statement: S) -> S:
    """The Core statement, held to the current tenant on each tenant's table that it reads or changes.

    A subquery must have been held before. Raises `NoTenant` here for one that wasn't, and at run time without a tenant.
    """
    if isinstance(statement, Update) and "tenant_id" in set_columns(statement):
        raise WrongTenant("a row can't be moved to another tenant")
    for table in tables_of(statement):
        statement = cast(S, statement.where(table.c.tenant_id == THE_TENANT))
    for part in visitors.iterate(statement):
        if isinstance(part, Select) and any(not is_held(part, table) for table in tables_of(part)):
            raise NoTenant("a subquery on a tenant's table isn't held to the tenant")
    return cast(S, statement.execution_options(storefront_held=True))


def tables_of(statement: "Select[Any] | Update | Delete") -> list[FromClause]:
    """The tenants' tables, or aliases of such, that a statement names by itself and not in a subquery."""
    sources = list(statement.get_final_froms()) if isinstance(statement, Select) else [statement.table]
    tables: list[FromClause] = []
    while sources:
        source = sources.pop()
        if isinstance(source, Join):
            sources += [source.left, source.right]
        elif isinstance(source, Table | Alias) and "tenant_id" in source.c:
            tables.append(source)
    return tables


def is_held(statement: Select[Any], table: FromClause) -> bool:
    """Whether one of the conditions that must all hold is the tenant's."""
    clause = statement.whereclause
    together = isinstance(clause, BooleanClauseList) and clause.operator is operators.and_
    return any(
        isinstance(part, BinaryExpression)
        and part.operator is operators.eq
        and part.left is table.c.tenant_id
        and part.right is THE_TENANT
        for part in (clause.get_children() if clause is not None and together else [clause])
    )


def run(
    statement: Any, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
) -> CursorResult[*tuple[Any, ...]]:
    """Run a `held` statement; raises `NoTenant` for any other. It is part of the transaction inside `write()`."""
    if not statement.get_execution_options().get("storefront_held"):
        raise NoTenant("only statements that are held to the tenant are run")
    return connection().execute(statement, parameters)


def add_rows(model: type[OwnedByTenant], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows of the current tenant, inside `write()`."""
    tenant_id = current_tenant_id()
    db.session.connection().execute(adding(cast(Any, model)), [{**row, "tenant_id": tenant_id} for row in rows])


@cache
def adding(model: Any) -> Any:
    return insert(table_of(model))


def add_unless_there(model: type[OwnedByTenant], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows of the current tenant, inside `write()`; where one of its key is there, do nothing."""
    on_sqlite, tenant_id = engine().dialect.name == "sqlite", current_tenant_id()
    statement = adding_unless_there(cast(Any, model), on_sqlite)
    db.session.connection().execute(statement, [{**row, "tenant_id": tenant_id} for row in rows])


@cache
def adding_unless_there(model: Any, on_sqlite: bool) -> Any:
    return (sqlite if on_sqlite else postgresql).insert(model).on_conflict_do_nothing(index_elements=key_of(model))


def add_or_change(
    model: type[OwnedByTenant],
    row: Mapping[str, Any],
    change: Callable[[Any], Mapping[str, Any]],
    where: ColumnElement[bool] | None = None,
) -> int:
    """Insert a row of the current tenant, inside `write()`. When one of its key is there, `change` it (given the row
    that was to be inserted) if it meets `where`. Returns how many rows were written."""
    dialect = sqlite if engine().dialect.name == "sqlite" else postgresql
    adding = dialect.insert(model).values(**row, tenant_id=current_tenant_id())
    adding = adding.on_conflict_do_update(index_elements=key_of(model), set_=change(adding.excluded), where=where)
    return db.session.connection().execute(adding.execution_options(preserve_rowcount=True)).rowcount


def key_of(model: type[OwnedByTenant]) -> list[str]:
    return [column.name for column in cast(Table, inspect(model).local_table).primary_key]


def connection() -> Connection:
    """The session's connection when it has one, as inside `write()`; else this context's own, which only reads: a
    session costs more than most questions."""
    if db.session.registry.has() and db.session().in_transaction():
        return db.session.connection()
    reader: Connection | None = g.get("reader")
    if reader is None:
        reader = g.reader = engine().connect().execution_options(storefront_read=True)
        bind(reader, current_tenant_id())
    return reader


def release(_fault: BaseException | None = None) -> None:
    """Give back what this context read with; the next question sees what is there then."""
    reader = g.pop("reader", None)
    if reader is not None:
        reader.close()


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
        with Path(f"{database}.lock").open("w") as queue:
            fcntl.flock(queue, fcntl.LOCK_EX)
            yield
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
    db.session.rollback()
    with turn_to_write():
        try:
            begin_write("FULL" if durable else "NORMAL")
            yield
            db.session.commit()
        except BaseException:
            db.session.rollback()
            raise


def begin_write(durability: str) -> None:
    try:
        db.session.connection(execution_options={"storefront_write": durability})
    except OperationalError as fault:
        if is_busy(fault):
            raise Busy from fault
        raise


def is_busy(fault: OperationalError) -> bool:
    return isinstance(fault.orig, sqlite3.OperationalError) and "locked" in str(fault.orig)


def init_app(app: Flask, settings: Settings) -> None:
    app.config["SQLALCHEMY_DATABASE_URI"] = settings.database_url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(settings)
    db.init_app(app)
    app.teardown_appcontext(release)
    with app.app_context():
        app.extensions["storefront_engine"] = db.engine
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
        options = connection.get_execution_options()
        if "storefront_read" in options:
            return  # each question by itself sees what is committed
        durability = options.get("storefront_write")
        if durability:
            connection.exec_driver_sql(f"PRAGMA synchronous={durability}")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.exec_driver_sql("BEGIN")
