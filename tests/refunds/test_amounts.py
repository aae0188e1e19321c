"""Amounts that the payment provider can't pay back are refused before anything changes."""

from collections.abc import Callable

import pytest
from flask import Flask

from tests.api_contract import assert_problem
from tests.factories import import_tenants, product, tenant
from tests.payments.conftest import Buyer
from tests.payments.stripe_server import StripeServer
from tests.refunds.test_refunds import ask, paid_order


@pytest.fixture
def bob(make_app: Callable[..., Flask], stripe: StripeServer) -> Buyer:
    """A buyer in a shop of Kuwait, whose money has three decimals."""
    app = make_app(**stripe.environment)
    import_tenants(
        app, tenant("till", product("tea", "3.335", 10), currency="KWD", payment=["stripe", "bank_transfer"])
    )
    return Buyer(app.test_client(), "till", app, stripe)


def test_amount_of_a_three_decimal_currency_that_is_not_in_tens(bob: Buyer) -> None:
    order_id = paid_order(bob)
    tea = [{"product_id": "tea", "quantity": 1}]
    for body in ({"items": tea, "restock": True}, {"amount": 1}, {"items": tea, "amount": 3339}):
        answer = ask(bob, order_id, **body)
        assert_problem(answer, 422, field="amount")
    assert "Stripe can't refund KWD3.339. Enter an amount" in answer.json["errors"][0]["message"]
    assert (bob.find(order_id)["refunds"], bob.left, bob.server.account.money) == ([], 8, 6670)
    assert ask(bob, order_id, items=tea, amount=3330, restock=True).json["status"] == "succeeded"
    assert ask(bob, order_id, items=tea, amount=3340).json["status"] == "succeeded"
    assert (bob.left, bob.server.account.money) == (9, 0)


def test_staff_pay_back_any_amount_by_hand(bob: Buyer) -> None:
    order_id = paid_order(bob, 1, "bank_transfer")
    assert ask(bob, order_id, items=[{"product_id": "tea", "quantity": 1}]).json["status"] == "succeeded"
