"""The engines that connect to SQLite or PostgreSQL."""

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from flask import Flask
from sqlalchemy import Connection, Engine, make_url
from sqlalchemy.exc import DBAPIError

from storefront.config import Settings
from storefront.db.base import db
from storefront.db.dialects import POSTGRESQL, SQLITE, Dialect
from storefront.state import current_state

WRITE, DURABLE_WRITE = "write", "durable_write"


class Engines(NamedTuple):
    """An app's engines, by what their connections are for. On PostgreSQL the three are one."""

    dialect: Dialect
    read: Engine
    """Also for sessions outside `write()`. Each statement sees what is committed, on both databases."""
    write: Engine
    durable_write: Engine
    """Its commits survive a power cut, as all commits of PostgreSQL do."""


def init_app(app: Flask, settings: Settings) -> Engines:
    dialect: Dialect = SQLITE if settings.on_sqlite else POSTGRESQL
    options = dialect.engine_options()
    app.config["SQLALCHEMY_DATABASE_URI"] = settings.database_url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = options
    if settings.on_sqlite:
        make_folder(settings.database_url)
        others = {"url": settings.database_url, **options}
        app.config["SQLALCHEMY_BINDS"] = {WRITE: others, DURABLE_WRITE: others}
    db.init_app(app)
    with app.app_context():
        read = db.engines[None]
        made = Engines(dialect, read, db.engines.get(WRITE, read), db.engines.get(DURABLE_WRITE, read))
    dialect.set_up(made)
    return made


def make_folder(database_url: str) -> None:
    """Make the folder of SQLite's file. When that fails, SQLite raises later, when it opens the file."""
    file = make_url(database_url).database
    if file:
        with suppress(OSError):
            Path(file).parent.mkdir(parents=True, exist_ok=True)


def engines() -> Engines:
    """The engines of the current app."""
    return current_state().engines


def close_reader(connection: Connection) -> None:
    """Return a connection that was only read with. One that the server has closed meanwhile is discarded."""
    try:
        connection.close()
    except DBAPIError:
        if not connection.closed:
            connection.invalidate()
            connection.close()
