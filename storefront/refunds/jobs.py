"""The background job of refunds: continues those that wait for the payment provider."""

import logging
from functools import partial

from flask import Flask
from sqlalchemy import bindparam, select
from sqlalchemy.exc import SQLAlchemyError

from storefront.clock import UtcDateTime, now
from storefront.db.tenancy import execute, tenant_scoped
from storefront.db.tenant_context import tenant_context
from storefront.db.timeouts import timeouts_in_force
from storefront.errors import Refusal
from storefront.orders.refund_models import IS_PENDING
from storefront.orders.refund_queries import refunds
from storefront.payments.jobs import schedule
from storefront.refunds.actions import pay_back
from storefront.state import state_of
from storefront.tenants.registry import registry
from storefront.timings import timings_of
from storefront.upsell.scheduler import every

CHECK_INTERVAL_SECONDS = 60.0
BATCH = 20
SELECT_DUE = tenant_scoped(
    select(refunds.c.id)
    .where(refunds.c.next_check_at <= bindparam("now", type_=UtcDateTime()), IS_PENDING)
    .order_by(refunds.c.next_check_at)
    .limit(BATCH)
)
log = logging.getLogger("storefront.refunds")


def start(app: Flask) -> None:
    """Start the job of this process, on the scheduler of payments."""
    every(app, CHECK_INTERVAL_SECONDS, "refunds", check_shops, state_of(app).payment_scheduler)


def check_shops(app: Flask) -> None:
    """Schedule the check of each shop: one read of an index that is empty without pending refunds."""
    with app.app_context():
        tenant_ids = list(registry().all())
    for tenant_id in tenant_ids:
        schedule(app, 0, ("refunds", tenant_id), partial(check_job, app, tenant_id))


def check_job(app: Flask, tenant_id: str) -> None:
    if state_of(app).payment_gate.breaker.open:
        return
    try:
        with app.app_context(), tenant_context(tenant_id), timeouts_in_force(timings_of(app).job_timeouts):
            check_refunds()
    except (Refusal, SQLAlchemyError) as fault:
        log.warning("could not check refunds, because the database is not writable: %s", fault)


def check_refunds() -> None:
    """Continue the current shop's pending refunds whose check is due."""
    for refund_id in execute(SELECT_DUE, {"now": now()}).scalars().all():
        pay_back(refund_id)
