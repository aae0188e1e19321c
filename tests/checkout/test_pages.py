"""Checkout in a browser without JavaScript, from the review to the confirmation."""

import re

import pytest
from flask import Flask

from tests.conftest import Person
from tests.factories import change_product

BUYER = {"email": "ada@example.com", "name": "Ada <b>"}


@pytest.fixture
def buyer(shopper: Person) -> Person:
    """A shopper with two bags of beans and a cup in the cart."""
    shopper.post("/cart/items", {"product_id": "beans", "quantity": "2"})
    shopper.post("/cart/items", {"product_id": "cup", "quantity": "1"})
    return shopper


def form_of(page: str) -> dict[str, str]:
    """Return the hidden fields of the checkout form."""
    assert '<form id="checkout_form" method="post" action="/t/north/checkout"' in page
    found = {}
    for field in re.findall(r'<input[^>]*type="hidden"[^>]*>', page):
        name, value = re.search(r'name="([^"]+)"', field)[1], re.search(r'value="([^"]*)"', field)[1]
        if 'form="checkout_form"' in field or name == "cart_id":
            found[name] = value
    return found


def field_error(page: str, field: str) -> str:
    """Return the error message of a field, or "" if it has none."""
    box = re.search(rf'<input id="{field}"[^>]*>', page)[0]
    error = re.search(rf'<p[^>]*id="{field}_error"[^>]*>(.*?)</p>', page, re.DOTALL)
    assert (error is not None) == ('aria-invalid="true"' in box) == (f'aria-describedby="{field}_error"' in box)
    return error[1] if error else ""


def test_form_contains_cart_id_lines_and_total(buyer: Person):
    page = buyer.get("/checkout").text
    fields = form_of(page)
    assert set(fields) == {"cart_id", "shown_lines", "expected_total"}
    assert fields["expected_total"] == "6120"
    assert "€61.20" in page


def test_checkout_redirects_to_the_confirmation(buyer: Person):
    sent = buyer.post("/checkout", form_of(buyer.get("/checkout").text) | BUYER)
    assert sent.status_code == 303
    assert re.fullmatch(r"/t/north/orders/[A-Za-z0-9_-]{20,}", sent.headers["Location"])
    page = buyer.client.get(sent.headers["Location"])
    assert page.status_code == 200
    for words in ("Dawn Beans", "Stone Cup", "€61.20", "ada@example.com", "Ada &lt;b&gt;", "Placed"):
        assert words in page.text, words
    assert (buyer.stock("beans"), buyer.stock("cup")) == (98, 2)


def test_confirmation_is_visible_to_everyone_with_the_link(app: Flask, buyer: Person):
    location = buyer.post("/checkout", BUYER).headers["Location"]
    order_id = location.rpartition("/")[2]
    number = buyer.api("GET", f"/orders/{order_id}").json["number"]
    friend = Person(app.test_client(), "north")
    page = friend.client.get(location)
    assert page.status_code == 200
    assert number in page.text
    assert friend.get(f"/orders/{number}").status_code == 404
    assert friend.client.get(location.replace("north", "south")).status_code == 404


def test_submitting_the_form_twice_redirects_to_the_same_confirmation(app: Flask, buyer: Person):
    form = form_of(buyer.get("/checkout").text) | BUYER
    first = buyer.post("/checkout", form)
    assert first.status_code == 303
    again = buyer.post("/checkout", form)
    assert (again.status_code, again.headers["Location"]) == (303, first.headers["Location"])
    change_product(app, "north", "beans", price=1, stock=0)
    for changed in (form | {"name": "Bea"}, form | {"email": "nobody"}, form | {"expected_total": "1"}):
        later = buyer.post("/checkout", changed)
        assert (later.status_code, later.headers["Location"]) == (303, first.headers["Location"])
    assert buyer.stock("cup") == 2


def test_second_cart_becomes_a_second_order(buyer: Person):
    first = buyer.post("/checkout", BUYER).headers["Location"]
    buyer.post("/cart/items", {"product_id": "beans", "quantity": "1"})
    second = buyer.post("/checkout", BUYER).headers["Location"]
    assert first != second
    assert buyer.stock("beans") == 97


@pytest.mark.parametrize(
    "form, invalid_fields",
    [
        ({"email": "", "name": "Ada"}, {"email"}),
        ({"email": "nobody", "name": "Ada"}, {"email"}),
        ({"email": "ada@example.com", "name": " "}, {"name"}),
        ({"email": "x" * 300, "name": "x" * 300}, {"email", "name"}),
        ({}, {"email", "name"}),
    ],
)
def test_validation_error_is_shown_beside_its_field(buyer: Person, form: dict[str, str], invalid_fields: set[str]):
    answer = buyer.post("/checkout", form_of(buyer.get("/checkout").text) | form)
    assert answer.status_code == 422
    assert {field for field in ("email", "name") if field_error(answer.text, field)} == invalid_fields
    for value in form.values():
        assert f'value="{value}"' in answer.text, "the typed input was lost"
    assert buyer.stock("beans") == 100
    assert form_of(answer.text), "the form can't be submitted again"


def test_products_with_too_little_stock_are_named(app: Flask, buyer: Person):
    form = form_of(buyer.get("/checkout").text) | BUYER
    change_product(app, "north", "beans", stock=1)
    change_product(app, "north", "cup", stock=0)
    answer = buyer.post("/checkout", form)
    assert answer.status_code == 409
    refusal = re.search(r'<div class="refusal" tabindex="-1" autofocus>.*?</div>', answer.text, re.DOTALL)[0]
    for words in ("Dawn Beans", "2 requested, 1 available", "Stone Cup", "none available"):
        assert words in refusal, words
    assert 'value="ada@example.com"' in answer.text
    assert buyer.stock("beans") == 1
    change_product(app, "north", "beans", stock=2)
    change_product(app, "north", "cup", stock=1)
    assert buyer.post("/checkout", form).status_code == 303


def test_changed_price_is_shown_before_it_is_charged(app: Flask, buyer: Person):
    form = form_of(buyer.get("/checkout").text) | BUYER
    change_product(app, "north", "beans", price=2000)
    answer = buyer.post("/checkout", form)
    assert answer.status_code == 409
    assert 'class="refusal" tabindex="-1" autofocus' in answer.text
    assert "€64.80" in answer.text
    fields = form_of(answer.text)
    assert fields["expected_total"] == "6480"
    assert buyer.post("/checkout", fields | BUYER).status_code == 303


@pytest.mark.parametrize(
    "change",
    [{"cup": "0", "beans": "2", "shared": "14"}, {"cup": "2", "beans": "1"}, {"honey": "1"}, {"beans": "1"}],
    ids=["other products for the same total", "other quantities", "more", "less"],
)
def test_cart_changed_in_another_tab_is_shown_before_it_is_ordered(buyer: Person, change: dict[str, str]):
    """A second tab changes the cart while the first shows its checkout; the total may be the same by chance."""
    form = form_of(buyer.get("/checkout").text) | BUYER
    for product_id, quantity in change.items():
        buyer.post(f"/cart/items/{product_id}", {"quantity": quantity})
    answer = buyer.post("/checkout", form)
    assert answer.status_code == 409
    refusal = re.search(r'<div class="refusal" tabindex="-1" autofocus>.*?</div>', answer.text, re.DOTALL)[0]
    assert "Your cart has changed" in refusal
    assert '<details class="order-fold" open>' in answer.text, "the order is hidden on a phone"
    assert 'value="ada@example.com"' in answer.text
    assert (buyer.stock("beans"), buyer.stock("cup")) == (100, 3)
    sent = buyer.post("/checkout", form_of(answer.text) | BUYER)
    assert sent.status_code == 303
    ordered = buyer.api("GET", f"/orders/{sent.location.rpartition('/')[2]}").json["items"]
    expected = {id: int(count) for id, count in ({"beans": "2", "cup": "1"} | change).items() if count != "0"}
    assert {line["product_id"]: line["quantity"] for line in ordered} == expected


def test_cart_changed_back_to_the_shown_lines_can_be_ordered(buyer: Person):
    form = form_of(buyer.get("/checkout").text) | BUYER
    buyer.post("/cart/items/beans", {"quantity": "0"})
    buyer.post("/cart/items", {"product_id": "beans", "quantity": "2"})
    assert buyer.post("/checkout", form).status_code == 303


def test_summary_partial_contains_the_id_of_its_cart(buyer: Person):
    """The partial shows a new cart if another tab has ordered the first and a suggestion is added."""
    first = form_of(buyer.get("/checkout").text)
    buyer.post("/checkout", first | BUYER)
    buyer.post("/cart/items", {"product_id": "honey"})
    region = buyer.region("/checkout", "aside#order_summary").text
    names = re.findall(r'name="(\w+)" value="([^"]*)" form="checkout_form"', region)
    assert dict(names)["cart_id"] not in ("", first["cart_id"])


TYPED = {"email": "ada@exa", "name": "Ada <b>"}


@pytest.mark.parametrize(
    ("button", "leads_to"),
    [
        ({"lang": "de"}, "/t/north/checkout"),
        ({"to": "cart"}, "/t/north/cart"),
        ({"to": "suggestions"}, "/t/north/checkout/upsell?page=1"),
        ({"to": "//evil.example"}, "/t/north/checkout"),
    ],
)
def test_typed_input_is_kept_until_the_next_visit_of_the_checkout(buyer: Person, button: dict[str, str], leads_to: str):
    """It is shown once, and is in no URL and on no other page."""
    answer = buyer.post("/checkout/draft", form_of(buyer.get("/checkout").text) | TYPED | button)
    assert (answer.status_code, answer.location) == (303, leads_to)
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    assert "ada@exa" not in buyer.get("/cart").text
    assert "ada@exa" not in buyer.region("/checkout", "aside#order_summary").text
    page = buyer.get("/checkout").text
    assert 'value="ada@exa"' in page
    assert 'value="Ada &lt;b&gt;"' in page
    assert page.startswith(f'<!doctype html>\n<html lang="{button.get("lang", "en")}"')
    assert 'value="ada@exa"' not in buyer.get("/checkout").text
    assert buyer.stock("beans") == 100


def test_emptied_form_deletes_the_kept_input(buyer: Person):
    buyer.post("/checkout/draft", TYPED | {"to": "cart"})
    buyer.post("/checkout/draft", {"email": "", "name": "", "to": "cart"})
    assert 'value="ada@exa"' not in buyer.get("/checkout").text
    buyer.post("/checkout/draft", {"email": "x" * 10_000, "name": "語" * 10_000})
    assert "x" * 254 in buyer.get("/checkout").text
    buyer.post("/checkout/draft", TYPED)
    assert buyer.post("/checkout", form_of(buyer.get("/checkout").text) | BUYER).status_code == 303
    buyer.post("/cart/items", {"product_id": "beans"})
    assert 'value="ada@exa"' not in buyer.get("/checkout").text


def test_invalid_total_is_refused(buyer: Person):
    form = form_of(buyer.get("/checkout").text) | BUYER
    for total in ("1.5", "-1", "x", "9" * 40, "٣"):
        answer = buyer.post("/checkout", form | {"expected_total": total})
        assert answer.status_code == 422, total
    assert buyer.post("/checkout", form).status_code == 303


def test_checkout_without_a_cart_redirects_or_is_a_404(shopper: Person):
    answer = shopper.get("/checkout")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/t/north/cart")
    assert shopper.post("/checkout", BUYER).status_code == 404
    for cart_id in ("nosuch", "a\0b", "x" * 5000):
        assert shopper.post("/checkout", BUYER | {"cart_id": cart_id}).status_code == 404
        assert shopper.post("/checkout", {"cart_id": cart_id}).status_code == 404


def test_emptied_cart_is_refused(buyer: Person):
    form = form_of(buyer.get("/checkout").text) | BUYER
    for product_id in ("beans", "cup"):
        buyer.post(f"/cart/items/{product_id}", {"quantity": "0"})
    assert buyer.post("/checkout", form).status_code == 409


def test_suggestions_have_forms_that_add_them(buyer: Person):
    page = buyer.get("/checkout/upsell?page=1").text
    forms = [form for form in re.findall(r"<form.*?</form>", page, re.DOTALL) if 'name="upsell"' in form]
    assert 1 <= len(forms) <= 3
    for form in forms:
        assert 'method="post" action="/t/north/cart/items"' in form
        fields = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', form))
        assert fields["product_id"] not in ("beans", "cup", "filter")
    sent = buyer.post("/cart/items", fields)
    assert sent.status_code == 303
    assert sent.headers["Location"].startswith("/t/north/checkout")
    order = buyer.post("/checkout", BUYER).headers["Location"].rpartition("/")[2]
    lines = {line["product_id"]: line["from_upsell"] for line in buyer.api("GET", f"/orders/{order}").json["items"]}
    assert lines == {"beans": False, "cup": False, fields["product_id"]: True}


def test_order_page_is_excluded_from_search_engines_and_shared_caches(buyer: Person):
    page = buyer.client.get(buyer.post("/checkout", BUYER).headers["Location"])
    assert 'name="robots" content="noindex"' in page.text
    assert page.headers["Cache-Control"] == "no-cache, private"
