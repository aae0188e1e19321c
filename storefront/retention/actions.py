"""Removing what is older than the settings say: all at once for a command, or bit by bit behind a running shop, by one
process of all at a time."""

import logging
from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial

from flask import Flask, current_app
from sqlalchemy.exc import SQLAlchemyError

from storefront.cart import retention as carts
from storefront.clock import now, rfc3339
from storefront.config import Settings
from storefront.db.tenant_context import tenant_context
from storefront.db.transactions import write
from storefront.errors import Refusal
from storefront.retention.expiry import Rule, batches
from storefront.tenants.registry import put_setting, registry
from storefront.upsell import retention as upsell
from storefront.upsell.scheduler import job_scheduler

RULES: Sequence[tuple[Rule, str]] = (
    *((rule, "upsell_keep_days") for rule in upsell.RULES),
    (carts.short_lived(upsell.IS_IN_THE_REPORT), "cart_keep_days_short"),
    (carts.long_lived(upsell.IS_IN_THE_REPORT), "cart_keep_days"),
)
"""Each rule with the setting that says for how many days. Exposures go first, because carts are kept for them."""
LOOK_EVERY_SECONDS = 300.0
"""How often a process looks whether a round is due."""
ROUND_EVERY = timedelta(hours=1)
PAUSE_SECONDS = 0.1
"""Between two transactions, so that orders get their turn."""
ROW = "retention_began"
log = logging.getLogger("storefront.retention")


def prune() -> Iterator[int]:
    """Remove what is too old of the current tenant: yields how many rows went, after each transaction."""
    settings: Settings = current_app.extensions["storefront_settings"]
    for rule, days in RULES:
        yield from batches(rule, now() - timedelta(days=getattr(settings, days)))


def begin_round(app: Flask) -> None:
    """Begin a round through all shops if one is due and no other process has begun it."""
    try:
        with app.app_context():
            if is_mine():
                step(app, round_of(app, list(registry().all())))
    except (Refusal, SQLAlchemyError) as fault:
        log.warning("could not remove old rows, because the database is not writable: %s", fault)


def is_mine() -> bool:
    """Whether the round that is due is this process's; who began one and didn't come to its end is not waited for."""
    moment = now()
    with write():
        return put_setting(ROW, rfc3339(moment), only_over_less_than=rfc3339(moment - ROUND_EVERY))


def round_of(app: Flask, tenant_ids: Sequence[str]) -> Iterator[int]:
    """Each step removes a batch of one shop's rows, in contexts of its own."""
    for tenant_id in tenant_ids:
        pruning = prune()
        while True:
            with app.app_context(), tenant_context(tenant_id):
                gone = next(pruning, None)
            if gone is None:
                break
            yield gone


def step(app: Flask, work: Iterator[int]) -> None:
    """Do the next step of the round, and the one after it a little later."""
    try:
        if next(work, None) is not None:
            job_scheduler(app).schedule(PAUSE_SECONDS, "retention", partial(step, app, work))
    except (Refusal, SQLAlchemyError) as fault:
        log.warning("could not remove old rows, because the database is not writable: %s", fault)
