"""Connections to SQLite or PostgreSQL: how they are set up, and how SQLite's are lent again."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask, current_app
from sqlalchemy import Connection, Engine, event, make_url

from storefront.config import BadSetting, Settings

BUSY_TIMEOUT = 10
"""Seconds that a writer waits for SQLite's one write lock."""
READ, NORMAL, FULL = "READ", "NORMAL", "FULL"
"""What a connection is for: asking, or writing with this `synchronous` of SQLite's."""


def engine_options(settings: Settings) -> dict[str, Any]:
    if settings.on_sqlite:
        file = make_url(settings.database_url).database
        if file:
            make_folder(Path(file).parent)
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


def make_folder(folder: Path) -> None:
    """Make the folder for the database; raises `BadSetting`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise BadSetting(f"DATABASE_URL: the folder {str(folder)!r} can't be made: {fault.strerror}.") from None


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


def engine() -> Engine:
    """The app's engine, which Flask-SQLAlchemy would look for at each question."""
    found: Engine = current_app.extensions["storefront_engine"]
    return found


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
