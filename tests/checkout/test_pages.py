"""Checkout in a browser without JavaScript, from the review to the confirmation."""

import re

import pytest
from flask import Flask

from tests.conftest import Person
from tests.factories import change_product

BUYER = {"email": "ada@example.com", "name": "Ada <b>"}


@pytest.fixture
def buyer(shopper: Person) -> Person:
    """Has two bags of beans and a cup in the cart."""
    shopper.post("/cart/items", {"product_id": "beans", "quantity": "2"})
    shopper.post("/cart/items", {"product_id": "cup", "quantity": "1"})
    return shopper


def form_of(page: str) -> dict[str, str]:
    """The hidden fields that the checkout form sends."""
    assert '<form id="checkout_form" method="post" action="/t/north/checkout"' in page
    found = {}
    for field in re.findall(r'<input[^>]*type="hidden"[^>]*>', page):
        name, value = re.search(r'name="([^"]+)"', field)[1], re.search(r'value="([^"]*)"', field)[1]
        if 'form="checkout_form"' in field or name == "cart_id":
            found[name] = value
    return found


def error_beside(page: str, field: str) -> str:
    """What the page says beside this field; empty when it has nothing to say."""
    box = re.search(rf'<input id="{field}"[^>]*>', page)[0]
    error = re.search(rf'<p[^>]*id="{field}_error"[^>]*>(.*?)</p>', page, re.DOTALL)
    assert (error is not None) == ('aria-invalid="true"' in box) == (f'aria-describedby="{field}_error"' in box)
    return error[1] if error else ""


def test_the_form_carries_its_cart_and_what_it_showed(buyer: Person):
    page = buyer.get("/checkout").text
    fields = form_of(page)
    assert set(fields) == {"cart_id", "shown_lines", "expected_total"}
    assert fields["expected_total"] == "6120"
    assert "€61.20" in page


def test_a_checkout_leads_to_its_confirmation(buyer: Person):
    sent = buyer.post("/checkout", form_of(buyer.get("/checkout").text) | BUYER)
    assert sent.status_code == 303
    assert re.fullmatch(r"/t/north/orders/[A-Za-z0-9_-]{20,}", sent.headers["Location"])
    page = buyer.client.get(sent.headers["Location"])
    assert page.status_code == 200
    for words in ("Dawn Beans", "Stone Cup", "€61.20", "ada@example.com", "Ada &lt;b&gt;", "Placed"):
        assert words in page.text, words
    assert (buyer.stock("beans"), buyer.stock("cup")) == (98, 2)


def test_the_confirmation_is_for_who_holds_the_link(app: Flask, buyer: Person):
    location = buyer.post("/checkout", BUYER).headers["Location"]
    order_id = location.rpartition("/")[2]
    number = buyer.api("GET", f"/orders/{order_id}").json["number"]
    friend = Person(app.test_client(), "north")
    page = friend.client.get(location)
    assert page.status_code == 200
    assert number in page.text
    assert friend.get(f"/orders/{number}").status_code == 404
    assert friend.client.get(location.replace("north", "south")).status_code == 404


def test_sending_the_form_twice_leads_to_the_same_confirmation(app: Flask, buyer: Person):
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


def test_a_second_cart_is_a_second_order(buyer: Person):
    first = buyer.post("/checkout", BUYER).headers["Location"]
    buyer.post("/cart/items", {"product_id": "beans", "quantity": "1"})
    second = buyer.post("/checkout", BUYER).headers["Location"]
    assert first != second
    assert buyer.stock("beans") == 97


@pytest.mark.parametrize(
    "form, faulty",
    [
        ({"email": "", "name": "Ada"}, {"email"}),
        ({"email": "nobody", "name": "Ada"}, {"email"}),
        ({"email": "ada@example.com", "name": " "}, {"name"}),
        ({"email": "x" * 300, "name": "x" * 300}, {"email", "name"}),
        ({}, {"email", "name"}),
    ],
)
def test_a_fault_is_said_beside_its_field(buyer: Person, form: dict[str, str], faulty: set[str]):
    answer = buyer.post("/checkout", form_of(buyer.get("/checkout").text) | form)
    assert answer.status_code == 422
    assert {field for field in ("email", "name") if error_beside(answer.text, field)} == faulty
    for value in form.values():
        assert f'value="{value}"' in answer.text, "what was typed is still there"
    assert buyer.stock("beans") == 100
    assert form_of(answer.text), "the form can be sent again"


def test_what_is_short_is_named(app: Flask, buyer: Person):
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


def test_a_changed_price_is_shown_before_it_is_charged(app: Flask, buyer: Person):
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
def test_an_order_holds_exactly_the_lines_that_its_page_showed(buyer: Person, change: dict[str, str]):
    """A second tab changes the cart while the first shows its checkout; the total may be the same by chance."""
    form = form_of(buyer.get("/checkout").text) | BUYER
    for product_id, quantity in change.items():
        buyer.post(f"/cart/items/{product_id}", {"quantity": quantity})
    answer = buyer.post("/checkout", form)
    assert answer.status_code == 409
    refusal = re.search(r'<div class="refusal" tabindex="-1" autofocus>.*?</div>', answer.text, re.DOTALL)[0]
    assert "Your cart has changed" in refusal
    assert '<details class="order-fold" open>' in answer.text, "the order is in sight on a phone, too"
    assert 'value="ada@example.com"' in answer.text
    assert (buyer.stock("beans"), buyer.stock("cup")) == (100, 3)
    sent = buyer.post("/checkout", form_of(answer.text) | BUYER)
    assert sent.status_code == 303
    ordered = buyer.api("GET", f"/orders/{sent.location.rpartition('/')[2]}").json["items"]
    wanted = {id: int(many) for id, many in ({"beans": "2", "cup": "1"} | change).items() if many != "0"}
    assert {line["product_id"]: line["quantity"] for line in ordered} == wanted


def test_lines_that_became_the_same_again_are_the_same(buyer: Person):
    form = form_of(buyer.get("/checkout").text) | BUYER
    buyer.post("/cart/items/beans", {"quantity": "0"})
    buyer.post("/cart/items", {"product_id": "beans", "quantity": "2"})
    assert buyer.post("/checkout", form).status_code == 303


def test_the_summary_names_the_cart_that_it_shows(buyer: Person):
    """Its region may come to show a new cart, when another tab has ordered the first and a suggestion is added."""
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
def test_what_was_typed_is_kept_until_the_checkout_is_seen_again(buyer: Person, button: dict[str, str], leads_to: str):
    """Once, and nowhere but between the shopper and the shop: in no address and on no other page."""
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


def test_an_emptied_form_takes_what_was_kept_away(buyer: Person):
    buyer.post("/checkout/draft", TYPED | {"to": "cart"})
    buyer.post("/checkout/draft", {"email": "", "name": "", "to": "cart"})
    assert 'value="ada@exa"' not in buyer.get("/checkout").text
    buyer.post("/checkout/draft", {"email": "x" * 10_000, "name": "語" * 10_000})
    assert "x" * 254 in buyer.get("/checkout").text
    buyer.post("/checkout/draft", TYPED)
    assert buyer.post("/checkout", form_of(buyer.get("/checkout").text) | BUYER).status_code == 303
    buyer.post("/cart/items", {"product_id": "beans"})
    assert 'value="ada@exa"' not in buyer.get("/checkout").text


def test_a_total_that_no_page_sends_is_refused(buyer: Person):
    form = form_of(buyer.get("/checkout").text) | BUYER
    for total in ("1.5", "-1", "x", "9" * 40, "٣"):
        answer = buyer.post("/checkout", form | {"expected_total": total})
        assert answer.status_code == 422, total
    assert buyer.post("/checkout", form).status_code == 303


def test_without_a_cart_there_is_nothing_to_order(shopper: Person):
    answer = shopper.get("/checkout")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/t/north/cart")
    assert shopper.post("/checkout", BUYER).status_code == 404
    for cart_id in ("nosuch", "a\0b", "x" * 5000):
        assert shopper.post("/checkout", BUYER | {"cart_id": cart_id}).status_code == 404
        assert shopper.post("/checkout", {"cart_id": cart_id}).status_code == 404


def test_an_emptied_cart_is_a_refusal_not_an_order(buyer: Person):
    form = form_of(buyer.get("/checkout").text) | BUYER
    for product_id in ("beans", "cup"):
        buyer.post(f"/cart/items/{product_id}", {"quantity": "0"})
    assert buyer.post("/checkout", form).status_code == 409


def test_suggestions_are_forms_of_their_own(buyer: Person):
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


def test_an_orders_page_is_for_no_search_engine_and_no_shared_cache(buyer: Person):
    page = buyer.client.get(buyer.post("/checkout", BUYER).headers["Location"])
    assert 'name="robots" content="noindex"' in page.text
    assert "private" in page.headers["Cache-Control"] or "no-store" in page.headers["Cache-Control"]
