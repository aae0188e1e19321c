"""HTML pages of the product list and the product."""

import re

import pytest
from flask import Flask

from tests.conftest import Person
from tests.factories import product, put_up, tenant


def shown(page: str) -> list[str]:
    return re.findall(r'<li class="card[^"]*" data-product="([^"]+)"', page)


def status(page: str) -> str:
    """What the list says about itself, to who sees it and to who hears it."""
    said = re.search(r'id="products".*?<p data-say>(.*?)</p>', page, re.DOTALL)[1]
    return " ".join(re.sub("<[^>]+>", "", said).split())


@pytest.fixture
def reader(app: Flask) -> Person:
    put_up(app, tenant("shelf", *(product(f"p{i:02}", category="odd" if i % 2 else "even") for i in range(60))))
    return Person(app.test_client(), "shelf")


def test_everything_stands_on_the_shelves(shopper: Person):
    page = shopper.get("/").text
    assert shown(page) == ["beans", "pot", "cup", "filter", "honey", "shared"]
    assert status(page) == "6 products"
    assert "€18.50" in page
    assert "Filters &amp; Co &lt;b&gt;" in page
    assert "<b>" not in page.partition('id="products"')[2].partition("</main>")[0]


def test_what_is_low_or_gone_is_said(shopper: Person):
    page = shopper.get("/").text
    assert "Only 3 left" in page
    assert "Sold out" in page
    gone = page.partition('data-product="filter"')[2].partition("</li>")[0]
    assert "<form" not in gone
    assert "<form" in page.partition('data-product="cup"')[2].partition("</li>")[0]


def test_the_shelves_are_paged(reader: Person):
    pages = [reader.get("/", query_string={"page": n}).text for n in (1, 2, 3)]
    assert [id for page in pages for id in shown(page)] == [f"p{i:02}" for i in range(60)]
    assert ["page=2" in pages[0], "page=3" in pages[1], "page=4" in pages[2]] == [True, True, False]
    for page in pages:
        assert status(page).startswith("60 products")


def test_no_page_is_beyond_the_end_and_none_breaks(reader: Person):
    first = [f"p{i:02}" for i in range(24)]
    for n, expected in (
        *((n, []) for n in ("4", "999999")),
        *((n, first) for n in ("0", "-1", "x", "9" * 30, "1.5", "٣", "")),
    ):
        answer = reader.get("/", query_string={"page": n})
        assert (answer.status_code, shown(answer.text)) == (200, expected), n


def test_the_count_is_of_this_shop_and_this_wish_only(app: Flask, reader: Person):
    put_up(app, tenant("other", *(product(f"p{i:02}", category="odd") for i in range(70))))
    assert status(reader.get("/?category=odd").text).startswith("30 products")
    assert status(reader.get("/?category=odd&page=2").text).startswith("30 products")
    assert status(reader.get("/?q=p&page=2").text).startswith("60 products")
    assert status(reader.get("/?page=2").text).startswith("60 products")
    other = Person(app.test_client(), "other")
    assert status(other.get("/").text).startswith("70 products")
    assert status(reader.get("/").text).startswith("60 products")


def test_categories_lead_to_their_products_and_say_how_many(reader: Person):
    page = reader.get("/").text
    chips = re.findall(r'<a id="chip_\d+"[^>]*href="([^"]+)"[^>]*><span>(\w+)</span>\s*<span[^>]*>(\d+)', page)
    assert chips == [("/t/shelf/?category=even", "even", "30"), ("/t/shelf/?category=odd", "odd", "30")]
    assert shown(reader.client.get(chips[1][0]).text) == [f"p{i:02}" for i in range(1, 48, 2)]


def test_a_search_says_what_it_looked_for(shopper: Person):
    page = shopper.get("/?q=espresso").text
    assert shown(page) == ["beans", "pot", "cup"]
    assert "Results for “espresso”" in page
    nothing = shopper.get("/", query_string={"q": "<script>alert(1)</script>"}).text
    assert shown(nothing) == []
    assert "<script>alert" not in nothing
    assert "No results for “&lt;script&gt;" in nothing


def test_search_and_category_go_together(shopper: Person):
    assert shown(shopper.get("/?q=espresso&category=Brewers").text) == ["pot"]
    assert shown(shopper.get("/?category=Brewers").text) == ["pot", "filter"]


def test_a_products_page_tells_all_about_it(shopper: Person):
    page = shopper.get("/products/cup")
    assert page.status_code == 200
    for words in ("Stone Cup", "A cup of stoneware.", "€14.00", "Only 3 left", "Tableware"):
        assert words in page.text, words
    assert "Sold out" in shopper.get("/products/filter").text


def test_a_product_that_is_not_there_is_a_404_page(shopper: Person):
    for product_id in ("nosuch", "pen", "%00", "x" * 500):
        page = shopper.get(f"/products/{product_id}")
        assert (page.status_code, page.mimetype) == (404, "text/html")


def test_a_page_works_with_head(shopper: Person):
    for path in ("/", "/products/beans", "/cart"):
        assert shopper.client.head(shopper.root + path).status_code == 200


def test_what_a_catalogue_says_is_never_markup(app: Flask):
    mad = "\"><script>alert(1)</script>'&amp;{{7*7}}"
    put_up(app, tenant("mad", product("p", name=mad, description=mad, category=mad, tags=[mad[:60]]), name=mad))
    visitor = Person(app.test_client(), "mad")
    visitor.post("/cart/items", {"product_id": "p"})
    order = visitor.post("/cart/items", {"product_id": "p"}) and visitor.checkout(visitor.cart(p=1)).json["id"]
    for path in ("/", "/products/p", "/cart", "/checkout", "/checkout/upsell?page=1", f"/orders/{order}"):
        page = visitor.get(path).text
        assert "<script>alert" not in page, path
        assert ">49<" not in page
        assert "'&amp;49" not in page
    assert "<script>alert" not in app.test_client().get("/").text
