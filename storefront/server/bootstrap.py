"""Prepares the database before the first request: migrations, import of the catalogue, derived data."""

import fcntl
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from storefront.catalog.commands import describe, import_with_progress
from storefront.catalog.importer import is_imported, read_file
from storefront.catalog.renewal import renew_search_words
from storefront.config import ROOT, ConfigError, Settings
from storefront.db.base import db
from storefront.db.timeouts import BULK, timeouts_in_force
from storefront.db.transactions import dispose
from storefront.upsell.jobs import rebuild_missing_similarity
from storefront.web.rate_limits import warn_of_unusable_storage

BOOT_LOCK = 7_206_340_002
PREPARE_TIMEOUT_SECONDS = 300
"""How long to wait for another process that migrates or imports a catalogue: 100,000 products take 70 s."""
LOCK_NOT_AVAILABLE = "55P03"
log = logging.getLogger("storefront.server.bootstrap")


def prepare(app: Flask) -> None:
    """Migrate the database and import CATALOG if its content is new. Safe for several machines at once.

    Raises `CatalogError`, `ConfigError` for a database that isn't UTF-8, or SQLAlchemy's error if the database is
    unavailable.
    """
    settings: Settings = app.extensions["storefront_settings"]
    for warning in settings.warnings():
        log.warning(warning)
    warn_of_unusable_storage(settings)
    with app.app_context(), timeouts_in_force(BULK), preparation_lock():
        check_encoding()
        migrate(app)
        if renewed := renew_search_words():
            log.info("rebuilt the search text of %d products", renewed)
        content = read_file(settings.catalog)
        if not is_imported(content):
            log.info("catalogue imported: %s", describe(import_with_progress(content)))
        rebuild_missing_similarity()
        warn_of_rls_bypass()
    dispose(app)


def prepare_tables(app: Flask) -> None:
    """Migrate the database, for a command that may run before the first start. Raises `ConfigError`."""
    with preparation_lock():
        check_encoding()
        migrate(app)


def migrate(app: Flask) -> None:
    """Run the migrations. Alembic is imported here, because serving doesn't need it."""
    from flask_migrate import Migrate, upgrade  # noqa: PLC0415

    Migrate(app, db, directory=str(ROOT / "migrations"), render_as_batch=True)
    upgrade()


def check_encoding() -> None:
    if db.engine.dialect.name != "postgresql":
        return
    with db.engine.connect() as connection:
        encoding = connection.scalar(text("SHOW server_encoding"))
    if encoding != "UTF8":
        raise ConfigError(f"DATABASE_URL names a database whose encoding is {encoding}; it must be UTF8.")


def warn_of_rls_bypass() -> None:
    """Log a warning if row-level security doesn't apply to the role; tenant scoping still does."""
    if db.engine.dialect.name != "postgresql":
        return
    with db.engine.connect() as connection:
        bypasses_rls = text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        if connection.scalar(bypasses_rls):
            log.warning("DATABASE_URL uses a role that bypasses row-level security; use one that doesn't.")


@contextmanager
def preparation_lock() -> Iterator[None]:
    """Wait while another process prepares the same database. Raises `ConfigError` after `PREPARE_TIMEOUT_SECONDS`."""
    if db.engine.dialect.name == "postgresql":
        with advisory_lock():
            yield
    elif (file := db.engine.url.database) and file != ":memory:":
        with file_lock(f"{file}.prepare.lock"):
            yield
    else:
        yield


@contextmanager
def advisory_lock() -> Iterator[None]:
    """A PostgreSQL advisory lock held by a transaction, which also works behind a pooler in transaction mode. It has
    its own timeouts, because it may wait for the import of a whole catalogue."""
    with db.engine.connect() as connection, connection.begin():
        for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
            connection.execute(text(f"SET LOCAL {limit} = 0"))
        connection.execute(text(f"SET LOCAL lock_timeout = '{PREPARE_TIMEOUT_SECONDS}s'"))
        try:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": BOOT_LOCK})
        except OperationalError as fault:
            if getattr(fault.orig, "sqlstate", None) == LOCK_NOT_AVAILABLE:
                raise preparation_timeout("DATABASE_URL names") from None
            raise
        yield


@contextmanager
def file_lock(path: str) -> Iterator[None]:
    """flock(2), which the system releases when the process ends, however it ends."""
    with open(path, "w") as file:  # noqa: PTH123
        give_up_at = time.monotonic() + PREPARE_TIMEOUT_SECONDS
        while not is_locked(file):
            if time.monotonic() >= give_up_at:
                raise preparation_timeout("DATA_DIR (or DATABASE_URL) has")
            time.sleep(0.05)
        yield


def preparation_timeout(where: str) -> ConfigError:
    return ConfigError(
        f"{where} a database that another process has been preparing for more than {PREPARE_TIMEOUT_SECONDS} seconds. "
        "Wait until it is done, or stop it, and start again."
    )


def is_locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
