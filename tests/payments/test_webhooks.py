"""Webhooks that can't be settled at once: they are tried again, and don't keep others waiting."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import func, select

import storefront.payments.webhooks as processing
from storefront.clock import now
from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.ids import new_token
from storefront.orders.fulfilment import cancel_order
from storefront.payments.checks import GIVE_UP_AFTER
from storefront.payments.jobs import check_shop
from storefront.payments.models import PaymentWebhook
from storefront.payments.second_sessions import settle_session
from storefront.payments.webhooks import BATCH, PATIENCE
from tests.payments.conftest import Buyer
from tests.payments.test_kill import work_later
from tests.payments.test_stripe import is_paid


def waiting(ada: Buyer) -> int:
    """The number of webhooks that aren't processed."""
    with ada.app.app_context(), tenant_context("till"):
        return db.session.scalar(select(func.count(PaymentWebhook.id)).where(PaymentWebhook.processed_at.is_(None)))


def deliver_foreign(ada: Buyer, number: int) -> None:
    """Deliver webhooks about other shops' orders in the same account of Stripe."""
    for i in range(number):
        about = {"id": f"cs_{i}", "client_reference_id": new_token()}
        event = {"id": f"evt_foreign_{i}", "type": "checkout.session.completed", "data": {"object": about}}
        assert ada.deliver(event) == 200


def test_webhooks_of_other_shops_of_the_account_delay_nothing(ada: Buyer) -> None:
    deliver_foreign(ada, BATCH + 5)
    order_id = ada.order()["id"]
    ada.pay(order_id)
    ada.deliver(ada.server.account.events[0])
    ada.work()
    assert is_paid(ada, order_id)
    assert waiting(ada) == BATCH + 5, "their orders may be about to be committed"
    with time_machine.travel(now() + PATIENCE + timedelta(minutes=1)):
        ada.work()
    assert waiting(ada) == 0


def test_more_webhooks_than_a_batch_are_processed_at_once(open_shop: Callable[..., Buyer]) -> None:
    ada = open_shop(stock=100)
    for _ in range(BATCH + 1):
        ada.pay(ada.order(quantity=1)["id"])
    for event in ada.server.account.events:
        ada.deliver(event)
    with ada.app.app_context(), tenant_context("till"):
        assert check_shop(), "there is another one"
    assert waiting(ada) == 1
    with ada.app.app_context(), tenant_context("till"):
        assert not check_shop()
    assert waiting(ada) == 0


@pytest.mark.parametrize("newest_fails", [True, False])
def test_unexpected_error_of_one_webhook_does_not_stop_others(
    ada: Buyer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, newest_fails: bool
) -> None:
    first, second = (ada.order(quantity=1)["id"] for _ in range(2))
    for order_id in (first, second):
        ada.pay(order_id)
    for event in ada.server.account.events:
        ada.deliver(event)
    failing, other = (second, first) if newest_fails else (first, second)

    def fail(order_id: str, session_id: str) -> None:
        if order_id == failing:
            raise KeyError("personal data")
        settle_session(order_id, session_id)

    with monkeypatch.context() as patch:
        patch.setattr(processing, "settle_session", fail)
        ada.work()
    assert (ada.payment(other)["status"], ada.payment(failing)["status"]) == ("paid", "pending")
    assert f"order {failing}: a webhook can't be processed: KeyError" in caplog.text
    assert "personal data" not in caplog.text
    ada.work()
    assert ada.payment(failing)["status"] == "paid"


Account = tuple[dict[str, Any], dict[str, Any], dict[str, Any]]


def other_account(ada: Buyer) -> Account:
    """The shop's key is that of another account of Stripe, which knows nothing of the shop's payments."""
    account = ada.server.account
    kept = account.sessions, account.intents, account.refunds
    account.sessions, account.intents, account.refunds = {}, {}, {}
    return kept


def own_account(ada: Buyer, kept: Account) -> None:
    ada.server.account.sessions, ada.server.account.intents, ada.server.account.refunds = kept


@pytest.mark.parametrize("days", [0, 5])
def test_payment_of_a_cancelled_order_is_found_after_a_time_with_another_accounts_key(ada: Buyer, days: int) -> None:
    order_id = ada.order()["id"]
    session = ada.session_of(order_id)
    ada.server.account.pay(session)
    kept = other_account(ada)
    with ada.app.app_context(), tenant_context("till"):
        cancel_order(order_id)
    with time_machine.travel(now() + timedelta(days=days)):
        ada.work()
    own_account(ada, kept)
    with time_machine.travel(now() + timedelta(days=days, hours=7)):
        ada.work()
    assert (ada.payment(order_id)["status"], ada.server.account.money) == ("refunded", 0)


def test_page_that_stripe_never_knows_again_is_given_up_in_the_end(ada: Buyer) -> None:
    order_id = ada.order()["id"]
    other_account(ada)
    with ada.app.app_context(), tenant_context("till"):
        cancel_order(order_id)
    ada.work()
    for later in (GIVE_UP_AFTER + timedelta(hours=1), GIVE_UP_AFTER + timedelta(days=1)):
        with time_machine.travel(now() + later):
            ada.work()
            calls = len(ada.server.calls)
    ada.server.calls.clear()
    with time_machine.travel(now() + GIVE_UP_AFTER + timedelta(days=3)):
        ada.work()
    assert calls
    assert ada.server.calls == []


def test_webhook_that_stripe_refuses_for_a_while_is_tried_again(ada: Buyer) -> None:
    order_id = ada.order()["id"]
    ada.pay(order_id)
    kept = other_account(ada)
    ada.deliver(ada.server.account.events[0])
    ada.work()
    assert waiting(ada) == 1
    own_account(ada, kept)
    ada.work()
    assert waiting(ada) == 0
    assert is_paid(ada, order_id)


def test_webhook_that_stripe_refuses_for_long_is_given_up_but_its_payment_is_not(ada: Buyer) -> None:
    order_id = ada.order()["id"]
    ada.pay(order_id)
    kept = other_account(ada)
    ada.deliver(ada.server.account.events[0])
    work_later(ada, 61)
    assert waiting(ada) == 0
    own_account(ada, kept)
    work_later(ada, 60 * 8)
    assert is_paid(ada, order_id)
