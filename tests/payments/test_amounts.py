"""Amounts that Stripe doesn't take: refused before the order is placed, and explained where Stripe itself refuses.

https://docs.stripe.com/currencies#three-decimal and #minimum-and-maximum-charge-amounts"""

import re
from collections.abc import Callable
from html import unescape

import pytest
from flask import Flask

from storefront.staff.permissions import Role
from tests.api_contract import assert_problem
from tests.factories import import_tenants, product, tenant
from tests.payments import stripe_account
from tests.payments.conftest import Buyer
from tests.payments.stripe_server import StripeServer
from tests.payments.test_stripe import is_given_up
from tests.staff.factories import signed_in

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
CASES = {
    ("0.33", "EUR"): "Online payments must be at least €0.50.",
    ("0.49", "USD"): "Online payments must be at least $0.50.",
    ("49", "JPY"): "Online payments must be at least ¥50.",
    ("174", "HUF"): "Online payments must be at least HUF175.00.",
    ("1000000.00", "EUR"): "Online payments can't be more than €999,999.99.",
    ("1000000", "ISK"): "Online payments can't be more than ISK999,999.",
    ("11.939", "KWD"): "Online payments can't take this amount, because its last decimal isn't 0.",
}
TAKEN = [("0.50", "EUR"), ("999999.99", "EUR"), ("11.940", "KWD"), ("50", "JPY"), ("999999", "ISK")]
OpenTill = Callable[..., Buyer]


@pytest.fixture
def open_till(make_app: Callable[..., Flask], stripe: StripeServer) -> OpenTill:
    def make(price: str, currency: str, *methods: str) -> Buyer:
        app = make_app(**stripe.environment)
        import_tenants(app, tenant("till", product("tea", price, 10), currency=currency, payment=list(methods)))
        return Buyer(app.test_client(), "till", app, stripe)

    return make


@pytest.mark.parametrize(("price", "currency"), CASES, ids=str)
def test_method_that_cannot_take_the_total_is_refused_and_another_is_offered(
    open_till: OpenTill, price: str, currency: str
) -> None:
    sentence = CASES[price, currency]
    ada = open_till(price, currency, "stripe", "bank_transfer")
    cart = ada.cart(tea=1)
    problem = assert_problem(ada.checkout(cart, payment="stripe"), 422, field="payment")
    [message] = [one["message"] for one in problem["errors"]]
    assert message == f"{sentence} Please choose another way to pay."
    assert (ada.left, ada.api("GET", f"/carts/{cart}").json["status"], ada.server.calls) == (10, "open", [])
    assert ada.checkout(cart, payment="bank_transfer").status_code == 201


def test_page_says_why_beside_the_field_and_chooses_a_possible_method(open_till: OpenTill) -> None:
    ada = open_till("0.33", "EUR", "stripe", "bank_transfer")
    ada.post("/cart/items", {"product_id": "tea"})
    page = ada.get("/checkout").text
    assert [re.search(r'value="(\w+)"', one)[1] for one in re.findall(r"<input[^>]* checked>", page)] == [
        "bank_transfer"
    ]
    assert "Online payments must be at least €0.50." in unescape(page)
    refused = ada.post("/checkout", {"email": "ada@example.com", "name": "Ada", "payment": "stripe"})
    assert refused.status_code == 422
    shown = re.search(r'id="payment_error">(.*?)</p>', refused.text)
    assert unescape(shown[1]) == "Online payments must be at least €0.50. Please choose another way to pay."
    assert 'value="bank_transfer"' in refused.text
    placed = ada.post("/checkout", {"email": "ada@example.com", "name": "Ada", "payment": "bank_transfer"})
    assert placed.status_code == 303


def test_shop_with_one_method_says_why_it_cannot_take_the_total(open_till: OpenTill) -> None:
    ada = open_till("0.33", "EUR", "stripe")
    problem = assert_problem(ada.checkout(ada.cart(tea=1), payment="stripe"), 422, field="payment")
    assert problem["errors"][0]["message"] == "Online payments must be at least €0.50."
    ada.post("/cart/items", {"product_id": "tea"})
    refused = ada.post("/checkout", {"email": "ada@example.com", "name": "Ada"})
    assert (refused.status_code, ada.left) == (422, 10)
    assert "Online payments must be at least €0.50." in unescape(refused.text)


@pytest.mark.parametrize(("price", "currency"), TAKEN, ids=str)
def test_amounts_that_stripe_takes(open_till: OpenTill, price: str, currency: str) -> None:
    ada = open_till(price, currency, "stripe")
    assert ada.order(quantity=1)["payment"]["status"] == "pending"


def test_amount_that_stripe_itself_refuses_is_explained(ada: Buyer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stripe_account, "MIN_AMOUNT", 5000)
    placed = ada.place()
    order_id = placed.location.rpartition("/")[2]
    assert is_given_up(ada, order_id, "failed")
    page = unescape(ada.get(f"/orders/{order_id}").text)
    assert "This amount is too small to be paid online. Nothing was charged, and the order was cancelled." in page
    seen = unescape(signed_in(ada.app, "till", Role.CLERK).get(f"/admin/orders/{order_id}").text)
    assert "Payment failed: This amount is too small to be paid online. (amount_too_small)" in seen


def test_another_refusal_of_stripe_has_its_code_for_staff(ada: Buyer) -> None:
    ada.server.faults.answers = [400]
    order_id = ada.place().location.rpartition("/")[2]
    assert "The payment provider refused this payment." in ada.get(f"/orders/{order_id}").text
    seen = signed_in(ada.app, "till", Role.CLERK).get(f"/admin/orders/{order_id}").text
    assert "The payment provider refused this payment. (" in seen
