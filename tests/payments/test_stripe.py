"""Paying by Stripe: from the order to the money, with webhooks and returns in any order."""

import json
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
import time_machine
from sqlalchemy import select

from storefront.clock import now
from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.events.queries import events_of
from storefront.payments.models import PaymentWebhook
from storefront.staff.permissions import Role
from tests.concurrency import at_once
from tests.conftest import Person
from tests.payments.conftest import Buyer
from tests.payments.stripe_account import SLOW
from tests.payments.stripe_server import signature
from tests.staff.factories import signed_in


def events(ada: Buyer, order_id: str) -> list[str]:
    with ada.app.app_context(), tenant_context("till"):
        return [event.type for event in reversed(events_of(order_id, 50))]


def is_paid(ada: Buyer, order_id: str) -> bool:
    """Whether the order is paid, exactly once: money, stock and events agree."""
    order = ada.find(order_id)
    money = {"paid": order["total"], "refunded": {"amount": 0, "currency": "EUR"}}
    return (
        order["status"] == "placed"
        and {name: order["payment"][name] for name in money} == money
        and (order["payment"]["status"], order["payment"]["url"]) == ("paid", None)
        and ada.server.account.money == order["total"]["amount"]
        and events(ada, order_id) == ["order.placed", "order.paid"]
        and ada.left == 8
    )


def is_given_up(ada: Buyer, order_id: str, status: str = "expired") -> bool:
    """Whether the order is cancelled, its stock back once, nothing paid, and its cart open."""
    order = ada.find(order_id)
    return (
        order["status"] == "cancelled"
        and (order["payment"]["status"], order["payment"]["url"]) == (status, None)
        and ada.server.account.money == 0
        and events(ada, order_id) == ["order.placed", f"payment.{status}", "order.cancelled"]
        and ada.left == 10
    )


def test_page_leads_to_stripe_and_back_to_a_paid_order(ada: Buyer) -> None:
    placed = ada.place()
    assert placed.status_code == 303
    assert placed.location.startswith(f"{ada.server.base}/c/pay/cs_test_")
    (session,) = ada.server.account.sessions.values()
    order_id = session["client_reference_id"]
    assert (session["amount_total"], session["currency"], session["customer_email"]) == (2500, "eur", "ada@example.com")
    assert session["success_url"] == f"http://localhost/t/till/orders/{order_id}/payment"
    waiting = ada.get(f"/orders/{order_id}")
    assert "Almost done, Ada." in waiting.text
    assert f'href="{session["url"]}"' in waiting.text
    assert ada.payment(order_id)["url"] == session["url"]
    ada.pay(order_id)
    back = ada.come_back(order_id)
    assert back.location == f"/t/till/orders/{order_id}"
    assert "Thank you, Ada." in ada.get(f"/orders/{order_id}").text
    assert is_paid(ada, order_id)


def test_webhook_alone_settles_the_payment(ada: Buyer) -> None:
    order_id = ada.order()["id"]
    ada.pay(order_id)
    calls = len(ada.server.calls)
    assert ada.deliver(ada.server.account.events[0]) == 200
    assert len(ada.server.calls) == calls, "a webhook is answered before Stripe is asked"
    ada.work()
    assert is_paid(ada, order_id)


def test_without_webhook_and_return_the_scheduler_settles_it(ada: Buyer) -> None:
    order_id = ada.order()["id"]
    ada.pay(order_id)
    ada.work()
    assert ada.payment(order_id)["status"] == "pending", "the first check is due later"
    with time_machine.travel(now() + timedelta(minutes=3)):
        ada.work()
    assert is_paid(ada, order_id)


def test_repeated_reordered_and_concurrent_news_settle_it_once(ada: Buyer) -> None:
    order_id = ada.order()["id"]
    ada.pay(order_id)
    (paid,) = ada.server.account.events
    late = {**paid, "id": "evt_older", "type": "checkout.session.expired"}
    deliver = [partial(ada.deliver, event) for event in (late, paid, paid, late)]
    others = [Buyer(ada.app.test_client(), "till", ada.app, ada.server) for _ in range(4)]
    calls: list[Callable[[], object]] = [
        *deliver,
        *(partial(one.come_back, order_id) for one in others),
        *(one.work for one in others),
    ]
    at_once(calls)
    ada.work()
    assert is_paid(ada, order_id)
    with ada.app.app_context(), tenant_context("till"):
        stored = db.session.scalars(select(PaymentWebhook)).all()
        assert sorted(one.id for one in stored) == sorted([paid["id"], "evt_older"])
        assert all(one.processed_at for one in stored)


def test_webhook_before_the_order_is_committed_is_looked_at_again(ada: Buyer) -> None:
    event = {"id": "evt_1", "type": "checkout.session.completed"}
    assert ada.deliver({**event, "data": {"object": {"client_reference_id": "not-there-yet", "id": "cs_1"}}}) == 200
    ada.work()
    with ada.app.app_context(), tenant_context("till"):
        assert db.session.scalars(select(PaymentWebhook.processed_at)).all() == [None]
    with time_machine.travel(now() + timedelta(hours=2)):
        ada.work()
    with ada.app.app_context(), tenant_context("till"):
        assert db.session.scalars(select(PaymentWebhook.processed_at)).one() is not None


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_only_signed_recent_webhooks_are_taken(ada: Buyer, stranger: Person) -> None:
    event = {"id": "evt_1", "type": "checkout.session.completed", "data": {"object": {}}}
    body = json.dumps(event).encode()
    forged = {
        "nothing": lambda _: "",
        "nonsense": lambda _: "t=x,v1=y",
        "another secret": lambda body: signature(body, "whsec_other"),
        "another body": lambda body: signature(body + b" "),
        "too old": lambda body: signature(body, moment=now().timestamp() - 400),
    }
    assert {name: ada.deliver(event, sign) for name, sign in forged.items()} == dict.fromkeys(forged, 400)
    for wrong in (b"[]", b"{}", b'{"id": "evt_1", "type": "x"}', b'{"id": 1, "type": "x", "data": {"object": {}}}'):
        sent = ada.send(wrong, signature(wrong))
        expected = 200 if wrong.startswith(b'{"id": "evt_1"') else 400
        assert sent.status_code == expected, wrong
    assert ada.send(body, signature(body)).status_code == 200
    assert ada.get("/payments/stripe").status_code == 405


def test_unpaid_order_expires_once_also_at_stripe(ada: Buyer) -> None:
    order = ada.order()
    order_id = order["id"]
    with time_machine.travel(now() + timedelta(minutes=29)):
        ada.work()
    assert ada.payment(order_id)["status"] == "pending"
    assert ada.left == 8
    with time_machine.travel(now() + timedelta(minutes=31)):
        at_once([ada.work] * 3)
        ada.work()
    assert is_given_up(ada, order_id)
    assert ada.server.account.session(ada.session_of(order_id))["status"] == "expired"
    page = ada.get(f"/orders/{order_id}").text
    assert "This order wasn't paid" in page
    # Stripe's own news of it change nothing more.
    assert ada.deliver(ada.server.account.events[-1]) == 200
    ada.work()
    assert is_given_up(ada, order_id)


def test_payment_in_the_last_second_wins_over_expiry(ada: Buyer) -> None:
    order_id = ada.order()["id"]
    ada.pay(order_id)
    with time_machine.travel(now() + timedelta(minutes=31)):
        ada.work()
    assert is_paid(ada, order_id)


def test_shopper_tries_again_with_the_same_cart(ada: Buyer) -> None:
    ada.place()
    (session,) = ada.server.account.sessions.values()
    first = session["client_reference_id"]
    assert ada.get("/cart").text.count("Your cart is empty") == 1
    given_up = ada.post(f"/orders/{first}/payment/cancel")
    assert given_up.location == "/t/till/cart"
    assert is_given_up(ada, first)
    assert session["status"] == "expired"
    assert "Tea" in ada.get("/cart").text
    placed = ada.post("/checkout", {"email": "ada@example.com", "name": "Ada", "payment": "stripe"})
    second = next(id for id in ada.server.account.sessions if id != session["id"])
    assert placed.location.endswith(second)
    order_id = ada.server.account.sessions[second]["client_reference_id"]
    assert order_id != first
    ada.pay(order_id)
    ada.come_back(order_id)
    assert is_paid(ada, order_id)
    assert ada.find(first)["status"] == "cancelled"
    assert ada.post(f"/orders/{first}/cart").location == "/t/till/cart"


def test_only_the_browser_that_ordered_gives_an_order_up(ada: Buyer) -> None:
    ada.place()
    (session,) = ada.server.account.sessions.values()
    order_id = session["client_reference_id"]
    other = Buyer(ada.app.test_client(), "till", ada.app, ada.server)
    for path in ("payment/cancel", "cart"):
        assert other.post(f"/orders/{order_id}/{path}").location == f"/t/till/orders/{order_id}"
        assert other.post(f"/orders/nosuch/{path}").status_code == 404
    assert "Cancel and return to cart" not in other.get(f"/orders/{order_id}").text
    assert ada.payment(order_id)["status"] == "pending"


@pytest.mark.parametrize("succeeds", [True, False])
def test_slow_method_is_awaited_for_days(ada: Buyer, succeeds: bool) -> None:
    order_id = ada.order()["id"]
    ada.pay(order_id, SLOW)
    ada.come_back(order_id)
    page = ada.get(f"/orders/{order_id}").text
    for text in ("processing the payment", "Your payment is being processed.", "Being processed"):
        assert text in page
    assert "once it is paid" not in page, "the buyer has done their part"
    with time_machine.travel(now() + timedelta(days=2)):
        ada.work()
        assert ada.payment(order_id)["status"] == "pending"
        ada.server.account.finish(ada.session_of(order_id), succeeds)
        assert ada.deliver(ada.server.account.events[-1], partial(signature, moment=now().timestamp())) == 200
        ada.work()
    assert is_paid(ada, order_id) if succeeds else is_given_up(ada, order_id, "failed")


def test_payment_of_an_order_that_staff_cancelled_is_paid_back(ada: Buyer) -> None:
    order_id = ada.order()["id"]
    with ada.app.app_context(), tenant_context("till"):
        from storefront.orders.fulfilment import cancel_order  # noqa: PLC0415

        cancel_order(order_id)
    ada.pay(order_id)
    ada.server.faults.answers = [500, 503]
    for _ in range(3):
        ada.deliver(ada.server.account.events[0])
        ada.come_back(order_id)
    with time_machine.travel(now() + timedelta(minutes=10)):
        ada.work()
    payment = ada.payment(order_id)
    assert (payment["status"], payment["paid"]["amount"], payment["refunded"]["amount"]) == ("refunded", 2500, 2500)
    (refund,) = ada.find(order_id)["refunds"]
    assert (refund["amount"]["amount"], refund["number"][-5:]) == (2500, "-0001")
    assert ada.server.account.money == 0
    assert len(ada.server.account.refunds) == 1
    assert events(ada, order_id) == ["order.placed", "order.cancelled", "payment.late", "order.refunded"]
    assert ada.left == 10


def test_payment_of_another_amount_is_not_confirmed_and_shown_to_staff(
    ada: Buyer, caplog: pytest.LogCaptureFixture
) -> None:
    order_id = ada.order()["id"]
    ada.server.account.sessions[ada.session_of(order_id)]["amount_total"] = 2000
    ada.pay(order_id)
    ada.deliver(ada.server.account.events[0])
    at_once([ada.work, lambda: ada.come_back(order_id), lambda: ada.come_back(order_id)])
    with time_machine.travel(now() + timedelta(hours=1)):
        ada.work()
    order = ada.find(order_id)
    assert (order["status"], order["payment"]["status"], order["payment"]["paid"]["amount"]) == ("placed", "pending", 0)
    assert events(ada, order_id) == ["order.placed", "payment.mismatch"]
    assert f"order {order_id}: 2000 EUR was paid instead of 2500 EUR" in caplog.text
    assert "checking your payment" in ada.get(f"/orders/{order_id}").text
    clerk = signed_in(ada.app, "till", Role.CLERK)
    page = clerk.get(f"/admin/orders/{order_id}").text
    assert "The amount paid at Stripe isn't the order's total." in page
    assert "Another amount was paid: €20.00" in page
    assert clerk.post(f"/admin/orders/{order_id}/fulfil").status_code == 409
    assert clerk.post(f"/admin/orders/{order_id}/cancel", {"restock": "true"}).status_code == 303
    ada.work()
    payment = ada.payment(order_id)
    assert (payment["status"], payment["refunded"]["amount"], ada.server.account.money) == ("refunded", 2000, 0)
    assert ada.left == 10


def test_payment_in_another_currency_is_not_confirmed_and_shown_to_staff(
    ada: Buyer, caplog: pytest.LogCaptureFixture
) -> None:
    order_id = ada.order()["id"]
    ada.server.account.sessions[ada.session_of(order_id)]["currency"] = "usd"
    ada.pay(order_id)
    ada.deliver(ada.server.account.events[0])
    ada.work()
    ada.come_back(order_id)
    order = ada.find(order_id)
    assert (order["status"], order["payment"]["status"], order["payment"]["paid"]["amount"]) == ("placed", "pending", 0)
    assert events(ada, order_id) == ["order.placed", "payment.mismatch"]
    assert f"order {order_id}: 2500 USD was paid instead of 2500 EUR" in caplog.text
    clerk = signed_in(ada.app, "till", Role.CLERK)
    assert "Another amount was paid: $25.00" in clerk.get(f"/admin/orders/{order_id}").text
    assert clerk.post(f"/admin/orders/{order_id}/cancel", {"restock": "true"}).status_code == 303
    ada.work()
    assert (ada.payment(order_id)["status"], ada.server.account.money) == ("refunded", 0)


def test_page_of_an_order_that_staff_cancelled_is_closed(ada: Buyer) -> None:
    order_id = ada.order()["id"]
    with ada.app.app_context(), tenant_context("till"):
        from storefront.orders.fulfilment import cancel_order  # noqa: PLC0415

        cancel_order(order_id)
    ada.work()
    assert ada.server.account.session(ada.session_of(order_id))["status"] == "expired"
    assert (ada.find(order_id)["status"], ada.payment(order_id)["status"]) == ("cancelled", "expired")
    assert ada.left == 10


def test_checkout_again_leads_to_the_same_page(ada: Buyer) -> None:
    cart = ada.cart(tea=2)
    answers = at_once([partial(ada.checkout, cart, payment="stripe")] * 5)
    assert {answer.status_code for answer in answers} == {200, 201}
    assert len({answer.json["payment"]["url"] for answer in answers} - {None}) == 1
    assert len(ada.server.account.sessions) == 1
    other = ada.checkout(cart, payment="stripe", email="eve@example.com").json
    assert (other["email"], other["payment"]["url"]) == (None, None)
