"""kill -9 at each step between "place order" and "paid": money, stock and orders agree once the shop is up again."""

import json
from datetime import timedelta

import pytest
import time_machine

from storefront.clock import now
from storefront.db.tenant_context import tenant_context
from storefront.orders.fulfilment import cancel_order
from tests.payments.conftest import Buyer
from tests.payments.test_stripe import events, is_given_up, is_paid

START, SETTLE = "storefront.payments.start", "storefront.payments.settlement"
STRIPE = "storefront.payments.stripe_provider:StripeProvider"
WHILE_PLACING = {
    "the order isn't committed": ("after", "storefront.orders.actions:_place_order_in_transaction"),
    "the order is committed, Stripe isn't asked": ("before", f"{STRIPE}.start"),
    "Stripe has opened its page, which isn't stored": ("after", f"{STRIPE}.start"),
    "the page is stored, the shopper isn't led to it": ("after", f"{START}:store"),
}
WHILE_SETTLING = {
    "the webhook is stored, not answered": ("webhook", "after", "storefront.payments.webhook_pages:store_webhook"),
    "the webhook is about to be processed": ("work", "before", "storefront.payments.webhooks:settle_session"),
    "Stripe has said that it is paid": ("work", "after", f"{STRIPE}.confirm"),
    "the payment is about to be committed": ("work", "after", f"{SETTLE}:record_events"),
    "the payment is committed, the webhook isn't done": ("work", "after", f"{SETTLE}:apply_paid"),
    "the buyer is back, Stripe has said that it is paid": ("come back", "after", f"{STRIPE}.confirm"),
    "the buyer is back, the payment is committed": ("come back", "after", f"{SETTLE}:apply_paid"),
}
WHILE_GIVING_UP = {
    "Stripe's page is open": ("before", f"{STRIPE}.confirm"),
    "Stripe's page is closed, the order isn't": ("after", f"{STRIPE}.confirm"),
    "the cancellation is about to be committed": ("after", f"{SETTLE}:reopen_cart"),
    "the cancellation is committed": ("after", f"{SETTLE}:give_up"),
}
WHILE_PAYING_BACK = {
    "the late payment is about to be committed": ("after", "storefront.refunds.subscribers:refund_rest"),
    "the late payment is committed": ("before", f"{STRIPE}.refund"),
    "the money is paid back, which isn't recorded": ("after", f"{STRIPE}.refund"),
    "that is about to be committed": ("after", "storefront.refunds.actions:finish_refund"),
    "it is recorded": ("after", "storefront.refunds.actions:apply_answer"),
}


def work_later(ada: Buyer, minutes: int) -> None:
    with time_machine.travel(now() + timedelta(minutes=minutes)):
        ada.work()


@pytest.mark.parametrize("step", WHILE_PLACING)
def test_killed_while_placing(ada: Buyer, die, step: str) -> None:
    cart = ada.cart(tea=2)
    die(*WHILE_PLACING[step], "place", cart)
    again = ada.checkout(cart, payment="stripe")
    assert again.status_code in (200, 201)
    assert again.json["payment"]["url"]
    order_id = again.json["id"]
    assert len(ada.server.account.sessions) == 1
    ada.pay(order_id)
    work_later(ada, 3)
    assert is_paid(ada, order_id)


@pytest.mark.parametrize("step", list(WHILE_PLACING)[1:])
def test_killed_while_placing_and_the_shopper_leaves(ada: Buyer, die, step: str) -> None:
    cart = ada.cart(tea=2)
    die(*WHILE_PLACING[step], "place", cart)
    assert ada.left == 8
    work_later(ada, 31)
    assert ada.left == 10
    assert ada.server.account.money == 0
    assert ada.api("GET", f"/carts/{cart}").json["status"] == "open"


@pytest.mark.parametrize("step", WHILE_SETTLING)
def test_killed_while_settling(ada: Buyer, die, step: str) -> None:
    action, moment, place = WHILE_SETTLING[step]
    order_id = ada.order()["id"]
    ada.pay(order_id)
    (event,) = ada.server.account.events
    if action == "work":
        ada.deliver(event)
    die(moment, place, action, {"webhook": json.dumps(event), "come back": order_id}.get(action, ""))
    work_later(ada, 3)
    assert is_paid(ada, order_id)


@pytest.mark.parametrize("step", WHILE_GIVING_UP)
def test_killed_while_giving_up(ada: Buyer, die, step: str) -> None:
    order = ada.order()
    die(*WHILE_GIVING_UP[step], "work", "", 31)
    work_later(ada, 33)
    assert is_given_up(ada, order["id"])
    assert ada.server.account.session(ada.session_of(order["id"]))["status"] == "expired"


@pytest.mark.parametrize("step", WHILE_PAYING_BACK)
def test_killed_while_paying_a_late_payment_back(ada: Buyer, die, step: str) -> None:
    order_id = ada.order()["id"]
    with ada.app.app_context(), tenant_context("till"):
        cancel_order(order_id)
    ada.pay(order_id)
    die(*WHILE_PAYING_BACK[step], "work")
    work_later(ada, 3)
    assert ada.payment(order_id)["refunded"]["amount"] == 2500
    assert ada.server.account.money == 0
    assert len(ada.server.account.refunds) == 1
    assert [refund["number"][-5:] for refund in ada.find(order_id)["refunds"]] == ["-0001"]
    assert events(ada, order_id)[-2:] == ["payment.late", "order.refunded"]
    assert ada.left == 10
