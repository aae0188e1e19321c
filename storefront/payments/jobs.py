"""The background jobs of payments, in a thread of their own: webhooks to process, and payments to check."""

import logging
from functools import partial

from flask import Flask, current_app
from sqlalchemy.exc import SQLAlchemyError

from storefront.db.tenant_context import current_tenant_id, tenant_context
from storefront.db.timeouts import timeouts_in_force
from storefront.errors import Refusal
from storefront.payments.checks import check_payments
from storefront.payments.provider import ProviderRejected, ProviderUnavailable
from storefront.payments.settlement import settle_payment
from storefront.payments.webhooks import process_webhooks
from storefront.state import state_of
from storefront.tenants.registry import registry
from storefront.timings import timings_of
from storefront.upsell.scheduler import every

CHECK_INTERVAL_SECONDS = 20.0
FULL_CHECK_INTERVAL_SECONDS = 600.0
"""How often shops are looked at that ask for no payment any more, but may have open ones."""
STOP_SECONDS = 1.0
log = logging.getLogger("storefront.payments")


def start(app: Flask) -> None:
    """Start the jobs of this process, which serves requests."""
    state_of(app).payment_scheduler.start()
    scheduler = state_of(app).payment_scheduler
    every(app, CHECK_INTERVAL_SECONDS, "payments", check_shops, scheduler)
    every(app, FULL_CHECK_INTERVAL_SECONDS, "all payments", partial(check_shops, also_without_payment=True), scheduler)


def stop(app: Flask) -> None:
    """Stop after the running job, waiting a second at most: what it was doing is done again by the next process."""
    state_of(app).payment_scheduler.stop(STOP_SECONDS)


def check_shops(app: Flask, also_without_payment: bool = False) -> None:
    """Schedule the check of each shop that asks for payments: two reads of an index, which is empty without open
    payments."""
    with app.app_context():
        tenants = list(registry().all().values())
    for tenant in tenants:
        if tenant.payment or also_without_payment:
            schedule(app, 0, ("check", tenant.id), partial(check_job, app, tenant.id))


def schedule(app: Flask, delay: float, key: object, job: partial[None]) -> None:
    state_of(app).payment_scheduler.schedule(delay, key, job, debounce=False)


def check_job(app: Flask, tenant_id: str) -> None:
    """Process the shop's webhooks and check its payments, unless the provider is known to be down."""
    if state_of(app).payment_gate.breaker.open:
        return
    try:
        with app.app_context(), tenant_context(tenant_id), timeouts_in_force(timings_of(app).job_timeouts):
            process_webhooks()
            more = check_payments()
    except (Refusal, SQLAlchemyError) as fault:
        log.warning("could not check payments, because the database is not writable: %s", fault)
        return
    if more:
        schedule(app, 0, ("check", tenant_id), partial(check_job, app, tenant_id))


def settle_job(app: Flask, tenant_id: str, order_id: str) -> None:
    with app.app_context(), tenant_context(tenant_id), timeouts_in_force(timings_of(app).job_timeouts):
        try:
            settle_payment(order_id)
        except (ProviderUnavailable, ProviderRejected) as fault:
            log.info("order %s is settled later: %s", order_id, fault)


def schedule_webhooks() -> None:
    """Process the current shop's webhooks now."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    tenant_id = current_tenant_id()
    schedule(app, 0, ("check", tenant_id), partial(check_job, app, tenant_id))


def schedule_settlement(order_id: str) -> None:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    schedule(app, 0, ("settle", order_id), partial(settle_job, app, current_tenant_id(), order_id))
