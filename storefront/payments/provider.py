"""Payment providers: the interface that each way to pay has.

A provider talks to somebody else's server, so none of its methods is called inside `write()`."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from storefront.orders.payment_queries import PaymentView
from storefront.orders.queries import OrderView


class ProviderUnavailable(Exception):
    """The provider can't be asked now: it is down, slow or busy, or refuses the shop's key. Asking again is safe,
    because each call that changes something has an idempotency key.

    `is_stored` says that the provider has answered with an error of its own, which it would repeat for the same key."""

    def __init__(self, message: str, is_stored: bool = False) -> None:
        super().__init__(message)
        self.is_stored = is_stored


class KeyRefused(ProviderUnavailable):
    """The provider doesn't accept the shop's key, or the key may not do this."""


class KeyUnusable(KeyRefused):
    """The shop's key can't be sent, so that the provider wasn't asked."""


class ProviderRejected(Exception):
    """The provider refuses this payment, and will again. The message is its code of the reason."""


class Phase(StrEnum):
    """The state of a payment at the provider."""

    OPEN = "open"
    """The buyer can pay."""
    PROCESSING = "processing"
    """The buyer has paid by a slow method, such as a direct debit, which may still fail."""
    PAID = "paid"
    EXPIRED = "expired"
    """Nobody can pay any more, and nobody has."""
    FAILED = "failed"


class RefundStatus(StrEnum):
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True)
class StartedPayment:
    """The provider's page for a payment, and its id there."""

    session_id: str
    url: str


@dataclass(frozen=True)
class ProviderState:
    """`amount` is what was paid, in minor units of `currency`; `order_id` the order that the provider names, and
    `session_id` its payment page."""

    phase: Phase
    amount: int = 0
    currency: str = ""
    intent_id: str | None = None
    order_id: str | None = None
    session_id: str | None = None


@dataclass(frozen=True)
class ProviderRefund:
    """`id` is the provider's; None if staff pay the money back themselves."""

    id: str | None
    status: RefundStatus


@dataclass(frozen=True)
class WebhookNotice:
    """What a verified webhook is about: its unique id, its type, and the order and the session that it names."""

    id: str
    type: str
    order_id: str | None
    session_id: str | None


class PaymentProvider(Protocol):
    """One way to pay. Every method but `verify_webhook` may raise `ProviderUnavailable`."""

    def start(self, payment: PaymentView, order: OrderView) -> StartedPayment | None:
        """Open the page on which the buyer pays; None if there is none. Repeating it opens no second one. Raises
        `ProviderRejected`."""

    def confirm(self, payment: PaymentView, close: bool = False) -> ProviderState:
        """Ask for the current state. With `close`, a page that is still open is closed first, so that nobody pays
        afterwards."""

    def refund(self, payment: PaymentView, amount: int, key: str) -> ProviderRefund:
        """Pay back an amount in minor units, once for each `key`. Raises `ProviderRejected`."""

    def find_refund(self, payment: PaymentView, key_prefix: str) -> ProviderRefund | None:
        """Return the refund, as it is now, that was made for a key with this beginning."""

    def verify_webhook(self, body: bytes, signature: str) -> WebhookNotice:
        """Return what the webhook is about. Raises `InvalidSignature`, or `NotFound` for a method without webhooks."""
