"""Choosing a variant on the product's page without JavaScript, and what htmx gets of it."""

import re

import pytest
from flask import Flask

from tests.catalog.variants import open_wear

PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "article#chosen_product"}
IN_PANEL = {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "section#cart_lines"}


def shown(page: str) -> tuple[str, str]:
    """The price and the stock that the page shows."""
    price = re.findall(r'class="product-price price">([^<]*)<', page)[0]
    stock = re.findall(r'<p class="stock-state[^>]*>(.*?)</p>', page, re.DOTALL)[0]
    return price, re.sub(r"<span.*?</span>", "", stock).strip()


def radio(page: str, value: str) -> str:
    """The label of a value, without its white space."""
    (label,) = (one for one in re.findall(r"<label class=\"option-value.*?</label>", page, re.DOTALL) if value in one)
    return " ".join(label.split())


def test_each_option_is_a_group_of_radio_buttons(app: Flask):
    page = open_wear(app).get("/products/tee").text
    assert re.findall(r"<legend>(.*?)</legend>", page) == ["Colour", "Size"]
    assert re.findall(r'name="(option\d)" value="(\w+)"', page) == [
        ("option1", "Red"),
        ("option1", "Blue"),
        ("option2", "S"),
        ("option2", "M"),
    ]
    assert " checked" not in page
    assert shown(page) == ("From €20.00", "Please choose: Colour, Size")


def test_the_form_leads_to_the_variants_url(app: Flask):
    shopper = open_wear(app)
    sent = {"product_id": "tee", "option1": "Blue", "option2": "S", "quantity": "1"}
    answer = shopper.get("/products/tee", query_string=sent)
    assert answer.status_code == 303
    assert answer.location.endswith("/products/tee?variant=tee-blue-s")
    page = shopper.get("/products/tee?variant=tee-blue-s").text
    assert re.findall(r'value="(\w+)" required checked', page) == ["Blue", "S"]
    assert shown(page) == ("€22.00", "Only 5 left")


def test_a_part_of_a_choice_has_a_url_of_its_own(app: Flask):
    shopper = open_wear(app)
    answer = shopper.get("/products/tee?product_id=tee&option1=Blue&quantity=1")
    assert answer.location.endswith("/products/tee?option1=Blue")
    page = shopper.get("/products/tee?option1=Blue").text
    assert shown(page) == ("€22.00", "Please choose: Size")
    assert "<s>M</s>" in radio(page, 'value="M"')
    assert "Not available" in radio(page, 'value="M"')


def test_what_is_sold_out_says_so_and_cannot_be_added(app: Flask):
    shopper = open_wear(app)
    page = shopper.get("/products/tee?variant=tee-red-m").text
    assert shown(page) == ("€20.00", "Sold out")
    assert "is-sold-out" in radio(page, 'value="M"')
    assert "<small>Sold out</small>" in radio(page, 'value="M"')
    assert re.search(r'id="add_tee" disabled', page)
    for form in ({"option1": "Red", "option2": "M"}, {"variant_id": "tee-red-m"}):
        answer = shopper.post("/cart/items", {"product_id": "tee", **form})
        assert answer.status_code == 303
        assert "/products/tee" in answer.location
    assert "Tee (Red / M) is sold out." in shopper.get("/products/tee").text
    assert "Your cart is empty" in shopper.get("/cart").text


def test_a_combination_that_is_not_sold_says_so_and_cannot_be_added(app: Flask):
    shopper = open_wear(app)
    page = shopper.get("/products/tee?option1=Blue&option2=M").text
    assert shown(page) == ("From €20.00", "Not available in this combination")
    assert re.search(r'id="add_tee" disabled', page)
    answer = shopper.post("/cart/items", {"product_id": "tee", "option1": "Blue", "option2": "M"})
    assert answer.location.endswith("/products/tee?option1=Blue&option2=M")
    assert "isn&#39;t available in this combination." in shopper.get("/products/tee").text


def test_the_form_adds_what_its_radio_buttons_say(app: Flask):
    """Also if they were changed after the page came."""
    shopper = open_wear(app)
    sent = {"product_id": "tee", "variant_id": "tee-red-s", "option1": "Blue", "option2": "S", "quantity": "2"}
    assert shopper.post("/cart/items", sent).location.endswith("/cart")
    cart = shopper.get("/cart").text
    assert "Blue / S" in cart
    assert "/products/tee?variant=tee-blue-s" in cart
    assert "€22.00 each" in cart


def test_a_missing_choice_leads_back_to_it(app: Flask):
    shopper = open_wear(app)
    answer = shopper.post("/cart/items", {"product_id": "tee", "option1": "Blue", "quantity": "1"})
    assert answer.location.endswith("/products/tee?option1=Blue")
    assert "Choose one of the options of Tee first." in shopper.get("/products/tee").text


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"option1": "Blue"}, "Choose one of the options of Tee first."),
        ({"option1": "Red", "option2": "M"}, "Tee (Red / M) is sold out."),
        ({"option1": "Blue", "option2": "M"}, "in this combination."),
    ],
)
def test_htmx_shows_a_refused_choice_above_the_page(app: Flask, form: dict[str, str], words: str):
    answer = open_wear(app).post("/cart/items", {"product_id": "tee", **form}, headers=IN_PANEL)
    assert answer.status_code == 422
    assert answer.headers["HX-Retarget"] == "#messages"
    assert words in answer.text


def test_htmx_gets_the_chosen_product_alone_with_its_url(app: Flask):
    answer = open_wear(app).get("/products/tee?option1=Blue&option2=S", headers=PARTIAL)
    assert answer.status_code == 200
    assert answer.headers["HX-Replace-Url"].endswith("/products/tee?variant=tee-blue-s")
    assert answer.text.startswith('<article id="chosen_product"')
    assert shown(answer.text) == ("€22.00", "Only 5 left")


def test_a_live_update_keeps_a_choice_that_is_not_in_the_url(app: Flask):
    headers = PARTIAL | {"HX-Target": "div#product"}
    answer = open_wear(app).get("/products/tee?option1=Blue&option2=S", headers=headers)
    assert answer.text.startswith('<div id="product"')
    assert shown(answer.text) == ("€22.00", "Only 5 left")
    assert "HX-Replace-Url" not in answer.headers


def test_names_and_values_are_in_the_shoppers_language(app: Flask):
    page = open_wear(app).get("/products/tee?option1=Blue", headers={"Accept-Language": "de"}).text
    assert re.findall(r"<legend[^>]*>(.*?)</legend>", page) == ["Farbe", "Größe"]
    assert "Blau" in radio(page, 'value="Blue"')
    assert "Bitte wählen: Größe" in page


def test_a_card_leads_to_the_choice(app: Flask):
    page = open_wear(app).get("/").text
    assert re.search(r'id="choose_tee" href="[^"]*/products/tee" aria-label="Choose options for Tee">Choose</a>', page)


def test_autocomplete_says_the_lowest_price(app: Flask):
    assert "From €20.00" in open_wear(app).get("/suggest?q=tee").text
