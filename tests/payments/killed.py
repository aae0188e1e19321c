"""A program that does one thing with a payment and is killed (SIGKILL) at a given moment of it.

`python -m tests.payments.killed MOMENT FUNCTION ACTION ARGUMENT [MINUTES]`: MOMENT is before or after, FUNCTION is
where it dies, as `package.module:name`, and MINUTES is how much later it is."""

import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from typing import Any, NoReturn

import time_machine

from storefront import create_app
from storefront.clock import now
from storefront.db.tenant_context import tenant_context
from storefront.payments.checks import check_payments
from storefront.payments.webhooks import process_webhooks
from storefront.refunds.jobs import check_refunds
from tests.payments.stripe_server import signature

BODIES: dict[str, dict[str, Any]] = {
    "refunds": {"items": [{"product_id": "tea", "quantity": 1}], "restock": True},
    "cancel": {},
}


def die_at(moment: str, place: str) -> None:
    """Replace a function by one that kills this process."""
    module_name, _, name = place.partition(":")
    owner: Any = import_module(module_name)
    *outer, name = name.split(".")
    for part in outer:
        owner = getattr(owner, part)
    original: Callable[..., Any] = getattr(owner, name)

    def killed(*args: Any, **kwargs: Any) -> NoReturn:
        if moment == "after":
            original(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("still alive")

    setattr(owner, name, killed)


def main(moment: str, place: str, action: str, argument: str, minutes: str = "0") -> None:
    app = create_app()
    client = app.test_client()
    die_at(moment, place)
    with time_machine.travel(now() + timedelta(minutes=int(minutes))):
        if action == "place":
            body = {"email": "ada@example.com", "name": "Ada", "payment": "stripe"}
            client.post(f"/t/till/api/v1/carts/{argument}/checkout", json=body)
        elif action == "webhook":
            headers = {"Stripe-Signature": signature(argument.encode())}
            client.post("/t/till/payments/stripe", data=argument.encode(), headers=headers)
        elif action == "come back":
            client.get(f"/t/till/orders/{argument}/payment")
        elif action in ("refunds", "cancel"):
            order_id, key = argument.split()
            headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "one"}
            client.post(f"/t/till/api/v1/orders/{order_id}/{action}", json=BODIES[action], headers=headers)
        else:
            with app.app_context(), tenant_context("till"):
                process_webhooks()
                check_payments()
                check_refunds()
    sys.exit(f"{place} wasn't reached")


if __name__ == "__main__":
    main(*sys.argv[1:])
