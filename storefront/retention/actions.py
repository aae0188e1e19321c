"""Data retention: deletes rows older than the settings allow, at once for a command, or in the background in small
batches, by one process at a time."""

import logging
from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from storefront.cart import retention as carts
from storefront.clock import now, rfc3339
from storefront.db.expiry import BATCH, Rule, batches
from storefront.db.tenant_context import tenant_context
from storefront.db.transactions import write
from storefront.errors import Refusal
from storefront.mail import retention as mails
from storefront.payments import retention as payments
from storefront.retention.pictures import remove_unused_pictures
from storefront.scheduler import every, job_scheduler
from storefront.staff.failed_sign_ins import remove_expired_counts
from storefront.state import current_state
from storefront.tenants.registry import put_setting, registry
from storefront.upsell import retention as upsell

RULES: Sequence[tuple[Rule, str]] = (
    *((rule, "upsell_keep_days") for rule in upsell.RULES),
    *((rule, "mail_keep_days") for rule in mails.RULES),
    (carts.short_lived(upsell.IS_IN_THE_REPORT), "cart_keep_days_short"),
    (carts.long_lived(upsell.IS_IN_THE_REPORT), "cart_keep_days"),
)
"""Each rule with the name of its setting (days). Exposures come first, because their carts are kept for them."""
CHECK_INTERVAL_SECONDS = 300.0
"""How often a process checks whether a round is due."""
ROUND_INTERVAL = timedelta(hours=1)
PAUSE_SECONDS = 0.1
"""Pause between two transactions, so that orders don't wait."""
ROW = "retention_began"
log = logging.getLogger("storefront.retention")


def start(app: Flask) -> None:
    """Begin to look for old rows, in a process whose scheduler runs."""
    every(app, CHECK_INTERVAL_SECONDS, "retention looks", begin_round)


def prune(batch_size: int = BATCH) -> Iterator[int]:
    """Delete the current tenant's old rows. Yields the number of deleted rows after each transaction."""
    settings = current_state().settings
    for rule, days in RULES:
        yield from batches(rule, now() - timedelta(days=getattr(settings, days)), batch_size)
    yield from batches(payments.RULE, now() - timedelta(days=payments.KEEP_DAYS), batch_size)


def begin_round(app: Flask) -> None:
    """Start a round through all shops if one is due and no other process has started it."""
    try:
        with app.app_context():
            if claim_round():
                step(app, round_of(app, list(registry().all())))
    except (Refusal, SQLAlchemyError) as fault:
        log.warning("could not remove old rows, because the database is not writable: %s", fault)


def claim_round() -> bool:
    """Claim the round if it is due. Return whether this process has claimed it; an interrupted round is not resumed."""
    moment = now()
    with write():
        return put_setting(ROW, rfc3339(moment), only_over_less_than=rfc3339(moment - ROUND_INTERVAL))


def round_of(app: Flask, tenant_ids: Sequence[str]) -> Iterator[int]:
    """Yield after each batch of expired counts of failed sign-ins, then of each shop's rows, deleted in its own
    contexts, and after its pictures."""
    while expired := remove_expired_counts_of(app):
        yield expired
    for tenant_id in tenant_ids:
        pruning = prune()
        while True:
            with app.app_context(), tenant_context(tenant_id):
                deleted = next(pruning, None)
            if deleted is None:
                break
            yield deleted
        with app.app_context(), tenant_context(tenant_id):
            deleted = remove_unused_pictures()
        if deleted:
            yield deleted


def remove_expired_counts_of(app: Flask) -> int:
    with app.app_context():
        return remove_expired_counts()


def step(app: Flask, work: Iterator[int]) -> None:
    """Delete the next batch and schedule the one after it."""
    try:
        if next(work, None) is not None:
            job_scheduler(app).schedule(PAUSE_SECONDS, "retention", partial(step, app, work))
    except (Refusal, SQLAlchemyError) as fault:
        log.warning("could not remove old rows, because the database is not writable: %s", fault)
