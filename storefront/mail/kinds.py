"""The kinds of mail, and the states of one."""

from collections.abc import Mapping
from enum import StrEnum

from storefront.i18n.gettext import N_


class MailKind(StrEnum):
    ORDER_PLACED = "order_placed"
    ORDER_PAID = "order_paid"
    ORDER_SHIPPED = "order_shipped"
    ORDER_CANCELLED = "order_cancelled"
    ORDER_REFUNDED = "order_refunded"
    WITHDRAWAL_RECEIVED = "withdrawal_received"
    INVITATION = "invitation"
    PASSWORD_RESET = "password_reset"  # noqa: S105 - a kind of mail
    TEST = "test"


WITH_SECRET_LINK = frozenset({MailKind.INVITATION, MailKind.PASSWORD_RESET})
"""Kinds with a link that only the recipient may see."""
WITH_WITHDRAWAL_LINK = frozenset({MailKind.ORDER_PLACED, MailKind.ORDER_PAID, MailKind.ORDER_SHIPPED})
"""Kinds about an order from which the buyer may withdraw, in shops in the EU."""


class MailStatus(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"


KIND_NAMES: Mapping[str, str] = {
    MailKind.ORDER_PLACED: N_("Order confirmation"),
    MailKind.ORDER_PAID: N_("Payment received"),
    MailKind.ORDER_SHIPPED: N_("Order shipped"),
    MailKind.ORDER_CANCELLED: N_("Order cancelled"),
    MailKind.ORDER_REFUNDED: N_("Refund"),
    MailKind.WITHDRAWAL_RECEIVED: N_("Withdrawal received"),
    MailKind.INVITATION: N_("Invitation"),
    MailKind.PASSWORD_RESET: N_("New password"),
    MailKind.TEST: N_("Test email"),
}
