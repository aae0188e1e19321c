"""Changes of refunds, inside `write()` and behind `lock_payment`, which keeps two refunds of an order apart."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import bindparam, update

from storefront.catalog.stock import StockChange, restore_stock, stock_event
from storefront.clock import now
from storefront.db.tenancy import execute, insert_rows, tenant_scoped
from storefront.db.tenant_context import current_tenant_id
from storefront.documents.actions import seller_of
from storefront.documents.numbering import next_number
from storefront.events.actions import Change, NewEvent, record_events
from storefront.events.models import EventType
from storefront.mail.kinds import MailKind
from storefront.orders.mails import mail_buyer
from storefront.orders.models import OrderStatus
from storefront.orders.payment_changes import change_payment
from storefront.orders.payment_models import PaymentStatus
from storefront.orders.payment_queries import PaymentView
from storefront.orders.queries import OrderView
from storefront.orders.refund_models import CreditNoteCounter, Refund, RefundLine, RefundStatus
from storefront.orders.refund_queries import RefundView, back_of_failed, refunds, restocked_of
from storefront.orders.sales import forget_sales
from storefront.refunds.calculator import CalculatedRefund, PaidLine, PaidOrder, RefundRequest
from storefront.refunds.tax_shares import NOTHING, ByRate, by_rate
from storefront.tenants.registry import registry

CREDIT_NOTE_PREFIX = "CN"
POSTPONE_REFUND = tenant_scoped(
    update(refunds)
    .where(
        refunds.c.id == bindparam("refund"),
        refunds.c.status == RefundStatus.PENDING,
        refunds.c.attempt == bindparam("seen"),
    )
    .values({name: bindparam(f"new_{name}") for name in ("attempt", "failure", "next_check_at")})
)


def paid_order(order: OrderView, payment: PaymentView) -> PaidOrder:
    """Return what can be refunded. Refunds that may still succeed count as refunded."""
    counted = [refund for refund in order.refunds if refund.counts]
    pending = sum(refund.amount for refund in counted if refund.is_pending)
    refunded: dict[str, int] = {}
    for refund in counted:
        for line in refund.lines:
            refunded[line.variant_id] = refunded.get(line.variant_id, 0) + line.quantity
    return PaidOrder(
        lines=[
            PaidLine(
                *(line.variant_id, line.product_id, line.unit_price, line.quantity),
                *(line.discount, line.tax, line.tax_percent),
            )
            for line in order.lines
        ],
        tax_included=order.price.tax_included,
        shipping=order.price.shipping + (0 if order.price.tax_included else order.price.shipping_tax),
        shipping_tax=order.price.shipping_tax,
        available=payment.paid - payment.refunded - pending,
        shipping_refunded=sum(refund.shipping for refund in counted),
        refunded=refunded,
        restocked=restocked_of(order.refunds),
        back_of_failed=back_of_failed(order.refunds),
        shipping_tax_rate=order.price.tax_rate,
        left_by_rate=left_by_rate(order, counted),
    )


def refundable(order: OrderView) -> int:
    """Return what can still be refunded of an order, which a cancellation pays back."""
    return max(0, paid_order(order, order.payment).available) if order.payment and order.payment.paid else 0


def left_by_rate(order: OrderView, counted: Sequence[RefundView]) -> ByRate:
    left = by_rate(order.price.total, order.price.tax_lines)
    for refund in counted:
        for rate, part in by_rate(refund.amount, refund.tax_lines).items():
            left[rate] = left.get(rate, NOTHING) - part
    return left


def fingerprint_of(order_id: str, wanted: RefundRequest) -> str:
    """Return a hash by which a repeated request is told from another one."""
    parts = (order_id, sorted(wanted.quantities.items()), wanted.shipping, wanted.amount, wanted.reason, wanted.restock)
    return sha256(repr(parts).encode()).hexdigest()


def add_refund(refund_id: str, order: OrderView, calculated: CalculatedRefund, wanted: RefundRequest) -> None:
    """Write a pending refund with its lines, and put what came back into stock."""
    row = {
        "id": refund_id,
        "order_id": order.id,
        "status": RefundStatus.PENDING,
        "currency": order.currency,
        "amount": calculated.amount,
        "shipping": calculated.shipping,
        "shipping_tax": calculated.shipping_tax,
        "tax_lines": [line.as_json() for line in calculated.tax_lines] or None,
        "reason": wanted.reason or None,
        "fingerprint": fingerprint_of(order.id, wanted),
        "attempt": 1,
        "created_at": now(),
        "next_check_at": now(),
    }
    insert_rows(Refund, [row])
    if calculated.lines:
        insert_rows(RefundLine, [{"refund_id": refund_id, **vars(line)} for line in calculated.lines])
    record_events(put_back(calculated))


def put_back(calculated: CalculatedRefund) -> list[NewEvent]:
    """Put the restocked quantities back into stock. Return the events about it."""
    returned = sorted(
        StockChange(line.product_id, line.variant_id, line.restocked) for line in calculated.lines if line.restocked
    )
    left = zip(returned, restore_stock(returned, now()), strict=True)
    return [stock_event(line.product_id, line.variant_id, stock) for line, stock in left]


def finish_refund(refund: RefundView, order: OrderView, payment: PaymentView, provider_id: str | None) -> None:
    """Record that the money was paid back: the credit note gets its number."""
    tenant = registry().all()[current_tenant_id()]
    number = next_number(CreditNoteCounter, CREDIT_NOTE_PREFIX, now().astimezone(tenant.timezone).year)
    issued = {"number": number, "finished_at": now(), "seller": seller_of(tenant)}
    change_refund(refund.id, status=RefundStatus.SUCCEEDED, failure=None, provider_id=provider_id, **issued)
    refunded = payment.refunded + refund.amount
    status = PaymentStatus.REFUNDED if refunded >= payment.paid else PaymentStatus.PARTLY_REFUNDED
    change_payment(order.id, refunded=refunded, status=status)
    mail_buyer(MailKind.ORDER_REFUNDED, order, amount=refund.amount, refund=refund.id)
    data = {"refund": refund.id, "credit_note": number, "amount": refund.amount}
    record_events([Change(EventType.ORDER_REFUNDED, order.id, data, {"payment": payment.status}, {"payment": status})])
    forget_sales([order.created_at])


def fail_refund(refund: RefundView, code: str, provider_id: str | None = None) -> None:
    """Record that the provider refuses the refund. What it was for can be refunded again."""
    change_refund(refund.id, status=RefundStatus.FAILED, failure=code, provider_id=provider_id, finished_at=now())
    data = {"refund": refund.id, "amount": refund.amount, "code": code}
    record_events([Change(EventType.REFUND_FAILED, refund.order_id, data)])


def change_refund(refund_id: str, **columns: Any) -> None:
    """Set these columns."""
    changed: dict[str, Any] = {name: bindparam(f"new_{name}") for name in columns}
    statement = tenant_scoped(update(refunds).where(refunds.c.id == bindparam("refund")).values(changed))
    execute(statement, {"refund": refund_id, **{f"new_{name}": value for name, value in columns.items()}})


def postpone_refund(refund: RefundView, attempt: int, failure: str, next_check_at: datetime) -> None:
    """Record the next attempt of a pending refund, and why the provider couldn't be asked, unless another process has
    recorded an answer meanwhile."""
    values = {"new_attempt": attempt, "new_failure": failure, "new_next_check_at": next_check_at}
    execute(POSTPONE_REFUND, {"refund": refund.id, "seen": refund.attempt, **values})


def may_restock(order: OrderView) -> bool:
    """Whether a refund may put items back into stock: the cancellation of an order has done it, or has decided not
    to."""
    return order.status != OrderStatus.CANCELLED
