"""Signal handlers: schedule background jobs after a changed cart, an order or an import."""

from collections.abc import Collection, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection

from storefront.catalog.import_schema import TenantEntry
from storefront.db.tenant_context import current_tenant_id
from storefront.i18n.locale import shopper_languages
from storefront.scheduler import job_scheduler
from storefront.signals import cart_changed, catalog_loaded, orders_changed, product_edited, products_imported
from storefront.state import state_of, this_app
from storefront.timings import timings
from storefront.upsell.jobs import prefetch_job, rebuild_similarity_of, similarity_job, training_job
from storefront.upsell.llm.service import llm_reranker
from storefront.upsell.recommender.shop_complements import save_shop_complements


def schedule_prefetch(_sender: Any, cart_id: str) -> None:
    """Schedule the prefetch for this cart, a pause after its last change."""
    app = this_app()
    settings = state_of(app).settings
    if settings.upsell_enabled and settings.model_configured and not llm_reranker().model.breaker.open:
        job = partial(prefetch_job, app, current_tenant_id(), cart_id, shopper_languages())
        job_scheduler(app).schedule(timings().prefetch_debounce, cart_id, job)


def schedule_training(_sender: Any) -> None:
    app, tenant_id = this_app(), current_tenant_id()
    job_scheduler(app).schedule(
        timings().learn_delay, ("learn", tenant_id), partial(training_job, app, tenant_id), debounce=False
    )


def rebuild_similarity(_sender: Any, tenant_ids: Sequence[str]) -> None:
    """Compare texts when they are imported, so that no checkout waits for it."""
    rebuild_similarity_of(tenant_ids)


def schedule_similarity(_sender: Any, product_id: str, new_texts: bool) -> None:
    """Compare the texts again, a pause after the last change."""
    if new_texts:
        app, tenant_id = this_app(), current_tenant_id()
        job = partial(similarity_job, app, tenant_id)
        job_scheduler(app).schedule(timings().similarity_debounce, ("similarity", tenant_id), job)


def import_complements(
    _sender: Any, connection: Connection, tenant: TenantEntry, product_ids: Collection[str]
) -> set[str]:
    """Store a shop's own complements in the import's transaction. Returns the ids of the products that changed."""
    return save_shop_complements(connection, tenant, product_ids)


def init_app() -> None:
    """Follow the signals. Connecting twice is the same as once, however many apps a process has."""
    cart_changed.connect(schedule_prefetch)
    orders_changed.connect(schedule_training)
    catalog_loaded.connect(rebuild_similarity)
    products_imported.connect(import_complements)
    product_edited.connect(schedule_similarity)
