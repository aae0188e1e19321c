"""Prepares the database before the first request: migrations, import of the catalogue, derived data."""

import logging

from flask import Flask

from storefront.catalog.commands import describe, import_with_progress
from storefront.catalog.importer import is_imported, read_file
from storefront.catalog.renewal import renew_search_words
from storefront.db.preparation import check_encoding, migrate, preparation_lock, warn_of_rls_bypass
from storefront.db.timeouts import timeouts_in_force
from storefront.db.transactions import dispose
from storefront.staff.members import create_setup_link
from storefront.staff.models import LinkKind
from storefront.staff.one_time_links import link_url
from storefront.state import state_of
from storefront.timings import timings_of
from storefront.upsell.jobs import rebuild_missing_similarity
from storefront.web.rate_limits import warn_of_unusable_storage

log = logging.getLogger("storefront.server.bootstrap")


def prepare(app: Flask) -> None:
    """Migrate the database and import CATALOG if its content is new. Safe for several machines at once.

    Raises `CatalogError`, `ConfigError` for a database that isn't UTF-8, or SQLAlchemy's error if the database is
    unavailable.
    """
    settings = state_of(app).settings
    for warning in settings.warnings():
        log.warning(warning)
    warn_of_unusable_storage(settings)
    with app.app_context(), timeouts_in_force(timings_of(app).bulk_timeouts), preparation_lock():
        check_encoding()
        migrate(app)
        if renewed := renew_search_words():
            log.info("rebuilt the search text of %d products", renewed)
        content = read_file(settings.catalog)
        if not is_imported(content):
            log.info("catalogue imported: %s", describe(import_with_progress(content)))
        rebuild_missing_similarity()
        warn_of_rls_bypass()
        announce_setup()
    dispose(app)


def announce_setup() -> None:
    """Log the link by which the first person is made, while there is nobody."""
    token = create_setup_link()
    if token is not None:
        log.info(
            "there is no staff account yet; open this link to create your account: %s", link_url(LinkKind.SETUP, token)
        )
