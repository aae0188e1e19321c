"""Creates the tables or migrates them, in one process at a time."""

import fcntl
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from storefront.config import ROOT, ConfigError
from storefront.db.base import db
from storefront.timings import timings

BOOT_LOCK = 7_206_340_002
LOCK_NOT_AVAILABLE = "55P03"
log = logging.getLogger("storefront.server.bootstrap")


def prepare_tables(app: Flask) -> None:
    """Create or migrate the tables, for a command that may run before the first start."""
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
    """Warn when the role bypasses row-level security, as superusers do. Tenant scoping still holds then."""
    if db.engine.dialect.name != "postgresql":
        return
    with db.engine.connect() as connection:
        bypasses_rls = text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        if connection.scalar(bypasses_rls):
            log.warning("DATABASE_URL names a role that bypasses row-level security: use one that doesn't.")


@contextmanager
def preparation_lock() -> Iterator[None]:
    """Wait while another process prepares the same database. Raises `ConfigError` when that takes too long."""
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
    """A lock of PostgreSQL, held by a transaction, because a pooler in transaction mode keeps no session. It has
    timeouts of its own, because it may wait for a catalogue import."""
    with db.engine.connect() as connection, connection.begin():
        for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
            connection.execute(text(f"SET LOCAL {limit} = 0"))
        connection.execute(text(f"SET LOCAL lock_timeout = '{timings().prepare_timeout:.0f}s'"))
        try:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": BOOT_LOCK})
        except OperationalError as fault:
            if getattr(fault.orig, "sqlstate", None) == LOCK_NOT_AVAILABLE:
                raise taken_for_too_long("DATABASE_URL names") from None
            raise
        yield


@contextmanager
def file_lock(path: str) -> Iterator[None]:
    """flock(2), which the system releases when the process ends, however it does."""
    with open(path, "w") as file:  # noqa: PTH123
        give_up_at = time.monotonic() + timings().prepare_timeout
        while not is_locked(file):
            if time.monotonic() >= give_up_at:
                raise taken_for_too_long("DATA_DIR (or DATABASE_URL) has")
            time.sleep(0.05)
        yield


def taken_for_too_long(where: str) -> ConfigError:
    seconds = f"{timings().prepare_timeout:.0f}"
    return ConfigError(
        f"{where} a database that another process has been preparing for more than {seconds} seconds. "
        "Wait until it is done, or stop it, and start again."
    )


def is_locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
