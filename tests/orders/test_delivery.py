"""Shipping, address, tax by country and VAT ids at the API's checkout."""

from typing import Any

import pytest
from flask import Flask

from tests.api_contract import assert_problem
from tests.conftest import Person
from tests.factories import import_tenants, product, tenant

BERLIN = {"line1": "Hauptstr. 1", "postal_code": "10115", "city": "Berlin", "country": "DE"}
GALWAY = {"line1": "1 Quay Street", "city": "Galway", "country": "IE"}
STANDARD = {
    **{"id": "standard", "name": {"en": "Standard", "de": "Standardversand"}, "price": "4.90", "free_from": "50.00"},
    **{"countries": ["IE", "DE"], "days": [2, 4], "max_weight": 5000},
}
PICKUP = {"id": "pickup", "name": "Pick up", "price": "0"}
TAX = {"rate": "20", "classes": {"reduced": "10"}, "countries": {"DE": {"rate": "19", "classes": {"reduced": "7"}}}}
PRODUCTS = (product("mug", "10.00", weight=400), product("book", "5.50", tax_class="reduced"))


def open_shop(app: Flask, *methods: dict[str, Any], **settings: Any) -> Person:
    given = {
        "locale": "en-IE",
        "country": "IE",
        "tax": TAX,
        "shipping": list(methods or (STANDARD, PICKUP)),
        **settings,
    }
    import_tenants(app, tenant("west", *PRODUCTS, **given))
    return Person(app.test_client(), "west")


def amounts(answer: Any) -> tuple[int, ...]:
    return tuple(answer.json[step]["amount"] for step in ("subtotal", "discount", "shipping", "tax", "total"))


def test_methods_are_listed_for_a_country(app: Flask):
    shop = open_shop(app)
    cart = shop.cart(mug=2)
    for path, ids in (
        ("?country=DE", ["standard", "pickup"]),
        ("", ["standard", "pickup"]),
        ("?country=FR", ["pickup"]),
    ):
        found = shop.api("GET", f"/carts/{cart}/shipping{path}").json["items"]
        assert [one["id"] for one in found] == ids
    assert shop.api("GET", f"/carts/{cart}/shipping?country=de").json["items"][0] == {
        **{"id": "standard", "name": "Standard", "price": {"amount": 490, "currency": "EUR"}, "days": [2, 4]}
    }
    assert shop.api("GET", f"/carts/{shop.cart(mug=5)}/shipping").json["items"][0]["price"]["amount"] == 0
    assert_problem(shop.api("GET", f"/carts/{cart}/shipping?country=XX"), 422, field="country")
    assert_problem(shop.api("GET", "/carts/nosuch/shipping"), 404)


def test_heavy_cart_is_offered_no_method_that_cannot_carry_it(app: Flask):
    shop = open_shop(app)
    cart = shop.cart(mug=13)
    assert [one["id"] for one in shop.api("GET", f"/carts/{cart}/shipping").json["items"]] == ["pickup"]
    assert_problem(shop.checkout(cart, shipping="standard", address=BERLIN), 422, field="shipping")
    assert shop.stock("mug") == 1000


def test_order_is_sent_to_its_address_at_the_rates_of_its_country(app: Flask):
    shop = open_shop(app)
    answer = shop.checkout(shop.cart(mug=2, book=1), shipping="standard", address=BERLIN)
    assert answer.status_code == 201, answer.text
    assert amounts(answer) == (2550, 0, 490, 512, 3552), "19 % of 24.90 and 7 % of 5.50"
    order = shop.api("GET", f"/orders/{answer.json['id']}").json
    assert order["address"] == {**BERLIN, "line2": None, "region": None}
    assert order["delivery"] == {"method": "standard", "name": "Standard", "carrier": None, "tracking": None}
    page = shop.get(f"/orders/{order['id']}").text
    for words in ("Hauptstr. 1", "10115 Berlin", "Germany", "Standard", "€4.90", "Tax (19%)", "Tax (7%)", "€35.52"):
        assert words in page, words


def test_name_of_the_method_is_kept_in_the_language_of_the_order(app: Flask):
    shop = open_shop(app)
    body = {"email": "a@example.com", "name": "Ada", "shipping": "standard", "address": GALWAY}
    headers = {"Accept-Language": "de"}
    order = shop.api("POST", f"/carts/{shop.cart(mug=1)}/checkout", body, headers=headers).json
    assert order["delivery"]["name"] == "Standardversand"


@pytest.mark.parametrize(
    ("fields", "invalid"),
    [
        ({}, "shipping"),
        ({"shipping": "drone"}, "shipping"),
        ({"shipping": "standard"}, "address"),
        ({"shipping": "standard", "address": {**BERLIN, "postal_code": "1"}}, "address.postal_code"),
        ({"shipping": "standard", "address": {**BERLIN, "city": ""}}, "address.city"),
        ({"shipping": "standard", "address": {**GALWAY, "country": "FR", "postal_code": "75001"}}, "shipping"),
        ({"shipping": "standard", "address": {"line1": "x"}}, "address.country"),
        ({"shipping": "standard", "address": BERLIN, "vat_id": "DE1"}, "vat_id"),
        ({"shipping": "pickup", "payment": "stripe"}, "payment"),
    ],
)
def test_what_the_shop_needs_is_named(app: Flask, fields: dict[str, Any], invalid: str):
    shop = open_shop(app)
    cart = shop.cart(mug=1)
    assert_problem(shop.checkout(cart, **fields), 422, field=invalid)
    assert shop.stock("mug") == 1000
    assert shop.api("GET", f"/carts/{cart}").json["status"] == "open"


def test_all_that_is_wrong_is_said_at_once(app: Flask):
    shop = open_shop(app)
    problem = assert_problem(
        shop.checkout(shop.cart(mug=1), email="nobody", shipping="standard", address={**BERLIN, "postal_code": "1"}),
        422,
    )
    assert {error["field"] for error in problem["errors"]} == {"email", "address.postal_code"}


def test_payment_method_is_required_where_the_shop_has_some(app: Flask):
    shop = open_shop(app, payment=["on_delivery", "bank_transfer"])
    assert_problem(shop.checkout(shop.cart(mug=1), shipping="pickup"), 422, field="payment")
    assert shop.checkout(shop.cart(mug=1), shipping="pickup", payment="on_delivery").status_code == 201


def test_pick_up_needs_no_address(app: Flask):
    shop = open_shop(app)
    answer = shop.checkout(shop.cart(mug=1), shipping="pickup", address=BERLIN)
    assert amounts(answer) == (1000, 0, 0, 200, 1200), "taxed at home"
    assert (answer.json["address"], answer.json["delivery"]["method"]) == (None, "pickup")


def test_default_method_is_that_of_an_order_that_names_none(app: Flask):
    shop = open_shop(app, STANDARD, {**PICKUP, "default": True})
    cart = shop.cart(mug=1)
    assert shop.api("GET", f"/carts/{cart}").json["shipping"]["amount"] == 0
    answer = shop.checkout(cart)
    assert (answer.status_code, answer.json["delivery"]["method"]) == (201, "pickup")


def test_shop_without_shipping_asks_for_nothing(shopper: Person):
    order = shopper.checkout(shopper.cart(beans=1)).json
    assert (order["shipping"]["amount"], order["address"], order["delivery"]) == (0, None, None)
    assert_problem(shopper.checkout(shopper.cart(beans=1), shipping="standard"), 422, field="shipping")


def test_business_elsewhere_in_the_eu_owes_the_tax(app: Flask):
    shop = open_shop(app)
    sent: dict[str, Any] = {"shipping": "standard", "address": BERLIN, "vat_id": "DE 136 695 976"}
    answer = shop.checkout(shop.cart(mug=2, book=1), **sent)
    assert amounts(answer) == (2550, 0, 490, 0, 3040)
    page = shop.get(f"/orders/{answer.json['id']}").text
    assert "Reverse charge" in page
    assert "VAT ID DE136695976" in page
    at_home = shop.checkout(shop.cart(mug=1), shipping="standard", address=GALWAY, vat_id="DE136695976")
    assert amounts(at_home)[3] == 298


def test_prices_with_tax_are_lowered_for_a_business_elsewhere(app: Flask):
    shop = open_shop(app, tax={**TAX, "included": True})
    sent: dict[str, Any] = {"shipping": "standard", "address": BERLIN, "vat_id": "DE136695976"}
    answer = shop.checkout(shop.cart(mug=2, book=1), expected_total=2606, **sent)
    assert amounts(answer) == (2194, 0, 412, 0, 2606)
    assert [item["unit_price"]["amount"] for item in answer.json["items"]] == [840, 514]
    assert amounts(shop.checkout(shop.cart(mug=2, book=1), shipping="standard", address=BERLIN)) == (
        *(2550, 0, 490, 434, 3040),
    )


def test_another_address_with_the_same_key_is_another_request(app: Flask):
    shop = open_shop(app)
    cart = shop.cart(mug=1)
    assert shop.checkout(cart, key="k", shipping="standard", address=BERLIN).status_code == 201
    assert shop.checkout(cart, key="k", shipping="standard", address=BERLIN).status_code == 200
    again = shop.checkout(cart, key="k", shipping="standard", address=GALWAY)
    assert_problem(again, 422, field="Idempotency-Key")


def test_address_is_not_shown_to_another_buyer(app: Flask):
    shop = open_shop(app)
    cart = shop.cart(mug=1)
    shop.checkout(cart, shipping="standard", address=BERLIN)
    other = shop.checkout(cart, email="eve@example.com", shipping="standard", address=GALWAY).json
    assert (other["email"], other["name"], other["address"]) == (None, None, None)
