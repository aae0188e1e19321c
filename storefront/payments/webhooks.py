"""Webhooks of the provider: stored once by their id and answered at once; a job settles the payments afterwards.

A webhook only says that it is time to ask the provider, so it doesn't matter if webhooks come twice, in another order,
too early or not at all: payments that wait are asked about from time to time anyway (`checks.py`)."""

import logging
from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.exc import OperationalError

from storefront.clock import UtcDateTime, now
from storefront.db.base import table_of
from storefront.db.tenancy import execute, insert_if_absent, tenant_scoped
from storefront.db.transactions import release_connections, write
from storefront.errors import DatabaseBusy, Unavailable
from storefront.ids import is_id
from storefront.orders.payment_queries import payments
from storefront.payments.models import PaymentWebhook
from storefront.payments.provider import ProviderRejected, ProviderUnavailable, WebhookNotice
from storefront.payments.second_sessions import settle_session

BATCH = 50
PATIENCE = timedelta(hours=1)
"""How long a webhook is looked at again if its order isn't there, which may be about to be committed, or if it can't be
settled. The check of its payment goes on."""
webhooks = table_of(PaymentWebhook)
IS_WAITING = webhooks.c.processed_at.is_(None)
BEFORE = bindparam("before", type_=UtcDateTime())
SELECT_WAITING = tenant_scoped(
    select(webhooks.c.id, webhooks.c.order_id, webhooks.c.session_id, webhooks.c.received_at)
    .join(payments, (payments.c.tenant_id == webhooks.c.tenant_id) & (payments.c.order_id == webhooks.c.order_id))
    .where(IS_WAITING)
    .order_by(webhooks.c.received_at.desc())
    .limit(BATCH)
)
"""Only of the shop's own payments: an account that several shops use sends each of them the webhooks of all."""
ITS_PAYMENT = tenant_scoped(select(payments.c.order_id).where(payments.c.order_id == webhooks.c.order_id)).exists()
IS_FOREIGN = (IS_WAITING, webhooks.c.received_at < BEFORE, ~ITS_PAYMENT)
SELECT_FOREIGN = tenant_scoped(select(webhooks.c.id).where(*IS_FOREIGN).limit(1))
FORGET_FOREIGN = tenant_scoped(update(webhooks).where(*IS_FOREIGN).values(processed_at=bindparam("now")))
MARK_PROCESSED = tenant_scoped(
    update(webhooks).where(webhooks.c.id == bindparam("webhook"), IS_WAITING).values(processed_at=bindparam("now"))
)
log = logging.getLogger("storefront.payments")


def store_webhook(notice: WebhookNotice) -> bool:
    """Store a verified webhook, unless it is there already. Return whether it is about an order, and so to be
    processed."""
    moment = now()
    is_ours = notice.order_id is not None and is_id(notice.order_id)
    row = {"id": notice.id, "type": notice.type, "session_id": notice.session_id, "received_at": moment}
    row |= {"order_id": notice.order_id if is_ours else None, "processed_at": None if is_ours else moment}
    with write(durable=True):
        insert_if_absent(PaymentWebhook, [row])
    return is_ours


def process_webhooks() -> bool:
    """Settle the payments that the current shop's waiting webhooks are about, the newest first, and return whether
    there may be more of them. While the provider doesn't answer, they wait."""
    waiting, processed = execute(SELECT_WAITING).all(), 0
    for row in waiting:
        try:
            is_done = settle(row)
        except ProviderUnavailable:
            return False
        if is_done or row.received_at < now() - PATIENCE:
            with write():
                execute(MARK_PROCESSED, {"webhook": row.id, "now": now()})
            processed += 1
    forget_foreign()
    return len(waiting) == BATCH and processed > 0


def forget_foreign() -> None:
    """Process no longer what waits for an order of another shop."""
    old = {"before": now() - PATIENCE}
    if execute(SELECT_FOREIGN, old).first():
        with write():
            execute(FORGET_FOREIGN, {**old, "now": now()})


def settle(row: Any) -> bool:
    """Settle the payment of a webhook. Return whether that is done; what nobody foresaw must not keep the shop's other
    webhooks from being processed."""
    try:
        settle_session(row.order_id, row.session_id)
    except ProviderUnavailable:
        raise
    except ProviderRejected as refusal:  # as of a session in another account
        log.warning("order %s: a webhook's session is refused: %s", row.order_id, refusal)
        return False
    except (DatabaseBusy, Unavailable, OperationalError):
        raise
    except Exception as fault:  # noqa: BLE001
        log.error("order %s: a webhook can't be processed: %s", row.order_id, type(fault).__name__)
        release_connections()
        return False
    return True
