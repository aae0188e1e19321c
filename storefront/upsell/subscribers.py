"""Signal handlers: which background jobs follow a changed cart, an order or an import."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from storefront.cart.actions import cart_changed
from storefront.catalog.importer import catalog_loaded
from storefront.db.tenant_context import current_tenant_id
from storefront.i18n.locale import shopper_languages
from storefront.orders.actions import orders_changed
from storefront.timings import timings
from storefront.upsell.jobs import prefetch_job, rebuild_similarity_of, this_app, training_job
from storefront.upsell.llm.service import llm_reranker
from storefront.upsell.scheduler import job_scheduler


@cart_changed.connect
def schedule_prefetch(_sender: Any, cart_id: str) -> None:
    """Have the model asked about this cart a pause after its last change."""
    app = this_app()
    settings = app.extensions["storefront_settings"]
    if settings.upsell_enabled and settings.model_configured and not llm_reranker().model.breaker.open:
        job = partial(prefetch_job, app, current_tenant_id(), cart_id, shopper_languages())
        job_scheduler(app).schedule(timings().prefetch_debounce, cart_id, job)


@orders_changed.connect
def schedule_training(_sender: Any) -> None:
    app, tenant_id = this_app(), current_tenant_id()
    job_scheduler(app).schedule(
        timings().learn_delay, ("learn", tenant_id), partial(training_job, app, tenant_id), debounce=False
    )


@catalog_loaded.connect
def rebuild_similarity(_sender: Any, tenant_ids: Sequence[str]) -> None:
    """Texts are compared when they come in, so that nobody at checkout waits for it."""
    rebuild_similarity_of(tenant_ids)
