"""The background jobs of payments, in a thread of their own: webhooks to process, and payments to check."""

import logging
from collections.abc import Callable
from functools import partial

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from storefront.db.tenant_context import current_tenant_id
from storefront.errors import Refusal
from storefront.payments.checks import check_payments
from storefront.payments.provider import ProviderRejected, ProviderUnavailable
from storefront.payments.settlement import settle_payment
from storefront.payments.webhooks import process_webhooks
from storefront.scheduler import every
from storefront.state import state_of, this_app
from storefront.tenants.job_context import job_context
from storefront.tenants.registry import registry

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
            schedule_check(app, tenant.id, "payments", check_shop)


def check_shop() -> bool:
    """Return whether there may be more to do at once."""
    has_webhooks = process_webhooks()
    return check_payments() or has_webhooks


def schedule_check(app: Flask, tenant_id: str, name: str, check: Callable[[], bool]) -> None:
    """Run a check of what waits for the provider, for a shop. It returns whether there is more to do at once."""
    schedule(app, (name, tenant_id), partial(check_job, app, tenant_id, name, check))


def schedule(app: Flask, key: object, job: Callable[[], None]) -> None:
    state_of(app).payment_scheduler.schedule(0, key, job, debounce=False)


def check_job(app: Flask, tenant_id: str, name: str, check: Callable[[], bool]) -> None:
    """Does nothing while the provider is known to be down."""
    if state_of(app).payment_gate.breaker.open:
        return
    try:
        with job_context(app, tenant_id):
            has_more = check()
    except (Refusal, SQLAlchemyError) as fault:
        log.warning("could not check %s, because the database is not writable: %s", name, fault)
        return
    if has_more:
        schedule_check(app, tenant_id, name, check)


def settle_job(app: Flask, tenant_id: str, order_id: str) -> None:
    with job_context(app, tenant_id):
        try:
            settle_payment(order_id)
        except (ProviderUnavailable, ProviderRejected) as fault:
            log.info("order %s is settled later: %s", order_id, fault)


def schedule_webhooks() -> None:
    """Process the current shop's webhooks now."""
    schedule_check(this_app(), current_tenant_id(), "payments", check_shop)


def schedule_settlement(order_id: str) -> None:
    schedule(this_app(), ("settle", order_id), partial(settle_job, this_app(), current_tenant_id(), order_id))
