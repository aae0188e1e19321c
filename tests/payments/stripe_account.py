"""A stateful fake of a Stripe account: Checkout Sessions, payment intents, refunds and events, in memory.

It keeps to what Stripe documents where the shop depends on it: idempotency keys (also of errors), the bounds of
`expires_at`, which sessions can be expired, and that nothing more than was paid can be refunded."""

import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

MIN_AMOUNT = 50
MIN_LIFETIME_SECONDS, MAX_LIFETIME_SECONDS = 30 * 60, 24 * 3600
SLOW, CARD = "sepa_debit", "card"


class StripeRefusal(Exception):
    """An answer with an error."""

    def __init__(self, status: int, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        kind = "idempotency_error" if code == "idempotency_error" else "invalid_request_error"
        self.body = {"error": {"type": kind, "code": code, "message": message, "param": param}}


@dataclass
class StripeAccount:
    """What an account holds. `tell` is called with each event, outside of the lock."""

    pages: str = ""
    """The URL below which the payment pages are."""
    clock: Callable[[], float] = time.time
    tell: Callable[[dict[str, Any]], None] = lambda event: None
    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)
    intents: dict[str, dict[str, Any]] = field(default_factory=dict)
    refunds: dict[str, dict[str, Any]] = field(default_factory=dict)
    refund_status: str = "succeeded"
    """Of new refunds."""
    events: list[dict[str, Any]] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def new_id(self, prefix: str) -> str:
        return f"{prefix}_test_{next(self._numbers)}{int(time.time() * 1000) % 10**9:09d}"

    def create_session(self, params: dict[str, Any]) -> dict[str, Any]:
        lifetime = int(params["expires_at"]) - self.clock()
        if not MIN_LIFETIME_SECONDS - 1 <= lifetime <= MAX_LIFETIME_SECONDS:
            message = "The expires_at timestamp must be between 30 minutes and 24 hours from Checkout Session creation."
            raise StripeRefusal(400, "parameter_invalid", message, "expires_at")
        for name in ("success_url", "cancel_url"):
            if not params[name].startswith(("http://", "https://")):
                raise StripeRefusal(400, "url_invalid", "Not a valid URL", name)
        price = params["line_items"]["0"]["price_data"]
        amount = int(price["unit_amount"]) * int(params["line_items"]["0"]["quantity"])
        if amount < MIN_AMOUNT:
            raise StripeRefusal(400, "amount_too_small", "The amount must be at least 50.")
        id = self.new_id("cs")
        session = {
            "id": id,
            "object": "checkout.session",
            "status": "open",
            "payment_status": "unpaid",
            "mode": params["mode"],
            "amount_total": amount,
            "currency": price["currency"],
            "name": price["product_data"]["name"],
            "client_reference_id": params.get("client_reference_id"),
            "customer_email": params.get("customer_email"),
            "metadata": params.get("metadata", {}),
            "payment_intent": None,
            "payment_intent_data": params.get("payment_intent_data", {}),
            "success_url": params["success_url"],
            "cancel_url": params["cancel_url"],
            "expires_at": int(params["expires_at"]),
            "url": f"{self.pages}/c/pay/{id}",
        }
        with self.lock:
            self.sessions[id] = session
        return dict(session)

    def session(self, id: str) -> dict[str, Any]:
        """Return a session, which expires by itself when its time is over."""
        with self.lock:
            session = self.sessions.get(id)
            if session is None:
                raise StripeRefusal(404, "resource_missing", f"No such checkout.session: '{id}'", "session")
            if session["status"] == "open" and self.clock() >= session["expires_at"]:
                self._close(session)
            return session

    def shown_session(self, id: str) -> dict[str, Any]:
        """Return a session with its intent, as with `expand`."""
        session = dict(self.session(id))
        if session["payment_intent"]:
            session["payment_intent"] = dict(self.intents[session["payment_intent"]])
        return session

    def expire_session(self, id: str) -> dict[str, Any]:
        with self.lock:
            session = self.session(id)
            if session["status"] != "open":
                message = f"Only open Checkout Sessions can be expired. This one is {session['status']}."
                raise StripeRefusal(400, "session_not_open", message)
            self._close(session)
        return self.shown_session(id)

    def _close(self, session: dict[str, Any]) -> None:
        session |= {"status": "expired", "url": None}
        self._event("checkout.session.expired", session)

    def pay(self, id: str, kind: str = CARD) -> dict[str, Any]:
        """The buyer pays on the page. By a slow method, the money comes with `finish`."""
        with self.lock:
            session = self.session(id)
            if session["status"] != "open":
                raise StripeRefusal(400, "session_not_open", "This payment page has expired.")
            intent = {
                "id": self.new_id("pi"),
                "object": "payment_intent",
                "amount": session["amount_total"],
                "currency": session["currency"],
                "status": "succeeded" if kind == CARD else "processing",
                "amount_received": session["amount_total"] if kind == CARD else 0,
                "amount_refunded": 0,
                "metadata": session["payment_intent_data"].get("metadata", {}),
            }
            self.intents[intent["id"]] = intent
            paid = "paid" if kind == CARD else "unpaid"
            session |= {"status": "complete", "payment_status": paid, "payment_intent": intent["id"], "url": None}
            self._event("checkout.session.completed", session)
            return session

    def finish(self, id: str, succeeds: bool) -> None:
        """The money of a slow method comes, or doesn't."""
        with self.lock:
            session = self.session(id)
            intent = self.intents[session["payment_intent"]]
            if succeeds:
                intent |= {"status": "succeeded", "amount_received": intent["amount"]}
                session["payment_status"] = "paid"
            else:
                intent["status"] = "requires_payment_method"
            end = "succeeded" if succeeds else "failed"
            self._event(f"checkout.session.async_payment_{end}", session)

    def refund(self, params: dict[str, Any]) -> dict[str, Any]:
        with self.lock:
            intent = self.intents.get(params["payment_intent"])
            if intent is None:
                raise StripeRefusal(404, "resource_missing", "No such payment_intent", "payment_intent")
            left = intent["amount_received"] - intent["amount_refunded"]
            amount = int(params.get("amount", left))
            if left == 0:
                raise StripeRefusal(400, "charge_already_refunded", "The charge has already been refunded.")
            if not 0 < amount <= left:
                raise StripeRefusal(400, "amount_too_large", "Refund amount is greater than unrefunded amount.")
            intent["amount_refunded"] += amount
            id = self.new_id("re")
            self.refunds[id] = {
                "id": id,
                "object": "refund",
                "amount": amount,
                "currency": intent["currency"],
                "payment_intent": intent["id"],
                "status": self.refund_status,
                "metadata": params.get("metadata", {}),
            }
            self._event("refund.created", self.refunds[id])
            return dict(self.refunds[id])

    def refunds_of(self, intent_id: str) -> dict[str, Any]:
        found = [dict(one) for one in self.refunds.values() if one["payment_intent"] == intent_id]
        return {"object": "list", "data": found, "has_more": False, "url": "/v1/refunds"}

    def _event(self, type: str, about: dict[str, Any]) -> None:
        event = {
            "id": self.new_id("evt"),
            "object": "event",
            "type": type,
            "created": int(self.clock()),
            "data": {"object": dict(about)},
        }
        self.events.append(event)
        self.tell(event)

    @property
    def money(self) -> int:
        """What buyers have paid and wasn't refunded, of all payments."""
        return sum(intent["amount_received"] - intent["amount_refunded"] for intent in self.intents.values())
