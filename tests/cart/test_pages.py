"""The cart in a browser without JavaScript: forms, then 303 redirects."""

import re

import pytest
from flask import Flask

from tests.conftest import Person


def follow(person: Person, path: str, **form: str) -> str:
    """Send a form, follow its 303, and give the page that comes."""
    sent = person.post(path, form)
    assert sent.status_code == 303, sent.text
    page = person.client.get(sent.headers["Location"])
    assert page.status_code == 200
    return page.text


def lines_of(page: str) -> dict[str, int]:
    """Product ids and quantities in the page of a cart."""
    found = {}
    for block in page.split('<li class="cart-line"')[1:]:
        product = re.search(r'data-product="([^"]+)"', block)[1]
        found[product] = int(re.search(r'name="quantity"[^>]*value="(\d+)"', block)[1])
    return found


def test_a_visitor_has_an_empty_cart_and_no_cookie(shopper: Person):
    for path in ("/", "/cart", "/products/beans"):
        page = shopper.get(path)
        assert page.status_code == 200
        assert "Set-Cookie" not in page.headers, f"{path} sets a cookie before there is anything to remember"
    assert lines_of(shopper.get("/cart").text) == {}


def test_what_is_added_is_in_the_cart(shopper: Person):
    page = follow(shopper, "/cart/items", product_id="beans", quantity="2")
    assert lines_of(page) == {"beans": 2}
    assert "€37.00" in page
    assert "€44.40" in page
    assert lines_of(follow(shopper, "/cart/items", product_id="cup")) == {"beans": 2, "cup": 1}
    assert lines_of(follow(shopper, "/cart/items", product_id="beans", quantity="3")) == {"beans": 5, "cup": 1}


def test_the_form_on_the_products_page_adds_it(shopper: Person):
    page = shopper.get("/products/beans").text
    form = next(f for f in re.findall(r"<form.*?</form>", page, re.DOTALL) if 'value="beans"' in f)
    assert 'method="post"' in form
    assert 'action="/t/north/cart/items"' in form
    fields = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', form))
    assert lines_of(follow(shopper, "/cart/items", **fields)) == {"beans": 1}
    assert 'class="buy-form"' in page
    assert 'class="buy-form"' not in shopper.get("/products/filter").text, "nobody can buy what is sold out"


def test_a_quantity_is_set_and_zero_removes(shopper: Person):
    follow(shopper, "/cart/items", product_id="beans", quantity="2")
    follow(shopper, "/cart/items", product_id="cup")
    assert lines_of(follow(shopper, "/cart/items/beans", quantity="7")) == {"beans": 7, "cup": 1}
    assert lines_of(follow(shopper, "/cart/items/beans", quantity="0")) == {"cup": 1}
    assert lines_of(follow(shopper, "/cart/items/beans", quantity="0")) == {"cup": 1}
    assert lines_of(follow(shopper, "/cart/items/beans", quantity="3"))["beans"] == 3


def test_what_was_added_is_said_once(shopper: Person):
    assert "Added Dawn Beans" in follow(shopper, "/cart/items", product_id="beans")
    assert "Added Dawn Beans" not in shopper.get("/cart").text


def test_the_badge_counts_pieces(shopper: Person):
    follow(shopper, "/cart/items", product_id="beans", quantity="2")
    follow(shopper, "/cart/items", product_id="cup")
    badge = re.search(r'id="cart_badge".*?</a>', shopper.get("/").text, re.DOTALL)[0]
    assert re.search(r"<b[^>]*>\s*3", badge)
    assert "Cart, 3 items" in badge


@pytest.mark.parametrize("quantity", ["-1", "1000", "1.5", "", "two", "1e3", "٣", "0x10", "9" * 50, " "])
def test_what_is_no_quantity_is_refused(shopper: Person, quantity: str):
    follow(shopper, "/cart/items", product_id="beans", quantity="2")
    for path, form, words in (
        ("/cart/items", {"product_id": "beans", "quantity": quantity}, "1 to 999"),
        ("/cart/items/beans", {"quantity": quantity}, "0 to 999"),
    ):
        answer = shopper.post(path, form)
        assert answer.status_code == 422
        assert words in answer.text
    assert shopper.post("/cart/items", {"product_id": "beans", "quantity": "0"}).status_code == 422
    assert lines_of(shopper.get("/cart").text) == {"beans": 2}


def test_adding_over_999_is_refused(shopper: Person):
    follow(shopper, "/cart/items", product_id="beans", quantity="999")
    assert shopper.post("/cart/items", {"product_id": "beans", "quantity": "1"}).status_code == 422
    assert lines_of(shopper.get("/cart").text) == {"beans": 999}


def test_what_is_not_sold_here_cannot_be_added(shopper: Person):
    for product_id in ("nosuch", "pen", "", "a\0b", "x" * 1000):
        assert shopper.post("/cart/items", {"product_id": product_id, "quantity": "1"}).status_code == 404
    assert shopper.post("/cart/items", {}).status_code == 404
    assert shopper.post("/cart/items/beans", {"quantity": "1"}).status_code == 404, "there is no cart yet"
    follow(shopper, "/cart/items", product_id="beans")
    assert shopper.post("/cart/items/pen", {"quantity": "1"}).status_code == 404


def test_a_promo_code_is_applied_and_taken_off(shopper: Person):
    follow(shopper, "/cart/items", product_id="beans", quantity="2")
    page = follow(shopper, "/cart/promo", code="summer10")
    assert "SUMMER10" in page
    assert "€39.96" in page
    page = follow(shopper, "/cart/promo", code="")
    assert "€39.96" not in page
    assert "€44.40" in page


@pytest.mark.parametrize(
    "code, said", [("NOSUCH", "promo code isn"), ("bygone", "expired"), ("<b>x</b>", "promo code isn")]
)
def test_a_code_that_cannot_be_used_is_said_beside_its_field(shopper: Person, code: str, said: str):
    follow(shopper, "/cart/items", product_id="beans", quantity="2")
    answer = shopper.post("/cart/promo", {"code": code})
    assert answer.status_code == 422
    error = re.search(r'<p[^>]*id="code_error"[^>]*>(.*?)</p>', answer.text, re.DOTALL)
    assert error
    assert said in error[1]
    field = re.search(r'<input id="code"[^>]*>', answer.text)[0]
    assert 'aria-invalid="true"' in field
    assert 'aria-describedby="code_error"' in field
    assert "<b>x</b>" not in answer.text
    assert lines_of(answer.text) == {"beans": 2}
    assert "code_error" not in shopper.get("/cart").text


def test_the_page_says_how_many_are_left(shopper: Person):
    page = follow(shopper, "/cart/items", product_id="cup", quantity="5")
    assert "Only 3 left" in page
    assert "Only" not in follow(shopper, "/cart/items/cup", quantity="3")
    assert "Sold out" in follow(shopper, "/cart/items", product_id="filter", quantity="1")


def test_after_an_order_a_new_cart_begins(shopper: Person):
    follow(shopper, "/cart/items", product_id="beans", quantity="2")
    old = shopper.client.get_cookie("shop", path="/t/north/").value
    assert shopper.post("/checkout", {"email": "ada@example.com", "name": "Ada"}).status_code == 303
    assert lines_of(shopper.get("/cart").text) == {}
    shopper.client.set_cookie("shop", old, path="/t/north/")  # an older tab
    assert lines_of(shopper.get("/cart").text) == {}
    assert lines_of(follow(shopper, "/cart/items", product_id="cup")) == {"cup": 1}
    assert shopper.stock("beans") == 98


def test_changing_a_cart_that_was_ordered_is_refused(shopper: Person):
    follow(shopper, "/cart/items", product_id="beans", quantity="2")
    old = shopper.client.get_cookie("shop", path="/t/north/").value
    shopper.post("/checkout", {"email": "ada@example.com", "name": "Ada"})
    shopper.client.set_cookie("shop", old, path="/t/north/")
    assert shopper.post("/cart/items/beans", {"quantity": "5"}).status_code == 409
    assert shopper.post("/cart/promo", {"code": "SUMMER10"}).status_code == 409
    assert shopper.stock("beans") == 98


def test_each_browser_has_a_cart_of_its_own(app: Flask, shopper: Person):
    follow(shopper, "/cart/items", product_id="beans", quantity="2")
    assert lines_of(Person(app.test_client(), "north").get("/cart").text) == {}


def test_a_forged_cookie_is_no_cookie(shopper: Person):
    follow(shopper, "/cart/items", product_id="beans", quantity="2")
    cookie = shopper.client.get_cookie("shop", path="/t/north/").value
    for forged in (cookie[:-2], cookie + "x", "x", "..", cookie.split(".")[0], "é"):
        shopper.client.set_cookie("shop", forged, path="/t/north/")
        assert shopper.get("/cart").status_code == 200
        assert lines_of(shopper.get("/cart").text) == {}


def test_a_form_from_another_site_is_refused(shopper: Person):
    form = {"product_id": "beans", "quantity": "1"}
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ):
        assert shopper.post("/cart/items", form, headers=headers).status_code == 403, headers
    for headers in ({"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {"Origin": "http://localhost"}):
        assert shopper.post("/cart/items", form, headers=headers).status_code == 303, headers
