"""Connections to SQLite or PostgreSQL: how they are set up, and how SQLite's are lent again."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from flask import Flask, current_app
from sqlalchemy import Connection, Engine, event, make_url
from sqlalchemy.exc import DBAPIError

from storefront.config import Settings
from storefront.db.timeouts import timeouts

POOL_TIMEOUT_SECONDS = 5
"""How long anybody waits for a connection: there are more of them than threads."""
READ, NORMAL, FULL = "READ", "NORMAL", "FULL"
"""What a connection is for: asking, or writing with this `synchronous` of SQLite's."""


KEEPALIVE = {
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,  # milliseconds; the others are seconds
}
"""A server that went without a word, or whose network did, is noticed: nothing else ends waiting for its answer."""


def engine_options(settings: Settings) -> dict[str, Any]:
    if settings.on_sqlite:
        file = make_url(settings.database_url).database
        if file:
            with suppress(OSError):  # SQLite says it when it can't open the file, to who can report it
                Path(file).parent.mkdir(parents=True, exist_ok=True)
        return {
            "pool_size": 16,
            "pool_timeout": POOL_TIMEOUT_SECONDS,
            "hide_parameters": True,
            "connect_args": {"timeout": timeouts().lock, "check_same_thread": False},
        }
    return {
        "hide_parameters": True,  # they hold shoppers' names and addresses, and errors are logged
        "pool_size": 8,
        "max_overflow": 8,
        "pool_timeout": POOL_TIMEOUT_SECONDS,
        "pool_pre_ping": True,
        "pool_recycle": 300,
        "connect_args": {
            "connect_timeout": 5,
            **KEEPALIVE,
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


def lend(app: Flask, source: Engine) -> None:
    """Lend the connections of this engine in this app. Listeners make each of SQLite's safe and quick, and each
    transaction begin as it was asked to."""
    app.extensions["storefront_engine"] = source
    app.extensions["storefront_idle"] = {use: [] for use in (READ, NORMAL, FULL)}
    if source.dialect.name != "sqlite":
        return

    @event.listens_for(source, "connect")
    def on_connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(source, "begin")
    def on_begin(connection: Connection) -> None:
        use = connection.get_execution_options().get("storefront_use")
        if use != READ:
            connection.exec_driver_sql("BEGIN IMMEDIATE" if use else "BEGIN")


def current_engine() -> Engine:
    """The app's engine, which Flask-SQLAlchemy would look for at each question."""
    found: Engine = current_app.extensions["storefront_engine"]
    return found


def take(use: str) -> Connection:
    """A connection for this use. On SQLite one that another context is done with: to make one ready costs as much as a
    question."""
    if current_engine().dialect.name != "sqlite":
        return current_engine().connect()
    try:
        return idle(current_app)[use].pop()
    except IndexError:
        connection = current_engine().connect()
    if use != READ:
        cursor = connection.connection.cursor()  # below what begins a transaction, inside which this can't be set
        cursor.execute(f"PRAGMA synchronous={use}")
        cursor.close()
    return connection.execution_options(storefront_use=use)


def set_busy_timeout(connection: Connection, seconds: float) -> None:
    """Have SQLite wait so long for its write lock, which somebody outside the queue of writers may have. A writer that
    waited little for its turn keeps the whole time, so that it needn't be set each time."""
    whole = timeouts().lock
    wanted = whole if seconds > whole / 2 else seconds
    if connection.dialect.name != "sqlite" or connection.info.get("busy_timeout") == wanted:
        return
    cursor = connection.connection.cursor()  # below what begins a transaction
    cursor.execute(f"PRAGMA busy_timeout={wanted * 1000:.0f}")
    cursor.close()
    connection.info["busy_timeout"] = wanted


def give_back(connection: Connection, use: str) -> None:
    if connection.dialect.name == "sqlite" and not connection.invalidated:
        idle(current_app)[use].append(connection)
        return
    try:
        connection.close()
    except DBAPIError:  # the server has ended it meanwhile; whoever used it has no more to ask
        if not connection.closed:
            connection.invalidate()
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
