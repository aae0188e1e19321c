"""Legal pages: only those with a text, linked in the footer and beside the order button."""

from typing import Any

from flask import Flask

from storefront.legal.paragraphs import paragraphs
from storefront.tenants.registry import registry
from tests.conftest import Person
from tests.factories import import_tenants, product, tenant

TERMS = {"en": "Our terms.\n\nDelivery is free.\nReturns too. <b>", "de": "Unsere AGB."}
CONTACT = {"imprint": "West Ltd.\nGalway", "terms": TERMS, "privacy": "No tracking."}


def open_shop(app: Flask, **settings: Any) -> Person:
    import_tenants(app, tenant("west", product("mug", "10.00"), **{"locale": "en-IE", "contact": CONTACT, **settings}))
    return Person(app.test_client(), "west")


def open_checkout(shop: Person) -> str:
    shop.post("/cart/items", {"product_id": "mug", "quantity": "1"})
    page = shop.get("/checkout")
    assert page.status_code == 200
    return page.text


def test_page_shows_the_text_in_paragraphs(app: Flask) -> None:
    shop = open_shop(app)
    page = shop.get("/legal/terms").text
    assert '<h1 class="page-title">Terms and conditions</h1>' in page
    assert "<p>Our terms.</p>" in page
    assert "<p>Delivery is free.<br>Returns too. &lt;b&gt;</p>" in page, "never HTML of a merchant"


def test_text_is_in_the_readers_language_or_says_its_own(app: Flask) -> None:
    shop = open_shop(app)
    german = shop.get("/legal/terms", headers={"Accept-Language": "de"}).text
    assert "Unsere AGB." in german
    assert "Allgemeine Geschäftsbedingungen" in german
    assert '<div lang="en">' in shop.get("/legal/imprint", headers={"Accept-Language": "de"}).text


def test_page_without_a_text_is_not_there(app: Flask) -> None:
    shop = open_shop(app)
    for page in ("withdrawal", "nonsense"):
        assert shop.get(f"/legal/{page}").status_code == 404
    assert "/legal/withdrawal" not in shop.get("/").text


def test_every_page_links_to_the_texts(app: Flask) -> None:
    shop = open_shop(app)
    for path in ("/", "/products/mug", "/cart", "/legal/terms", "/nosuch"):
        footer = shop.get(path).text.partition('<footer class="site-footer">')[2]
        for page in ("imprint", "terms", "privacy"):
            assert f'href="/t/west/legal/{page}"' in footer, (path, page)


def test_order_button_says_what_is_agreed_to(app: Flask) -> None:
    bar = open_checkout(open_shop(app)).partition('<div class="place-bar">')[2].partition("</aside>")[0]
    agreement = bar.partition("<button")[0]
    assert "By placing your order you agree to our" in agreement
    assert 'href="/t/west/legal/terms" target="_blank"' in agreement
    assert 'href="/t/west/legal/privacy"' in agreement
    assert "imprint" not in agreement


def test_shop_without_texts_shows_nothing_new(shopper: Person) -> None:
    shopper.post("/cart/items", {"product_id": "beans", "quantity": "1"})
    for path in ("/", "/checkout"):
        page = shopper.get(path).text
        for words in ("/legal/", "legal-links", "you agree"):
            assert words not in page, (path, words)


def test_texts_are_read_by_their_pages_only(app: Flask) -> None:
    shop = open_shop(app)
    assert "Our terms." not in shop.get("/").text
    with app.app_context():
        assert "terms" not in registry().all()["west"].contact


def test_paragraphs_end_at_blank_lines() -> None:
    assert paragraphs("a\n b \n\n \n\nc\r\n\r\nd\n") == [["a", "b"], ["c"], ["d"]]
    assert paragraphs("") == []
