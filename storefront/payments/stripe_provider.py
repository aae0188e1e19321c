"""Stripe: the buyer pays on Stripe's own page (a Checkout Session), so the shop never sees a card.

Everything that Stripe says is asked for by `confirm`; a webhook only says that it is time to ask. docs/payments.md
names the pages of Stripe's documentation that this follows. The library is imported here only, and this module only
where there is a key, because the library takes 22 MB."""

import logging
from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache
from typing import Any, TypeVar

import stripe

from storefront.errors import NotFound, Refusal
from storefront.i18n.gettext import N_, _
from storefront.ids import new_token
from storefront.orders.payment_choice import PAYMENT_WINDOW
from storefront.orders.payment_queries import PaymentView
from storefront.orders.queries import OrderView
from storefront.outside_json import read_json
from storefront.payments.gate import ProviderDown, ProviderGate
from storefront.payments.provider import (
    KeyRefused,
    KeyUnusable,
    Phase,
    ProviderRefund,
    ProviderRejected,
    ProviderState,
    ProviderUnavailable,
    RefundStatus,
    StartedPayment,
    WebhookNotice,
)
from storefront.payments.settings import StripeKeys
from storefront.payments.stripe_amounts import from_stripe, to_stripe
from storefront.payments.stripe_http import LimitedClient

CONNECT_SECONDS, READ_SECONDS, TOTAL_SECONDS = 2.0, 5.0, 10.0
"""At most, to connect, to wait for a part of the response, and for the whole call."""
SESSION_LIFETIME = 2 * PAYMENT_WINDOW + timedelta(minutes=2)
"""When Stripe closes its page by itself, after the order was placed: at least 30 minutes after the page was opened,
which happens within the payment window. The shop closes it earlier; this is for a shop that is down."""
SESSION_EVENTS = "checkout.session."
MAX_ID_LENGTH = 255
T = TypeVar("T")
log = logging.getLogger("storefront.payments")
stripe.enable_telemetry = False


class InvalidSignature(Refusal):
    """A webhook that the provider hasn't signed with the shop's secret, or one that is too old."""

    status = 400
    type = "invalid-signature"
    title = N_("Invalid signature")

    def __init__(self) -> None:
        super().__init__(_("The signature of this webhook isn't valid."))


@lru_cache(maxsize=64)
def client_for(secret_key: str, api_base: str | None) -> stripe.StripeClient:
    """The client of an account, which keeps its connections open. It doesn't retry: a shopper or a job does."""
    return stripe.StripeClient(
        secret_key,
        base_addresses={"api": api_base} if api_base else {},
        http_client=LimitedClient(CONNECT_SECONDS, READ_SECONDS, TOTAL_SECONDS),
        max_network_retries=0,
    )


class StripeProvider:
    """The Stripe account with these keys."""

    def __init__(self, keys: StripeKeys, api_base: str | None, gate: ProviderGate) -> None:
        self._keys, self._gate = keys, gate
        self._client = client_for(keys.secret_key, api_base)

    def start(self, payment: PaymentView, order: OrderView) -> StartedPayment | None:
        """All parameters are the order's, and none depends on the request or the time, so that Stripe answers a
        repeated call with the same session."""
        back = f"{payment.return_root}/orders/{order.id}/payment"
        params: Any = {
            "mode": "payment",
            "client_reference_id": order.id,
            "customer_email": order.email,
            "expires_at": int((payment.created_at + SESSION_LIFETIME).timestamp()),
            "line_items": [{"quantity": 1, "price_data": self._price(payment, order)}],
            "metadata": {"order_id": order.id},
            "payment_intent_data": {
                "description": order.number,
                "metadata": {"order_id": order.id, "order_number": order.number},
            },
            "success_url": back,
            "cancel_url": f"{payment.return_root}/orders/{order.id}",
        }
        session = self._call(
            lambda: self._client.v1.checkout.sessions.create(
                params, {"idempotency_key": f"start-{order.id}-{payment.attempt}"}
            )
        )
        if not session.url:
            raise ProviderUnavailable("Stripe opened a session without a page")
        return StartedPayment(session.id, session.url)

    def _price(self, payment: PaymentView, order: OrderView) -> dict[str, Any]:
        """One line with the order's total: discount, shipping and tax are in it, each rounded as the shop does."""
        amount = chargeable(payment.amount, order.currency)
        return {"currency": order.currency.lower(), "unit_amount": amount, "product_data": {"name": order.number}}

    def confirm(self, payment: PaymentView, close: bool = False) -> ProviderState:
        session_id = payment.session_id or ""
        state = state_of(self._call(lambda: self._retrieve(session_id)))
        if close and state.phase == Phase.OPEN:
            try:
                return state_of(self._call(lambda: self._expire(session_id)))
            except ProviderRejected:  # it was paid meanwhile
                return state_of(self._call(lambda: self._retrieve(session_id)))
        return state

    def _retrieve(self, session_id: str) -> Any:
        return self._client.v1.checkout.sessions.retrieve(session_id, {"expand": ["payment_intent"]})

    def _expire(self, session_id: str) -> Any:
        """Expiring twice is the same as once, so each call may have a key of its own."""
        options: Any = {"idempotency_key": f"expire-{session_id}-{new_token()}"}
        return self._client.v1.checkout.sessions.expire(session_id, {"expand": ["payment_intent"]}, options)

    def refund(self, payment: PaymentView, amount: int, key: str) -> ProviderRefund:
        params: Any = {
            "payment_intent": payment.intent_id or "",
            "amount": chargeable(amount, payment.currency),
            "metadata": {"order_id": payment.order_id, "key": key},
        }
        options: Any = {"idempotency_key": f"refund-{key}"}
        return refund_of(self._call(lambda: self._client.v1.refunds.create(params, options)))

    def find_refund(self, payment: PaymentView, key_prefix: str) -> ProviderRefund | None:
        params: Any = {"payment_intent": payment.intent_id or "", "limit": 100}
        made = self._call(lambda: self._client.v1.refunds.list(params)).data
        found = [one for one in made if one.metadata and one.metadata.to_dict().get("key", "").startswith(key_prefix)]
        return refund_of(found[0]) if found else None

    def check_key(self) -> None:
        """Make a call that changes nothing. Raises `ProviderUnavailable` for a key that Stripe refuses, too."""
        self._call(lambda: self._client.v1.checkout.sessions.list({"limit": 1}))

    def verify_webhook(self, body: bytes, signature: str) -> WebhookNotice:
        if self._keys.webhook_secret is None:
            raise NotFound(_("We couldn't find this page."))
        try:
            stripe.WebhookSignature.verify_header(
                body, signature, self._keys.webhook_secret, stripe.Webhook.DEFAULT_TOLERANCE
            )
            return notice_of(read_json(body))
        except (stripe.SignatureVerificationError, ValueError, LookupError, TypeError, AttributeError):
            raise InvalidSignature from None

    def _call(self, request: Callable[[], T]) -> T:
        return self._gate.call(lambda: translated(request))


def chargeable(amount: int, currency: str) -> int:
    """Return an amount of minor units as Stripe's. Raises `ProviderRejected` if Stripe doesn't take exactly that."""
    try:
        return to_stripe(amount, currency)
    except ValueError:
        raise ProviderRejected("amount_not_in_tens") from None


def refund_of(refund: Any) -> ProviderRefund:
    return ProviderRefund(refund.id, REFUND_STATUSES.get(refund.status or "", RefundStatus.PENDING))


REFUND_STATUSES = {
    "succeeded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
}


def translated(request: Callable[[], T]) -> T:
    """Make a call and translate its errors. Their messages aren't logged: they may repeat what was sent."""
    try:
        return request()
    except (stripe.AuthenticationError, stripe.PermissionError) as fault:
        log.error("Stripe refuses the shop's key: %s", type(fault).__name__)
        raise KeyRefused("the key is refused") from fault
    except (stripe.RateLimitError, stripe.IdempotencyError) as fault:
        raise ProviderUnavailable(type(fault).__name__) from fault
    except (stripe.InvalidRequestError, stripe.CardError) as fault:
        if fault.http_status == 409:  # a call with the same idempotency key is running
            raise ProviderUnavailable("a call of the same kind is running") from fault
        log.warning("Stripe refuses a request: %s, %s", fault.code, fault.param)
        raise ProviderRejected(fault.code or "invalid_request") from fault
    except stripe.StripeError as fault:
        if isinstance(fault.__cause__, ValueError):  # of the HTTP client: of what is sent, only the key can be wrong
            log.error("a shop's Stripe key can't be sent: %s", type(fault.__cause__).__name__)
            raise KeyUnusable("the key can't be sent") from None
        log.warning("Stripe doesn't answer: %s, status %s", type(fault).__name__, fault.http_status)
        if fault.http_status == 409:
            raise ProviderUnavailable("a call of the same kind is running") from fault
        raise ProviderDown(type(fault).__name__, is_stored=fault.http_status is not None) from fault


def state_of(session: Any) -> ProviderState:
    """Return the state of a session. `complete` without a payment is one by a slow method, or one that failed."""
    intent = session.payment_intent
    intent_id = intent if isinstance(intent, str) or intent is None else intent.id
    if session.status == "expired":
        phase = Phase.EXPIRED
    elif session.payment_status in ("paid", "no_payment_required"):
        phase = Phase.PAID
    elif session.status == "complete":
        has_failed = not isinstance(intent, str) and intent is not None and intent.status in FAILED_INTENTS
        phase = Phase.FAILED if has_failed else Phase.PROCESSING
    else:
        phase = Phase.OPEN
    currency = (session.currency or "").upper()
    amount = from_stripe(session.amount_total or 0, currency) if phase == Phase.PAID else 0
    return ProviderState(phase, amount, currency, intent_id, session.client_reference_id, session.id)


FAILED_INTENTS = ("requires_payment_method", "canceled")


def notice_of(event: Any) -> WebhookNotice:
    """Return what an event is about; one that isn't about a session names no order. Raises `LookupError`, `TypeError`
    or `AttributeError` for one that isn't as documented."""
    about = event["data"]["object"] if event["type"].startswith(SESSION_EVENTS) else {}
    order_id, session_id = about.get("client_reference_id"), about.get("id")
    if not (isinstance(event["id"], str) and 0 < len(event["id"]) <= MAX_ID_LENGTH):
        raise TypeError
    return WebhookNotice(event["id"], event["type"][:MAX_ID_LENGTH], order_id, session_id)
