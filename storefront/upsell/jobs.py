"""The bodies of the background jobs, and the start and stop of the scheduler."""

import sys
from collections.abc import Sequence
from functools import partial
from threading import Thread

import click
from flask import Flask

from storefront.catalog.search import ProductQuery, count_products
from storefront.db.tenancy import execute
from storefront.db.tenant_context import tenant_context
from storefront.db.timeouts import timeouts_in_force
from storefront.scheduler import every, job_scheduler
from storefront.state import state_of
from storefront.tenants.registry import registry
from storefront.timings import timings
from storefront.upsell.actions import prefetch_suggestions
from storefront.upsell.concurrency import recommender_slot
from storefront.upsell.impressions import flush_all
from storefront.upsell.recommender.queries import SELECT_TRAINING_STATE
from storefront.upsell.recommender.similarity_job import rebuild_text_similarity
from storefront.upsell.recommender.training import train_incrementally

SWEEP_INTERVAL_SECONDS = 60.0
"""Seconds between two searches for orders that no process has learned, as after a crash."""
MAX_PRODUCTS_COMPARED = 2000
"""Products of a shop whose texts are compared while it serves requests, which takes about a second."""
STOP_SECONDS = 1.5
"""Seconds that the end of a process waits for jobs and impressions, besides calls of the model."""


def start(app: Flask) -> None:
    """Start the background jobs of this process, which serves requests."""
    job_scheduler(app).start()
    every(app, SWEEP_INTERVAL_SECONDS, "sweep", schedule_all_training)


def stop(app: Flask) -> None:
    """Stop the jobs, close the model's connections, and write what is pending. Takes three seconds at most, even when
    the model and the database hang."""
    job_scheduler(app).stop(STOP_SECONDS / 3)
    writing = Thread(target=flush_all, args=[app], name="upsell-write", daemon=True)
    writing.start()
    state_of(app).llm_reranker.close()
    writing.join(STOP_SECONDS / 3)


def rebuild_similarity_of(tenant_ids: Sequence[str]) -> None:
    """Compare the texts of these shops, with a progress bar on a terminal."""
    is_terminal = sys.stderr.isatty()
    for tenant_id in tenant_ids:
        with tenant_context(tenant_id), timeouts_in_force(timings().bulk_timeouts):
            count = count_products(ProductQuery())
            label = f"Comparing the texts of {tenant_id}"
            with click.progressbar(length=count, label=label, file=sys.stderr, hidden=not is_terminal) as bar:
                rebuild_text_similarity(bar.update)


def similarity_job(app: Flask, tenant_id: str) -> None:
    """Compare a shop's texts after staff changed some. A large catalogue's are compared by the next import instead:
    that would take this process's processor from shoppers for too long."""
    with app.app_context(), tenant_context(tenant_id), recommender_slot(), timeouts_in_force(timings().bulk_timeouts):
        if count_products(ProductQuery()) <= MAX_PRODUCTS_COMPARED:
            rebuild_text_similarity()


def rebuild_missing_similarity() -> None:
    """Compare the texts of the shops for which it was never done, as after an update of the program."""
    for tenant_id in registry().all():
        with tenant_context(tenant_id):
            state = execute(SELECT_TRAINING_STATE).one_or_none()
        if state is None or not state.text_digest:
            rebuild_similarity_of([tenant_id])


def prefetch_job(app: Flask, tenant_id: str, cart_id: str, languages: tuple[str, ...]) -> None:
    if not state_of(app).llm_reranker.is_available:
        return  # the same for every cart, so that it isn't read
    with app.app_context(), tenant_context(tenant_id):
        tenant = registry().find(tenant_id)
        if tenant and prefetch_suggestions(tenant, cart_id, languages):
            job_scheduler(app).schedule(
                timings().prefetch_retry, cart_id, partial(prefetch_job, app, tenant_id, cart_id, languages)
            )


def training_job(app: Flask, tenant_id: str) -> None:
    """Learn a batch of a tenant's orders. Further batches are scheduled a little later, so that requests get their
    turn."""
    with app.app_context(), tenant_context(tenant_id), recommender_slot(), timeouts_in_force(timings().job_timeouts):
        more = train_incrementally()
    if more:
        job_scheduler(app).schedule(0.05, ("learn", tenant_id), partial(training_job, app, tenant_id))


def schedule_all_training(app: Flask) -> None:
    with app.app_context():
        tenants = list(registry().all())
    for tenant_id in tenants:
        job_scheduler(app).schedule(0, ("learn", tenant_id), partial(training_job, app, tenant_id))
