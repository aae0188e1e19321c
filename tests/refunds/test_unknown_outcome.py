"""Refunds of which the shop can't know whether they were paid back: they are neither given up nor paid twice."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import time_machine

from storefront.clock import now
from storefront.db.tenant_context import tenant_context
from storefront.orders.refund_queries import find_refund
from storefront.payments.provider import ProviderUnavailable
from storefront.refunds import actions
from storefront.staff.permissions import Role
from tests.payments.conftest import Buyer
from tests.payments.stripe_server import StripeServer
from tests.refunds.test_refunds import ask, continue_refunds, paid_order
from tests.staff.factories import signed_in


@contextmanager
def other_account(server: StripeServer) -> Iterator[None]:
    """As if the shop had the key of another account, which knows nothing of this one."""
    account, kept, results = server.account, dict(vars(server.account)), dict(server.results)
    account.sessions, account.intents, account.refunds = {}, {}, {}
    server.results.clear()
    yield
    account.sessions, account.intents, account.refunds = kept["sessions"], kept["intents"], kept["refunds"]
    server.results = results


@pytest.mark.parametrize("days", [0, 2])
@pytest.mark.parametrize("answer", ["late", 500])
def test_refund_waits_while_the_shop_has_another_accounts_key(ada: Buyer, answer: str | int, days: int) -> None:
    order_id = paid_order(ada)
    ada.server.faults.answers = [answer]
    assert ask(ada, order_id, items=[{"product_id": "tea", "quantity": 1}]).json["status"] == "pending"
    with time_machine.travel(now() + timedelta(days=days)):
        clerk = signed_in(ada.app, "till", Role.CLERK)
        with other_account(ada.server):
            for _ in range(2):
                continue_refunds(ada)
            assert [one["status"] for one in ada.find(order_id)["refunds"]] == ["pending"]
            page = clerk.get(f"/admin/orders/{order_id}").text
            assert "on its way" in page
            assert "resource_missing" in page
        continue_refunds(ada)
        assert [one["status"] for one in ada.find(order_id)["refunds"]] == ["succeeded"]
        assert len(ada.server.account.refunds) == 1
        assert "resource_missing" not in clerk.get(f"/admin/orders/{order_id}").text


def test_key_that_the_provider_refuses_is_shown(ada: Buyer) -> None:
    order_id = paid_order(ada)
    ada.server.faults.answers = [401]
    assert ask(ada, order_id, amount=100).json["status"] == "pending"
    assert "the key is refused" in signed_in(ada.app, "till", Role.CLERK).get(f"/admin/orders/{order_id}").text


def test_late_failure_does_not_take_back_a_later_attempt(ada: Buyer) -> None:
    order_id = paid_order(ada)
    ada.server.faults.answers = [500, 500]
    refund_id = ask(ada, order_id, amount=100).json["id"]
    with ada.app.app_context(), tenant_context("till"):
        seen = find_refund(refund_id)
        assert seen is not None
        actions.pay_back(refund_id)
        actions.wait(seen, ProviderUnavailable("late"))
        stored = find_refund(refund_id)
        assert stored is not None
        assert (stored.attempt, stored.failure != "late") == (seen.attempt + 1, True)
        actions.pay_back(refund_id)
        actions.wait(stored, ProviderUnavailable("late"))
        finished = find_refund(refund_id)
        assert finished is not None
        assert (finished.status, finished.failure) == ("succeeded", None)
