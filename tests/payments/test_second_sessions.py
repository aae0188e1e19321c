"""Two payment pages for one order: nobody pays twice, and whoever pays has paid the order."""

import copy
from datetime import timedelta
from functools import partial

import pytest
import time_machine

from storefront.clock import now
from storefront.db.tenant_context import tenant_context
from storefront.orders.payment_queries import find_payment
from storefront.payments import start
from storefront.payments.stripe_provider import StripeProvider
from storefront.staff.permissions import Role
from tests.payments.conftest import Buyer
from tests.payments.stripe_server import signature
from tests.payments.test_stripe import events, is_given_up, is_paid
from tests.staff.factories import signed_in

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def twin_of(ada: Buyer, order_id: str) -> str:
    """Open another session of an order, of which the shop doesn't know. Returns its id."""
    sessions = ada.server.account.sessions
    sessions["cs_test_twin"] = copy.deepcopy(sessions[ada.session_of(order_id)]) | {"id": "cs_test_twin"}
    return "cs_test_twin"


def tell(ada: Buyer) -> None:
    """Deliver all webhooks, and process them."""
    for event in list(ada.server.account.events):
        assert ada.deliver(event, partial(signature, moment=now().timestamp())) == 200
    ada.work()


def test_page_that_lost_is_closed_and_its_shopper_led_to_the_other(ada: Buyer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stripe has answered one of two requests with an error, so that a third one has started with another key."""
    ada.server.faults.answers = [409]
    order_id = ada.order()["id"]
    first_start = StripeProvider.start
    others: list[str | None] = []

    def slow_start(*args):
        started = first_start(*args)
        if not others:
            others.append(None)
            with ada.app.app_context(), tenant_context("till"):
                start.next_attempt(find_payment(order_id))
                others.append(start.start_payment(order_id))
        return started

    monkeypatch.setattr(StripeProvider, "start", slow_start)
    with ada.app.app_context(), tenant_context("till"):
        assert start.start_payment(order_id) == others[1] == find_payment(order_id).url
    states = {id: session["status"] for id, session in ada.server.account.sessions.items()}
    assert sorted(states.values()) == ["expired", "open"]
    ada.server.account.pay(others[1].rpartition("/")[2])
    tell(ada)
    assert is_paid(ada, order_id)


def test_second_page_that_was_paid_pays_the_order(ada: Buyer) -> None:
    order_id = ada.order()["id"]
    stored, twin = ada.session_of(order_id), twin_of(ada, order_id)
    ada.server.account.pay(twin)
    tell(ada)
    assert is_paid(ada, order_id)
    assert ada.server.account.sessions[stored]["status"] == "expired", "nobody can pay again"
    tell(ada)
    assert is_paid(ada, order_id)


@pytest.mark.parametrize("order_of_news", [1, -1])
def test_second_payment_is_paid_back_once_and_staff_are_told(ada: Buyer, order_of_news: int) -> None:
    order_id = ada.order()["id"]
    stored, twin = ada.session_of(order_id), twin_of(ada, order_id)
    for session in (stored, twin)[::order_of_news]:
        ada.server.account.pay(session)
    for _ in range(2):
        for event in ada.server.account.events[::order_of_news]:
            ada.deliver({**event, "id": f"{event['id']}_{_}"})
            ada.work()
    payment = ada.payment(order_id)
    assert (payment["status"], payment["refunded"]["amount"], ada.server.account.money) == ("paid", 0, 2500)
    assert len(ada.server.account.refunds) == 1
    assert events(ada, order_id) == ["order.placed", "order.paid", "payment.repeated"]
    page = signed_in(ada.app, "till", Role.CLERK).get(f"/admin/orders/{order_id}").text
    assert "Paid a second time, and paid back" in page


def test_second_payment_that_can_not_be_paid_back_is_shown_to_staff(ada: Buyer) -> None:
    order_id = ada.order()["id"]
    twin = twin_of(ada, order_id)
    for session in list(ada.server.account.sessions):
        ada.server.account.pay(session)
    intent = ada.server.account.sessions[twin]["payment_intent"]
    ada.server.account.intents[intent]["amount_refunded"] = 2500  # in Stripe's dashboard
    tell(ada)
    assert events(ada, order_id)[-1] == "payment.repeated"
    page = signed_in(ada.app, "till", Role.CLERK).get(f"/admin/orders/{order_id}").text
    assert "Paid a second time: €25.00" in page


def test_second_page_that_is_paid_after_the_order_was_given_up_is_paid_back(ada: Buyer) -> None:
    order_id = ada.order()["id"]
    twin = twin_of(ada, order_id)
    with time_machine.travel(now() + timedelta(minutes=31)):
        ada.work()
        assert is_given_up(ada, order_id)
        ada.server.account.pay(twin)
        tell(ada)
    assert (ada.payment(order_id)["status"], ada.server.account.money) == ("refunded", 0)


def test_session_of_another_order_changes_nothing(ada: Buyer) -> None:
    mine, other = ada.order(quantity=1)["id"], ada.order(quantity=1)["id"]
    ada.pay(other)
    (event,) = ada.server.account.events
    event["data"]["object"]["client_reference_id"] = mine
    tell(ada)
    assert ada.payment(mine)["status"] == "pending"
