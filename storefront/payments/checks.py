"""Checks of open payments: the scheduler asks the provider about those that wait, in case that no webhook comes, and
gives up those whose time is over."""

from datetime import datetime, timedelta

from sqlalchemy import bindparam, select, update

from storefront.clock import UtcDateTime, now
from storefront.db.tenancy import execute, tenant_scoped
from storefront.db.transactions import write
from storefront.orders.payment_choice import FIRST_CHECK, PAYMENT_WINDOW
from storefront.orders.payment_models import IS_CHECKED, PaymentStatus
from storefront.orders.payment_queries import PAYMENT_COLUMNS, PaymentView, payments
from storefront.payments.provider import ProviderRejected, ProviderUnavailable
from storefront.payments.settlement import give_up, settle_payment

BATCH = 20
GIVE_UP_AFTER = timedelta(days=30)
"""How long the provider is asked about a cancelled order's page that it doesn't know, as while the shop's key is that
of another account. A page is open for an hour; a slow method may take two weeks afterwards."""
MIN_PAUSE, MAX_PAUSE = timedelta(minutes=1), timedelta(hours=6)
DUE = bindparam("now", type_=UtcDateTime())
SELECT_DUE = tenant_scoped(
    select(*PAYMENT_COLUMNS)
    .where(payments.c.next_check_at <= DUE, IS_CHECKED)
    .order_by(payments.c.next_check_at)
    .limit(BATCH)
)
CLAIM_CHECK = tenant_scoped(
    update(payments)
    .where(payments.c.order_id == bindparam("order"), payments.c.next_check_at == bindparam("seen"))
    .values(next_check_at=bindparam("next"))
)


def check_payments() -> bool:
    """Settle the current shop's payments whose check is due. Return whether there may be more of them. Stops when the
    provider doesn't answer; those payments are tried again later."""
    due = [PaymentView(**row._mapping) for row in execute(SELECT_DUE, {"now": now()})]
    for payment in due:
        if not claim_check(payment):
            continue
        try:
            settle_payment(payment.order_id)
        except ProviderRejected:
            # The provider doesn't know the page, as after a change of account. An order that is waiting stays visible
            # to staff, who know more. One that was cancelled may have been paid, until its page is certainly closed.
            if not payment.is_pending and now() - payment.created_at > GIVE_UP_AFTER:
                give_up(payment.order_id, PaymentStatus.EXPIRED)
        except ProviderUnavailable:
            return False
    return len(due) == BATCH


def claim_check(payment: PaymentView) -> bool:
    """Set the time of the next check. Return whether this process did it; another one may have been faster."""
    with write():
        values = {"order": payment.order_id, "seen": payment.next_check_at, "next": next_check(payment, now())}
        return execute(CLAIM_CHECK, values).rowcount == 1


def next_check(payment: PaymentView, moment: datetime) -> datetime:
    """Return when a payment is checked again: in ever longer intervals, and when its time is over."""
    age = moment - payment.created_at
    if payment.expires_at is not None and moment < payment.expires_at:
        return min(payment.expires_at, moment + max(FIRST_CHECK, age))
    return moment + min(max(MIN_PAUSE, age - PAYMENT_WINDOW), MAX_PAUSE)
