"""The background job of refunds: continues those that wait for the payment provider."""

from flask import Flask
from sqlalchemy import bindparam, select

from storefront.clock import UtcDateTime, now
from storefront.db.tenancy import execute, tenant_scoped
from storefront.orders.refund_models import IS_PENDING
from storefront.orders.refund_queries import refunds
from storefront.payments.jobs import schedule_check
from storefront.refunds.actions import pay_back
from storefront.scheduler import every
from storefront.state import state_of
from storefront.tenants.registry import registry

CHECK_INTERVAL_SECONDS = 60.0
BATCH = 20
SELECT_DUE = tenant_scoped(
    select(refunds.c.id)
    .where(refunds.c.next_check_at <= bindparam("now", type_=UtcDateTime()), IS_PENDING)
    .order_by(refunds.c.next_check_at)
    .limit(BATCH)
)


def start(app: Flask) -> None:
    """Start the job of this process, on the scheduler of payments."""
    every(app, CHECK_INTERVAL_SECONDS, "refunds", check_shops, state_of(app).payment_scheduler)


def check_shops(app: Flask) -> None:
    """Schedule the check of each shop: one read of an index that is empty without pending refunds."""
    with app.app_context():
        tenant_ids = list(registry().all())
    for tenant_id in tenant_ids:
        schedule_check(app, tenant_id, "refunds", check_refunds)


def check_refunds() -> bool:
    """Continue the current shop's pending refunds whose check is due. Return whether there may be more of them."""
    due = execute(SELECT_DUE, {"now": now()}).scalars().all()
    for refund_id in due:
        pay_back(refund_id)
    return len(due) == BATCH
