"""Reads of payments."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import bindparam, select

from storefront.clock import now
from storefront.db.base import table_of
from storefront.db.tenancy import execute, tenant_scoped
from storefront.orders.payment_models import Payment, PaymentStatus


@dataclass(frozen=True)
class PaymentView:
    """A payment as stored; amounts in minor units."""

    order_id: str
    method: str
    status: str
    currency: str
    amount: int
    paid: int
    refunded: int
    cart_id: str
    return_root: str
    attempt: int
    session_id: str | None
    intent_id: str | None
    url: str | None
    reference: str | None
    due_at: datetime | None
    created_at: datetime
    expires_at: datetime | None
    paid_at: datetime | None
    next_check_at: datetime | None

    @property
    def is_pending(self) -> bool:
        return self.status == PaymentStatus.PENDING

    @property
    def has_other_amount(self) -> bool:
        """Whether another amount than the order's was paid, or in another currency, so that it isn't confirmed: staff
        have to look at it."""
        return self.is_pending and self.intent_id is not None

    @property
    def is_expired(self) -> bool:
        """Whether the order has waited long enough for an online payment."""
        return self.expires_at is not None and now() >= self.expires_at

    @property
    def is_late(self) -> bool:
        """Whether a bank transfer hasn't come by its due date."""
        return self.is_pending and self.due_at is not None and now() > self.due_at


payments = table_of(Payment)
PAYMENT_COLUMNS = [payments.c[field.name] for field in fields(PaymentView)]
SELECT_PAYMENT = tenant_scoped(select(*PAYMENT_COLUMNS).where(payments.c.order_id == bindparam("order")))
SELECT_PAYMENTS = tenant_scoped(
    select(*PAYMENT_COLUMNS).where(payments.c.order_id.in_(bindparam("orders", expanding=True)))
)


def find_payment(order_id: str) -> PaymentView | None:
    row = execute(SELECT_PAYMENT, {"order": order_id}).one_or_none()
    return PaymentView(**row._mapping) if row is not None else None


def payments_of(order_ids: Sequence[str]) -> dict[str, PaymentView]:
    """Return the payments of these orders, by order."""
    rows = execute(SELECT_PAYMENTS, {"orders": list(order_ids)}) if order_ids else ()
    return {row.order_id: PaymentView(**row._mapping) for row in rows}
