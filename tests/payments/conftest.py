"""A shop that takes payments, and the fake of Stripe that it uses."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from storefront.config import ROOT
from storefront.db.tenant_context import tenant_context
from storefront.payments.checks import check_payments
from storefront.payments.webhooks import process_webhooks
from storefront.refunds.jobs import check_refunds
from tests.conftest import ENVIRONMENT, Person
from tests.factories import import_tenants, product, tenant
from tests.payments.stripe_server import StripeServer, signature, start_stripe_server

METHODS = ["stripe", "bank_transfer", "on_delivery"]
STOCK = 10


@pytest.fixture
def stripe() -> Iterator[StripeServer]:
    """A fake Stripe whose webhooks the tests deliver themselves."""
    with start_stripe_server() as server:
        server.faults.webhooks = False
        yield server


@dataclass
class Buyer(Person):
    """A browser in the shop `till`, whose tea costs 12.50."""

    app: Flask
    server: StripeServer

    def order(self, method: str = "stripe", quantity: int = 2, **fields: Any) -> dict[str, Any]:
        """Place an order by the API. Returns it."""
        answer = self.checkout(self.cart(tea=quantity), payment=method, **fields)
        assert answer.status_code == 201, answer.text
        return answer.json

    def place(self, method: str = "stripe") -> TestResponse:
        """Place an order by the page."""
        self.post("/cart/items", {"product_id": "tea", "quantity": "2"})
        return self.post("/checkout", {"email": "ada@example.com", "name": "Ada", "payment": method})

    def find(self, order_id: str) -> dict[str, Any]:
        return self.api("GET", f"/orders/{order_id}").json

    def payment(self, order_id: str) -> dict[str, Any]:
        return self.find(order_id)["payment"]

    def session_of(self, order_id: str) -> str:
        """The id of the session that was opened for an order."""
        (found,) = [id for id, one in self.server.account.sessions.items() if one["client_reference_id"] == order_id]
        return found

    def pay(self, order_id: str, *kind: str) -> None:
        self.server.account.pay(self.session_of(order_id), *kind)

    def come_back(self, order_id: str) -> TestResponse:
        return self.get(f"/orders/{order_id}/payment")

    def send(self, body: bytes, signature: str) -> TestResponse:
        """Send this as a webhook of Stripe."""
        headers = {"Stripe-Signature": signature}
        return self.client.post(f"{self.root}/payments/stripe", data=body, headers=headers)

    def deliver(self, event: dict[str, Any], sign: Callable[[bytes], str] = signature) -> int:
        """Deliver a webhook. Returns the status."""
        body = json.dumps(event).encode()
        return self.send(body, sign(body)).status_code

    def work(self) -> None:
        """Do what the scheduler does."""
        with self.app.app_context(), tenant_context(self.shop):
            process_webhooks()
            while check_payments():
                pass
            check_refunds()

    @property
    def left(self) -> int:
        return self.stock("tea")


@pytest.fixture
def open_shop(make_app: Callable[..., Flask], stripe: StripeServer) -> Callable[..., Buyer]:
    """Open the shop `till` with these methods and settings. Returns a buyer."""

    def make(methods: list[str] = METHODS, stock: int = STOCK, **environment: str) -> Buyer:
        app = make_app(**(stripe.environment | environment))
        goods = [product("tea", "12.50", stock), product("gift", "0")]
        import_tenants(app, tenant("till", *goods, payment=methods))
        return Buyer(app.test_client(), "till", app, stripe)

    return make


@pytest.fixture
def ada(open_shop: Callable[..., Buyer]) -> Buyer:
    return open_shop()


@pytest.fixture
def die(ada: Buyer, database_url: str, tmp_path: Path):
    """Run something in a process that is killed at a moment of it."""

    def run(moment: str, place: str, action: str, argument: str = "", minutes: int = 0) -> None:
        shop = ENVIRONMENT | ada.server.environment | {"DATABASE_URL": database_url, "DATA_DIR": str(tmp_path)}
        command = [sys.executable, "-m", "tests.payments.killed", moment, place, action, argument, str(minutes)]
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | shop
        ended = subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, timeout=300)
        assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()

    return run
