"""The engines, from which connections to SQLite or PostgreSQL come."""

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from flask import Flask, current_app
from sqlalchemy import Connection, Engine, make_url
from sqlalchemy.exc import DBAPIError

from storefront.config import Settings
from storefront.db.base import db
from storefront.db.dialects import POSTGRESQL, SQLITE, Dialect

WRITE, DURABLE_WRITE = "write", "durable_write"


class Engines(NamedTuple):
    """An app's engines, by what their connections are for. On PostgreSQL the three are one."""

    dialect: Dialect
    read: Engine
    """For sessions outside `write()` too. Each statement by itself sees what is committed, on both databases."""
    write: Engine
    durable_write: Engine
    """Its commits survive a power cut, as all of PostgreSQL's do."""


def init_app(app: Flask, settings: Settings) -> None:
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
    app.extensions["storefront_engines"] = made


def make_folder(database_url: str) -> None:
    """Make the folder of SQLite's file. When that fails, SQLite says so later, when it can't open the file."""
    file = make_url(database_url).database
    if file:
        with suppress(OSError):
            Path(file).parent.mkdir(parents=True, exist_ok=True)


def engines() -> Engines:
    """The current app's."""
    found: Engines = current_app.extensions["storefront_engines"]
    return found


def close_reader(connection: Connection) -> None:
    """Give a connection back that was only read with. When the server has ended it meanwhile, nobody misses it."""
    try:
        connection.close()
    except DBAPIError:
        if not connection.closed:
            connection.invalidate()
            connection.close()
