"""The experiment's report as the back office shows it: computed in the background for a shop with many checkouts.

The report reads every checkout of two months, which takes seconds in a large shop. A page shows the last one that this
process has computed and says when that was."""

from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from flask import Flask
from sqlalchemy import func, select

from storefront.clock import now
from storefront.db.base import table_of
from storefront.db.tenancy import execute, tenant_scoped
from storefront.db.tenant_context import tenant_context
from storefront.scheduler import job_scheduler
from storefront.state import current_state, state_of, this_app
from storefront.tenants.settings import TenantSettings
from storefront.upsell.experiment.models import UpsellExposure
from storefront.upsell.experiment.report import Report, report

MAX_CHECKOUTS_AT_ONCE = 500
"""Up to this number of checkouts a page computes the report itself."""
MAX_AGE = timedelta(minutes=10)
exposures = table_of(UpsellExposure)
COUNT_CHECKOUTS = tenant_scoped(
    select(func.count()).select_from(
        tenant_scoped(select(exposures.c.cart_id).limit(MAX_CHECKOUTS_AT_ONCE + 1)).subquery()
    )
)


class StoredReport(NamedTuple):
    report: Report
    computed_at: datetime


def latest_report(tenant: TenantSettings) -> StoredReport | None:
    """Return the shop's report; None while the first one is being computed."""
    app = this_app()
    is_small = execute(COUNT_CHECKOUTS).scalar_one() <= MAX_CHECKOUTS_AT_ONCE
    if is_small or not job_scheduler(app).is_running:
        return StoredReport(report(tenant), now())
    found: StoredReport | None = current_state().suggestion_reports.get(tenant.id)
    if found is None or now() - found.computed_at > MAX_AGE:
        job = partial(compute_report, app, tenant)
        job_scheduler(app).schedule(0, ("report", tenant.id), job, debounce=False)
    return found


def compute_report(app: Flask, tenant: TenantSettings) -> None:
    with app.app_context(), tenant_context(tenant.id):
        state_of(app).suggestion_reports[tenant.id] = StoredReport(report(tenant), now())
