"""What must be true before the first request: the tables are there and the shops of the catalogue are loaded."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from sqlalchemy import text

from storefront.catalog.actions import is_loaded, read_file
from storefront.catalog.commands import describe, load_with_bar
from storefront.config import ROOT, BadSetting, Settings
from storefront.database import db, dispose
from storefront.rate_limits import warn_of_unusable_storage
from storefront.upsell.watch import compare_where_due

BOOT_LOCK = 7_206_340_002
log = logging.getLogger("storefront.boot")


def prepare(app: Flask) -> None:
    """Migrate the database and load CATALOG if its content is new. Several machines may start at once.

    Raises `BadCatalog`, `BadSetting` for a database that can't keep every text, or what the database says when it can't
    be had.
    """
    settings: Settings = app.extensions["storefront_settings"]
    for warning in settings.warnings():
        log.warning(warning)
    warn_of_unusable_storage(settings)
    with app.app_context(), one_at_a_time():
        check_encoding()
        migrate(app)
        content = read_file(settings.catalog)
        if not is_loaded(content):
            log.info("catalogue loaded: %s", describe(load_with_bar(content)))
        compare_where_due()
        warn_of_mighty_role()
    dispose(app)


def migrate(app: Flask) -> None:
    """Bring the tables up to date. Alembic is imported here, because serving doesn't need it."""
    from flask_migrate import Migrate, upgrade  # noqa: PLC0415

    Migrate(app, db, directory=str(ROOT / "migrations"), render_as_batch=True)
    upgrade()


def check_encoding() -> None:
    if db.engine.dialect.name != "postgresql":
        return
    with db.engine.connect() as connection:
        encoding = connection.scalar(text("SHOW server_encoding"))
    if encoding != "UTF8":
        raise BadSetting(f"DATABASE_URL names a database whose encoding is {encoding}; it must be UTF8.")


def warn_of_mighty_role() -> None:
    """Row-level security doesn't hold for superusers and the like; the session guard still does."""
    if db.engine.dialect.name != "postgresql":
        return
    with db.engine.connect() as connection:
        mighty = text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        if connection.scalar(mighty):
            log.warning("DATABASE_URL names a role that bypasses row-level security: use one that doesn't.")


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """On PostgreSQL, wait while another machine does the same."""
    if db.engine.dialect.name != "postgresql":
        yield
        return
    with db.engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": BOOT_LOCK})
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": BOOT_LOCK})
