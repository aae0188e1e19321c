"""A client that knows a cart but isn't its buyer gets no personal data, neither by the API nor by pages."""

import pytest
from flask import Flask

from tests.api_contract import PLACED, assert_problem, assert_shape
from tests.conftest import Person

ADA, EVE = {"email": "ada@example.com", "name": "Ada Byron"}, {"email": "eve@example.com", "name": "Eve"}
FULL = PLACED
WITHOUT_BUYER = PLACED | {"email": type(None), "name": type(None)}


def test_another_buyer_gets_the_order_without_personal_data(app: Flask, shopper: Person):
    cart = shopper.cart(beans=2)
    first = shopper.checkout(cart, **ADA).json
    stranger = Person(app.test_client(), "north")
    for key in (None, "k", "another"):
        again = stranger.checkout(cart, key=key, **EVE)
        assert again.status_code == 200
        assert_shape(again.json, WITHOUT_BUYER)
        assert "ada@example.com" not in again.text
        assert "Byron" not in again.text
        same = ("id", "number", "status", "items", "total", "created_at")
        assert [again.json[name] for name in same] == [first[name] for name in same]
    assert shopper.stock("beans") == 98


@pytest.mark.parametrize(
    "buyer",
    [ADA, ADA | {"email": " ADA@Example.COM "}, ADA | {"name": "Ada  Byron"}, ADA | {"name": "Ada Lovelace"}],
    ids=["same", "other case", "more spaces", "corrected name"],
)
def test_same_buyer_gets_the_full_order(shopper: Person, buyer: dict[str, str]):
    cart = shopper.cart(beans=1)
    first = shopper.checkout(cart, **ADA)
    again = shopper.checkout(cart, **buyer)
    assert again.status_code == 200
    assert_shape(again.json, FULL)
    assert {**again.json, "upsell": None} == {**first.json, "upsell": None}


def test_key_with_another_buyer_is_refused_without_personal_data(shopper: Person):
    cart = shopper.cart(beans=1)
    shopper.checkout(cart, key="k", **ADA)
    refused = shopper.checkout(cart, key="k", **EVE)
    assert_problem(refused, 422, field="Idempotency-Key")
    assert "ada" not in refused.text.lower()
    for buyer in (ADA, ADA | {"email": " ada@EXAMPLE.com"}):
        assert shopper.checkout(cart, key="k", **buyer).json["email"] == ADA["email"], "the same request was refused"


def cart_of(buyer: Person) -> str:
    page = buyer.get("/checkout").text
    return page.split('name="cart_id" value="', 1)[1].split('"', 1)[0]


def test_form_of_another_buyer_does_not_lead_to_the_confirmation(app: Flask, shopper: Person):
    shopper.post("/cart/items", {"product_id": "beans"})
    cart = cart_of(shopper)
    placed = shopper.post("/checkout", ADA | {"cart_id": cart})
    order = placed.headers["Location"].rpartition("/")[2]
    eve = Person(app.test_client(), "north")
    eve.post("/cart/items", {"product_id": "cup"})
    for form in (EVE, {}, EVE | {"email": "nobody"}, ADA | {"email": "adam@example.com"}):
        answer = eve.post("/checkout", form | {"cart_id": cart})
        assert answer.status_code == 409, form
        assert order not in answer.text
        assert "ada@example.com" not in answer.text.lower()
        assert "Byron" not in answer.text
    assert cart_of(eve) != cart, "another client's cart was replaced"
    for form in (ADA, EVE, {}):
        again = shopper.post("/checkout", form | {"cart_id": cart})
        assert (again.status_code, again.headers["Location"]) == (303, placed.headers["Location"]), (
            "the same browser was refused"
        )
    elsewhere = Person(app.test_client(), "north").post("/checkout", ADA | {"cart_id": cart})
    assert elsewhere.headers["Location"] == placed.headers["Location"], "the same buyer was refused"


def test_link_with_invisible_characters_leads_to_the_order(shopper: Person):
    order = shopper.checkout(shopper.cart(beans=1), **ADA).json["id"]
    for invisible in ("\u200b", "\ufeff", "\u00a0", "\u2060"):
        assert shopper.get(f"/orders/{order}{invisible}").status_code == 200
        assert shopper.api("GET", f"/orders/{invisible}{order}").json["id"] == order
        assert shopper.get(f"/products/beans{invisible}").status_code == 200
