"""How the buyer of an order wants to pay: what the shop offers, what was chosen, and the payment row that follows."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from storefront.errors import FieldError, Invalid, Refusal
from storefront.i18n.gettext import N_, _
from storefront.orders.payment_models import PaymentMethod, PaymentStatus

PAYMENT_WINDOW = timedelta(minutes=30)
"""How long an order keeps its stock while it waits for an online payment."""
DEFAULT_TRANSFER_DAYS = 14
ONLINE_METHODS = (PaymentMethod.STRIPE,)
"""Methods whose order waits for the payment, and is cancelled without it."""


class PaymentUnavailable(Refusal):
    """The shop asks for a payment, but none of its ways to pay can be used now, as without a Stripe key."""

    status = 503
    type = "payment-unavailable"
    title = N_("Payment isn't available")

    def __init__(self) -> None:
        super().__init__(_("This shop can't take payments right now. Nothing was ordered. Please try again later."))


def no_fault(_method: str, _amount: int) -> str | None:
    """Every method can take every amount."""
    return None


@dataclass(frozen=True)
class PaymentChoice:
    """`configured` are the shop's methods, none if it doesn't ask for a payment; `offered` those that can be used now.
    `return_root` is the URL of the shop's root, to which a payment page leads back. `fault_of` returns a sentence if a
    method can't take an amount of the shop's currency in minor units."""

    configured: tuple[str, ...] = ()
    offered: tuple[str, ...] = ()
    chosen: str | None = None
    return_root: str = ""
    transfer_days: int = DEFAULT_TRANSFER_DAYS
    fault_of: Callable[[str, int], str | None] = no_fault

    @property
    def is_required(self) -> bool:
        return bool(self.configured)

    def method_for(self, total: int) -> str | None:
        """Return the method to pay `total` with, in minor units; None if there is nothing to pay. In a shop that is
        only paid on delivery, nobody needs to choose that, as nothing has to be done for it.

        Raises `Invalid` for a missing choice, one that isn't offered or one that can't take the total, and
        `PaymentUnavailable`.
        """
        if self.is_required and total == 0:
            return None
        if self.is_required and not self.offered:
            raise PaymentUnavailable
        if not self.chosen and self.configured == (PaymentMethod.ON_DELIVERY,):
            return PaymentMethod.ON_DELIVERY
        if self.is_required and not self.chosen:
            raise Invalid(FieldError("payment", _("Please choose how you'd like to pay.")))
        if self.chosen and self.chosen not in self.offered:
            raise Invalid(FieldError("payment", _("This shop doesn't offer this way to pay. Please choose another.")))
        if self.chosen and (fault := self.fault_of(self.chosen, total)):
            others = [method for method in self.offered if self.fault_of(method, total) is None]
            advice = _("Please choose another way to pay.") if others else ""
            raise Invalid(FieldError("payment", f"{fault} {advice}".strip()))
        return self.chosen


NO_PAYMENT = PaymentChoice()


def payment_columns(method: str | None) -> dict[str, Any]:
    """Return what a new order stores of its payment."""
    return {"payment_method": method, "payment_status": first_status(method)}


def first_status(method: str | None) -> PaymentStatus:
    return PaymentStatus.NONE if method in (None, PaymentMethod.ON_DELIVERY) else PaymentStatus.PENDING


def payment_row(choice: PaymentChoice, method: str, order: dict[str, Any], moment: datetime) -> dict[str, Any]:
    """Return the payment of a new order, given the order's row."""
    is_online, is_transfer = method in ONLINE_METHODS, method == PaymentMethod.BANK_TRANSFER
    return {
        "order_id": order["id"],
        "method": method,
        "status": first_status(method),
        "currency": order["currency"],
        "amount": order["total"],
        "paid": 0,
        "refunded": 0,
        "cart_id": order["cart_id"],
        "return_root": choice.return_root if is_online else "",
        "attempt": 1,
        "reference": order["number"] if is_transfer else None,
        "due_at": moment + timedelta(days=choice.transfer_days) if is_transfer else None,
        "created_at": moment,
        "expires_at": moment + PAYMENT_WINDOW if is_online else None,
        "next_check_at": moment + FIRST_CHECK if is_online else None,
    }


FIRST_CHECK = timedelta(minutes=2)
"""Usually the provider's webhook or the buyer's return tells of the payment earlier."""
