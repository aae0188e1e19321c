"""Webhooks of the provider: stored once by their id and answered at once; a job settles the payments afterwards.

A webhook only says that it is time to ask the provider, so it doesn't matter if webhooks come twice, in another order,
too early or not at all: payments that wait are asked about from time to time anyway (`checks.py`)."""

from datetime import timedelta

from sqlalchemy import bindparam, select, update

from storefront.clock import now
from storefront.db.base import table_of
from storefront.db.tenancy import execute, insert_if_absent, tenant_scoped
from storefront.db.transactions import write
from storefront.ids import is_id
from storefront.payments.models import PaymentWebhook
from storefront.payments.provider import ProviderRejected, ProviderUnavailable, WebhookNotice
from storefront.payments.settlement import settle_payment

BATCH = 50
PATIENCE = timedelta(hours=1)
"""How long a webhook about an order that isn't there is looked at again: the order may be about to be committed."""
webhooks = table_of(PaymentWebhook)
IS_WAITING = webhooks.c.processed_at.is_(None)
SELECT_WAITING = tenant_scoped(
    select(webhooks.c.id, webhooks.c.order_id, webhooks.c.session_id, webhooks.c.received_at)
    .where(IS_WAITING)
    .order_by(webhooks.c.received_at)
    .limit(BATCH)
)
MARK_PROCESSED = tenant_scoped(
    update(webhooks).where(webhooks.c.id == bindparam("webhook"), IS_WAITING).values(processed_at=bindparam("now"))
)


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


def process_webhooks() -> None:
    """Settle the payments that the current shop's waiting webhooks are about. While the provider doesn't answer, they
    wait."""
    for row in execute(SELECT_WAITING).all():
        try:
            is_known = settle_payment(row.order_id, row.session_id)
        except ProviderRejected:
            is_known = True  # as of a session in another account
        except ProviderUnavailable:
            return
        if is_known or row.received_at < now() - PATIENCE:
            with write():
                execute(MARK_PROCESSED, {"webhook": row.id, "now": now()})
