"""Choosing how to pay: what the checkout asks, and what it refuses."""

from collections.abc import Callable

import pytest

from tests.api_contract import PAYMENT, assert_problem, assert_shape
from tests.conftest import Person
from tests.payments.conftest import Buyer
from tests.payments.stripe_server import StripeServer

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
NOTHING = {"amount": 0, "currency": "EUR"}


def test_shop_without_payment_asks_for_none(shopper: Person) -> None:
    order = shopper.checkout(shopper.cart(beans=1)).json
    assert order["payment"] == {"method": None, "status": "none", "paid": NOTHING, "refunded": NOTHING, "url": None}
    assert 'name="payment"' not in shopper.get("/checkout").text
    refused = shopper.checkout(shopper.cart(beans=1), payment="stripe")
    assert_problem(refused, 422, field="payment")


@pytest.mark.parametrize("fields", [{}, {"payment": None}, {"payment": "cheque"}, {"payment": ""}])
def test_order_without_an_offered_method_is_refused_and_changes_nothing(ada: Buyer, fields: dict[str, str]) -> None:
    cart = ada.cart(tea=2)
    assert_problem(ada.checkout(cart, **fields), 422, field="payment")
    assert ada.left == 10
    assert ada.api("GET", f"/carts/{cart}").json["status"] == "open"


def test_each_method_has_its_first_state(ada: Buyer) -> None:
    states = {method: ada.order(method, 1)["payment"] for method in ("stripe", "bank_transfer", "on_delivery")}
    for payment in states.values():
        assert_shape(payment, PAYMENT)
    assert {method: one["status"] for method, one in states.items()} == {
        "stripe": "pending",
        "bank_transfer": "pending",
        "on_delivery": "none",
    }
    assert [method for method, one in states.items() if one["url"]] == ["stripe"]
    assert [one["method"] for one in states.values()] == list(states)


def test_total_of_zero_needs_no_payment(ada: Buyer, stripe: StripeServer) -> None:
    for fields in ({}, {"payment": "stripe"}):
        order = ada.checkout(ada.cart(gift=1), **fields).json
        assert (order["payment"]["method"], order["payment"]["status"]) == (None, "none")
    assert not stripe.calls


def test_page_asks_which_way_to_pay(ada: Buyer) -> None:
    ada.post("/cart/items", {"product_id": "tea"})
    page = ada.get("/checkout").text
    assert page.count('type="radio" name="payment"') == 3
    assert "Bank transfer" in page
    refused = ada.post("/checkout", {"email": "ada@example.com", "name": "Ada"})
    assert refused.status_code == 422
    assert 'id="payment_error"' in refused.text


def test_page_does_not_ask_about_the_only_way(open_shop: Callable[..., Buyer]) -> None:
    ada = open_shop(["bank_transfer"])
    ada.post("/cart/items", {"product_id": "tea"})
    assert 'type="radio"' not in ada.get("/checkout").text
    placed = ada.post("/checkout", {"email": "ada@example.com", "name": "Ada"})
    assert ada.payment(placed.location.rpartition("/")[2])["method"] == "bank_transfer"


def test_stripe_is_offered_only_with_a_key(open_shop: Callable[..., Buyer]) -> None:
    ada = open_shop(["stripe", "bank_transfer"], STRIPE_SECRET_KEY="")
    ada.post("/cart/items", {"product_id": "tea"})
    assert 'value="stripe"' not in ada.get("/checkout").text
    assert_problem(ada.checkout(ada.cart(tea=1), payment="stripe"), 422, field="payment")
    placed = ada.post("/checkout", {"email": "ada@example.com", "name": "Ada"})
    assert ada.payment(placed.location.rpartition("/")[2])["method"] == "bank_transfer"


def test_shop_that_only_takes_stripe_sells_nothing_without_a_key(open_shop: Callable[..., Buyer]) -> None:
    ada = open_shop(["stripe"], STRIPE_SECRET_KEY="")
    assert_problem(ada.checkout(ada.cart(tea=1), payment="stripe"), 503, "payment-unavailable")
    assert ada.left == 10
    assert ada.checkout(ada.cart(gift=1)).status_code == 201


def test_checkout_form_may_lead_to_stripe_only_where_it_is_offered(ada: Buyer, shopper: Person) -> None:
    ada.post("/cart/items", {"product_id": "tea"})
    shopper.post("/cart/items", {"product_id": "beans"})
    assert f"form-action 'self' {ada.server.base};" in ada.get("/checkout").headers["Content-Security-Policy"]
    assert "form-action 'self';" in ada.get("/cart").headers["Content-Security-Policy"]
    assert "form-action 'self';" in shopper.get("/checkout").headers["Content-Security-Policy"]


def test_same_key_with_another_method_is_refused(ada: Buyer) -> None:
    cart = ada.cart(tea=1)
    assert ada.checkout(cart, key="k", payment="bank_transfer").status_code == 201
    assert ada.checkout(cart, key="k", payment="bank_transfer").status_code == 200
    assert_problem(ada.checkout(cart, key="k", payment="on_delivery"), 422, field="Idempotency-Key")
