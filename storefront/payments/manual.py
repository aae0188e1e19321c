"""Payments that no provider knows of: the money comes by bank transfer or on delivery, and staff say so."""

from storefront.errors import NotFound
from storefront.i18n.gettext import _
from storefront.orders.payment_queries import PaymentView
from storefront.orders.queries import OrderView
from storefront.payments.provider import (
    Phase,
    ProviderRefund,
    ProviderState,
    RefundStatus,
    StartedPayment,
    WebhookNotice,
)


class ManualProvider:
    """There is nobody to ask, so a payment stays as it is until staff mark it as paid; and they pay refunds
    themselves."""

    def start(self, payment: PaymentView, order: OrderView) -> StartedPayment | None:
        return None

    def confirm(self, payment: PaymentView, close: bool = False) -> ProviderState:
        phase = Phase.PAID if payment.paid else Phase.OPEN
        return ProviderState(phase, payment.paid, payment.currency, order_id=payment.order_id)

    def refund(self, payment: PaymentView, amount: int, key: str) -> ProviderRefund:
        return ProviderRefund(None, RefundStatus.SUCCEEDED)

    def find_refund(self, payment: PaymentView, key_prefix: str) -> ProviderRefund | None:
        return None

    def verify_webhook(self, body: bytes, signature: str) -> WebhookNotice:
        raise NotFound(_("We couldn't find this page."))


class OnDelivery(ManualProvider):
    """Paid to whoever brings the goods, or when they are picked up."""


class BankTransfer(ManualProvider):
    """Paid by a transfer with the order's number as its reference, until a due date."""
