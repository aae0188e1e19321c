"""The words of the button that orders, and what stands above it."""

import re

import pytest
from flask import Flask

from storefront.i18n.negotiation import LANGUAGES
from storefront.legal.order_button import requires_order_wording
from tests.legal.test_pages import open_checkout, open_shop

WORDS = {
    "en": "Order with obligation to pay",
    "de": "Zahlungspflichtig bestellen",
    "fr": "Commander avec obligation de paiement",
    "uk": "Замовити із зобов’язанням оплати",
    "ja": "支払義務を承諾して注文する",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_button_has_the_words_of_the_law_and_no_others(app: Flask, language: str) -> None:
    shop = open_shop(app, country="DE")
    shop.client.set_cookie("lang", language, path="/t/west/")
    page = open_checkout(shop)
    buttons = re.findall(r'<button[^>]*form="checkout_form"[^>]*>(.*?)</button>', page)
    texts = [re.sub("<[^>]+>", "", button).strip() for button in buttons]
    assert texts.count(WORDS[language]) == 2, texts
    assert "€" not in WORDS[language]


def test_order_stands_open_and_directly_above_the_button(app: Flask) -> None:
    page = open_checkout(open_shop(app, country="AT"))
    summary = page.partition('<aside id="order_summary" class="panel order-summary order-summary-open"')[2]
    above, _button, _rest = summary.partition('<button class="primary-button wide"')
    assert '<details class="order-fold" open>' in above
    order = [above.index(words) for words in ("Mug", "Subtotal", "price-total", "place-bar")]
    assert order == sorted(order)
    below_the_total = above.partition("price-total")[2].partition("place-bar")[0]
    assert "<a" not in below_the_total
    assert "<button" not in below_the_total


@pytest.mark.parametrize("country", [None, "US"])
def test_other_shops_have_the_button_that_they_had(app: Flask, country: str | None) -> None:
    page = open_checkout(open_shop(app, country=country))
    assert "<span>Place order</span> <span>€10.00</span></button>" in page
    assert "order-summary-open" not in page


@pytest.mark.parametrize(
    ("country", "required"),
    [("DE", True), ("AT", True), ("IE", True), ("GB", True), ("NO", True), ("CH", False), ("US", False), (None, False)],
)
def test_country_of_the_shop_decides(country: str | None, required: bool) -> None:
    assert requires_order_wording(country) is required
