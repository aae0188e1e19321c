"""Stripe is down, slow, wrong or wrongly configured: nothing is lost, nobody pays twice, and the shopper is told."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

import pytest
import time_machine
from flask import Flask

from storefront.clock import now
from storefront.db.tenant_context import tenant_context
from storefront.payments.gate import FAILURE_THRESHOLD, MAX_WAITING_REQUESTS, ProviderDown, ProviderGate
from storefront.payments.provider import KeyRefused, ProviderUnavailable
from storefront.payments.providers import check_stripe_key
from storefront.payments.settings import load_settings, save_stripe_keys
from storefront.state import state_of
from tests.concurrency import at_once
from tests.conftest import Person
from tests.payments.conftest import Buyer
from tests.payments.test_stripe import is_given_up, is_paid

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def wait_as_usual() -> Iterator[Callable[[], None]]:
    """Calls of Stripe wait for a moment only until this is called. A test calls it before Stripe has to answer, which
    may take longer on a busy machine."""
    from storefront.payments.stripe_provider import client_for  # noqa: PLC0415

    limits = pytest.MonkeyPatch()
    limits.setattr("storefront.payments.stripe_provider.READ_SECONDS", 0.5)
    limits.setattr("storefront.payments.stripe_provider.TOTAL_SECONDS", 1.0)

    def restore() -> None:
        limits.undo()
        client_for.cache_clear()

    client_for.cache_clear()
    yield restore
    restore()


@pytest.mark.parametrize("fault", [500, 503, 429, 409, "drop", "hang", "late", "drip"])
def test_shopper_starts_again_when_stripe_did_not_answer(
    ada: Buyer, wait_as_usual: Callable[[], None], fault: int | str
) -> None:
    ada.server.faults.answers = [fault]
    placed = ada.place()
    order_id = placed.location.rpartition("/")[2]
    assert placed.location == f"/t/till/orders/{order_id}"
    page = ada.get(f"/orders/{order_id}")
    assert "open the payment page. Your order is saved." in page.text
    assert f'action="/t/till/orders/{order_id}/pay"' in page.text
    assert ada.left == 8
    assert ada.payment(order_id)["url"] is None
    wait_as_usual()
    again = ada.post(f"/orders/{order_id}/pay")
    assert again.location == ada.payment(order_id)["url"]
    assert len(ada.server.account.sessions) == 1, "a second page, on which the order could be paid again"
    ada.pay(order_id)
    ada.come_back(order_id)
    assert is_paid(ada, order_id)


def test_order_that_stripe_refuses_is_given_up_at_once(ada: Buyer) -> None:
    ada.server.faults.answers = [400]
    placed = ada.place()
    order_id = placed.location.rpartition("/")[2]
    assert is_given_up(ada, order_id, "failed")
    assert "Back to your cart" in ada.get(f"/orders/{order_id}").text
    assert ada.post(f"/orders/{order_id}/cart").location == "/t/till/cart"
    assert "Tea" in ada.get("/cart").text


def test_expiry_waits_until_stripe_can_say_whether_it_is_paid(ada: Buyer) -> None:
    order_id = ada.order()["id"]
    ada.server.faults.always = 500
    with time_machine.travel(now() + timedelta(minutes=31)):
        ada.work()
    assert ada.payment(order_id)["status"] == "pending"
    assert ada.left == 8
    ada.pay(order_id)
    ada.server.faults.always = None
    state_of(ada.app).payment_gate.breaker.record(True)
    with time_machine.travel(now() + timedelta(minutes=60)):
        ada.work()
    assert is_paid(ada, order_id)


def test_return_while_stripe_is_down_says_that_the_payment_is_awaited(ada: Buyer) -> None:
    order_id = ada.order()["id"]
    ada.pay(order_id)
    ada.server.faults.answers = [500]
    assert ada.come_back(order_id).location == f"/t/till/orders/{order_id}"
    assert "still waiting for confirmation" in ada.get(f"/orders/{order_id}").text
    ada.come_back(order_id)
    assert is_paid(ada, order_id)


def test_wrong_key_is_not_held_against_stripe(open_shop: Callable[..., Buyer]) -> None:
    ada = open_shop(STRIPE_SECRET_KEY="sk_test_wrong")
    for _ in range(FAILURE_THRESHOLD + 1):
        assert ada.order(quantity=1)["payment"]["url"] is None
    assert not state_of(ada.app).payment_gate.breaker.open


@pytest.mark.parametrize("odd", ["\u2026", "1\n2"])
def test_key_that_can_not_be_sent_is_not_held_against_stripe(
    ada: Buyer, monkeypatch: pytest.MonkeyPatch, odd: str
) -> None:
    """Such keys aren't stored any more, but a shop of an earlier version may have one."""
    with ada.app.app_context(), tenant_context("till"):
        monkeypatch.setattr("storefront.payments.settings.check_stripe_keys", lambda *keys: keys)
        save_stripe_keys(f"sk_test_{odd}", "")
        for _ in range(FAILURE_THRESHOLD + 1):
            with pytest.raises(KeyRefused):
                check_stripe_key()
    breaker = state_of(ada.app).payment_gate.breaker
    assert not breaker.open
    for _ in range(FAILURE_THRESHOLD - 1):
        breaker.record(False)
    with ada.app.app_context(), tenant_context("till"), pytest.raises(KeyRefused):
        check_stripe_key()
    breaker.record(False)
    assert breaker.open, "it doesn't say that Stripe is up again, either"


def test_circuit_opens_after_failures_and_then_nobody_waits(ada: Buyer) -> None:
    ada.server.faults.always = 500
    for _ in range(FAILURE_THRESHOLD):
        ada.order(quantity=1)
    calls = len(ada.server.calls)
    assert ada.order(quantity=1)["payment"]["status"] == "pending"
    assert len(ada.server.calls) == calls, "Stripe was called although it is down"


def test_few_requests_wait_for_a_provider_that_hangs(app: Flask) -> None:
    gate, started = ProviderGate(), []

    def hang() -> None:
        started.append(True)
        time.sleep(2)
        raise ProviderDown("no answer")

    def request() -> float:
        begin = time.monotonic()
        with app.test_request_context("/"), pytest.raises(ProviderUnavailable):
            gate.call(hang)
        return time.monotonic() - begin

    waited = at_once([request] * 12)
    assert len(started) == MAX_WAITING_REQUESTS
    assert sum(seconds < 1.5 for seconds in waited) == 12 - MAX_WAITING_REQUESTS
    assert gate.breaker.open


def test_shop_goes_on_while_stripe_hangs(open_shop: Callable[..., Buyer], wait_as_usual: Callable[[], None]) -> None:
    ada = open_shop(stock=1000)
    ada.server.faults.always = "hang"
    buyers = [Buyer(ada.app.test_client(), "till", ada.app, ada.server) for _ in range(20)]
    carts = [ada.cart(tea=1) for _ in buyers]
    orders = at_once([partial(one.checkout, cart, payment="stripe") for one, cart in zip(buyers, carts, strict=True)])
    assert {order.status_code for order in orders} == {201}
    assert {(order.json["payment"]["status"], order.json["payment"]["url"]) for order in orders} == {("pending", None)}
    assert ada.left == 980
    ada.server.faults.always = None
    state_of(ada.app).payment_gate.breaker.record(True)
    wait_as_usual()
    again = [ada.checkout(cart, payment="stripe").json for cart in carts]
    assert len({order["payment"]["url"] for order in again} - {None}) == 20
    assert len(ada.server.account.sessions) == 20


def test_shuffled_and_repeated_webhooks_of_many_orders(open_shop: Callable[..., Buyer]) -> None:
    """All that the fake does to webhooks at once."""
    ada = open_shop(stock=100)
    orders = [ada.order(quantity=1)["id"] for _ in range(10)]
    for order_id in orders[:5]:
        ada.pay(order_id)
    for order_id in orders[5:]:
        ada.server.account.expire_session(ada.session_of(order_id))
    events = [event for event in ada.server.account.events for _ in range(3)]
    at_once([partial(ada.deliver, event) for event in reversed(events)])
    at_once([ada.work] * 3)
    assert [ada.payment(order_id)["status"] for order_id in orders] == ["paid"] * 5 + ["expired"] * 5
    assert ada.left == 95
    assert ada.server.account.money == 5 * 1250


def test_own_keys_are_encrypted_and_win_over_the_environment(ada: Buyer, stranger: Person, tmp_path) -> None:
    with ada.app.app_context(), tenant_context("till"):
        save_stripe_keys("sk_test_own", "whsec_own")
        keys = load_settings().stripe
        assert (keys.secret_key, keys.webhook_secret) == ("sk_test_own", "whsec_own")
        assert "sk_test_own" not in repr(keys)
    with ada.app.app_context(), tenant_context("south"):
        assert load_settings().stripe.secret_key == ada.server.environment["STRIPE_SECRET_KEY"]
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("shop.db*"))
    assert b"sk_test_own" not in stored
    assert b"whsec_own" not in stored
