"""The delivery on the checkout page: methods, the fields of a country, and a price that follows, without JavaScript."""

import re
from typing import Any

import pytest
from flask import Flask

from tests.conftest import Person
from tests.factories import import_tenants, product, tenant
from tests.orders.test_delivery import BERLIN, PICKUP, STANDARD, TAX

BUYER = {"email": "ada@example.com", "name": "Ada"}
TO_BERLIN = {**BUYER, **BERLIN, "shipping": "standard"}
EXPRESS = {"id": "express", "name": "Express", "price": "9.00", "countries": ["US"]}


@pytest.fixture
def buyer(app: Flask) -> Person:
    return open_shop(app, STANDARD, PICKUP)


def open_shop(app: Flask, *methods: dict[str, Any], **more: Any) -> Person:
    settings: dict[str, Any] = {"locale": "en-IE", "country": "IE", "tax": TAX, "shipping": list(methods), **more}
    import_tenants(app, tenant("west", product("mug", "10.00"), product("bowl", "45.00"), **settings))
    visitor = Person(app.test_client(), "west")
    visitor.post("/cart/items", {"product_id": "mug"})
    return visitor


def shown_total(page: str) -> str:
    return re.search(r'name="expected_total" value="(\d+)"', page)[1]


def error_of(page: str, field: str) -> str:
    found = re.search(rf'id="{field}_error">(.*?)</p>', page)
    return found[1] if found else ""


def test_page_has_the_fields_of_the_country_with_autofill_tokens(buyer: Person):
    page = buyer.get("/checkout").text
    assert '<option value="IE" selected>' in page
    assert '<input type="radio" id="shipping_standard" name="shipping" value="standard" checked required>' in page
    for name, token in (
        ("line1", "address-line1"),
        ("line2", "address-line2"),
        ("city", "address-level2"),
        ("region", "address-level1"),
        ("postal_code", "postal-code"),
        ("country", "country"),
    ):
        assert re.search(rf'id="{name}" name="{name}" autocomplete="shipping {token}"', page), name
    assert shown_total(page) == "1788"


def test_price_follows_the_country_and_what_was_typed_stays(buyer: Person):
    sent = buyer.post("/checkout/delivery", TO_BERLIN)
    assert (sent.status_code, sent.headers["Location"]) == (303, "/t/west/checkout")
    page = buyer.get("/checkout").text
    assert shown_total(page) == "1773"
    assert "Tax (19%)" in page
    for value in (*BUYER.values(), *BERLIN.values()):
        assert f'value="{value}"' in page
    assert 'id="region"' not in page
    assert shown_total(buyer.get("/checkout").text) == "1773", "the cart keeps the country and the method"
    assert "€4.90" in buyer.get("/cart").text


def test_htmx_gets_the_delivery_and_the_price(buyer: Person):
    buyer.post("/checkout/delivery", TO_BERLIN | {"vat_id": "DE136695976"})
    parts = buyer.region("/checkout", "div#delivery").text
    assert parts.lstrip().startswith('<div id="delivery"')
    assert 'hx-target="#order_summary"' in parts
    assert (shown_total(parts), "Reverse charge" in parts) == ("1490", True)
    added = buyer.region("/checkout?added=mug", "aside#order_summary").text
    assert 'hx-target="#shipping_methods"' in added
    assert shown_total(added) == "1490"


def test_a_payment_is_asked_for_once_there_is_something_to_pay(app: Flask):
    """A code pays for the goods, and sending them costs something."""
    free = {"promotions": [{"code": "GIFT", "percent": "100"}], "payment": ["bank_transfer", "on_delivery"]}
    buyer = open_shop(app, {**PICKUP, "default": True}, STANDARD, **free)
    buyer.post("/cart/promo", {"code": "GIFT"})
    page = buyer.get("/checkout").text
    assert (shown_total(page), 'name="payment"' in page) == ("0", False)
    buyer.post("/checkout/delivery", TO_BERLIN | {"payment": "on_delivery"})
    parts = buyer.region("/checkout", "div#delivery").text
    assert 'hx-target="#payment"' in parts
    assert re.search(r'name="payment" value="on_delivery"[^>]* checked', parts)


def test_order_is_placed_with_the_address(buyer: Person):
    buyer.post("/checkout/delivery", TO_BERLIN)
    total = shown_total(buyer.get("/checkout").text)
    sent = buyer.post("/checkout", TO_BERLIN | {"expected_total": total})
    assert sent.status_code == 303, sent.text
    page = buyer.client.get(sent.headers["Location"]).text
    assert "10115 Berlin" in page


def test_other_country_than_the_page_showed_is_a_changed_price(buyer: Person):
    total = shown_total(buyer.get("/checkout").text)
    refused = buyer.post("/checkout", TO_BERLIN | {"expected_total": total})
    assert refused.status_code == 409
    assert shown_total(refused.text) == "1773"
    assert 'value="10115"' in refused.text


def test_error_is_beside_its_field(buyer: Person):
    refused = buyer.post("/checkout", TO_BERLIN | {"postal_code": "1", "city": "", "name": "", "vat_id": "DE1"})
    assert refused.status_code == 422
    assert "26133" in error_of(refused.text, "postal_code")
    for field in ("name", "city", "vat_id"):
        assert error_of(refused.text, field), field
    assert error_of(refused.text, "line1") == ""
    assert 'class="refusal"' not in refused.text


def test_a_wrong_vat_id_is_told_before_the_order(buyer: Person):
    buyer.post("/checkout/delivery", TO_BERLIN | {"vat_id": "DE1"})
    assert "DE136695976" in error_of(buyer.region("/checkout", "div#delivery").text, "vat_id")
    buyer.post("/checkout/delivery", TO_BERLIN | {"vat_id": "DE136695976"})
    assert error_of(buyer.region("/checkout", "div#delivery").text, "vat_id") == ""


def test_prices_say_that_shipping_is_extra(app: Flask):
    assert "Prices exclude tax, plus shipping<" in open_shop(app, STANDARD, PICKUP).get("/products/mug").text
    import_tenants(app, tenant("west", product("mug"), shipping=[PICKUP], tax=TAX), refresh=True)
    assert "Prices exclude tax<" in Person(app.test_client(), "west").get("/products/mug").text


def test_pick_up_is_placed_with_email_and_name(app: Flask):
    buyer = open_shop(app, STANDARD, {**PICKUP, "default": True})
    assert shown_total(buyer.get("/checkout").text) == "1200"
    assert buyer.post("/checkout", BUYER | {"expected_total": "1200"}).status_code == 303


def test_address_is_required_by_the_browser_only_if_it_is_always_needed(app: Flask):
    required = re.compile(r'<input id="line1"[^>]* required')
    assert required.search(open_shop(app, STANDARD).get("/checkout").text)
    with_pickup = [STANDARD, {**PICKUP, "default": True}]
    import_tenants(app, tenant("west", product("mug"), shipping=with_pickup, country="IE"), refresh=True)
    visitor = Person(app.test_client(), "west")
    visitor.post("/cart/items", {"product_id": "mug"})
    assert not required.search(visitor.get("/checkout").text)


def test_method_that_does_not_deliver_to_the_country_is_not_offered(app: Flask):
    buyer = open_shop(app, STANDARD, EXPRESS)
    assert 'value="express"' not in buyer.get("/checkout").text
    buyer.post("/checkout/delivery", BUYER | {"country": "US", "shipping": "standard"})
    page = buyer.get("/checkout").text
    assert 'value="standard"' not in page
    assert 'value="express" checked' in page
    assert "California" in page


def test_method_that_the_page_chose_is_chosen_anew_for_another_country(app: Flask):
    """The shopper's own choice stays."""
    buyer = open_shop(app, STANDARD, EXPRESS | {"countries": ["IE", "US"]})
    for country, method in (("US", "express"), ("IE", "standard")):
        page = buyer.get("/checkout").text
        shown = re.search(r'value="(\w+)" checked', page)[1]
        assert f'name="preselected_shipping" value="{shown}"' in page
        buyer.post("/checkout/delivery", {"country": country, "shipping": shown, "preselected_shipping": shown})
        assert f'value="{method}" checked' in buyer.get("/checkout").text
    buyer.post("/checkout/delivery", {"country": "IE", "shipping": "express", "preselected_shipping": "standard"})
    page = buyer.get("/checkout").text
    assert 'value="express" checked' in page
    assert "preselected_shipping" not in page


DEFAULT_PICKUP = {**PICKUP, "default": True}


def test_nobody_who_wants_a_delivery_is_left_with_a_pick_up(app: Flask):
    buyer = open_shop(app, STANDARD, DEFAULT_PICKUP, {**EXPRESS, "countries": ["US"]})
    buyer.post("/checkout/delivery", TO_BERLIN | {"country": "US"})
    page = buyer.get("/checkout").text
    assert 'value="express" checked' in page
    assert "preselected_shipping" not in page, "else the next country would lead to a pick-up"
    assert "Standard isn&#39;t available for this country. Express is chosen instead." in page


def test_method_must_be_chosen_if_only_a_pick_up_is_left(app: Flask):
    buyer = open_shop(app, STANDARD, DEFAULT_PICKUP)
    buyer.post("/checkout/delivery", TO_BERLIN)
    import_tenants(app, tenant("west", product("anvil", weight=6000)), refresh=True)
    buyer.post("/cart/items", {"product_id": "anvil"})
    page = buyer.get("/checkout").text
    assert 'name="shipping" value="pickup"' in page
    assert "data-pickup checked" not in page
    assert "Your order is too heavy for Standard. Please choose another." in page
    refused = buyer.post("/checkout", TO_BERLIN | {"shipping": "", "expected_total": shown_total(page)})
    assert refused.status_code == 422
    assert error_of(refused.text, "shipping") == "Please choose a shipping method."


def test_shipping_becomes_free_with_the_cart(buyer: Person):
    buyer.post("/cart/items", {"product_id": "bowl"})
    page = buyer.get("/checkout").text
    assert shown_total(page) == "6600"
    assert "Free" in page


def test_unknown_choice_is_not_kept(buyer: Person):
    buyer.post("/checkout/delivery", BUYER | {"country": "XX", "shipping": "drone"})
    assert shown_total(buyer.get("/checkout").text) == "1788"


def test_page_of_a_shop_without_shipping_is_as_before(shopper: Person):
    shopper.post("/cart/items", {"product_id": "beans"})
    page = shopper.get("/checkout").text
    for absent in ("delivery", "address-line1", "shipping", "VAT ID"):
        assert absent not in page.partition("<main")[2].partition("</main>")[0], absent
