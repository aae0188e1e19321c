"""A shop with thousands of categories: pages stay small, and each category can be found."""

import re
from html import unescape

import pytest
from flask import Flask

from storefront.catalog.categories import MAX_CATEGORY_CHIPS
from storefront.catalog.pages import CATEGORIES_PER_PAGE
from storefront.seo.feeds import MAX_LLMS_CATEGORIES
from tests.conftest import Person
from tests.factories import import_tenants, product, tenant

CATEGORY_COUNT = 5000
MAX_PAGE_BYTES = 60_000
"""Uncompressed HTML; 5,000 chips are 660,000 bytes."""
PAGES = (
    "/",
    "/?page=2",
    "/?q=product",
    "/?q=nothing+at+all",
    "/?category=Shelf+4321",
    "/?category=nosuch",
    "/?category=Shelf+4321&min_price=99",
    "/categories",
    "/categories?page=50",
    "/categories?q=shelf",
    "/products/p4321",
    "/suggest?q=sh",
    "/suggest?q=zz",
    "/cart",
    "/llms.txt",
    "/nosuch",
)


@pytest.fixture
def reader(app: Flask) -> Person:
    products = [product(f"p{i}", category=f"Shelf {i}", name=f"Product {i}") for i in range(CATEGORY_COUNT)]
    labels = {"Shelf 4321": {"de": "Regal Übergröße"}}
    import_tenants(app, tenant("many", *products, locale="en-IE", labels=labels))
    return Person(app.test_client(), "many")


def chips(page: str) -> list[str]:
    """Return the categories of the chips above a list, from their URLs."""
    return [unescape(found) for found in re.findall(r'<a id="chip_\d+"[^>]*\?category=([^"&]+)', page)]


def listed(page: str) -> list[str]:
    return re.findall(r'<li><a href="/t/many/\?category=[^"]+"><span[^>]*>([^<]+)</span>', page)


def test_pages_stay_small_and_every_category_can_be_found(reader: Person):
    weights = {path: len(reader.get(path).data) for path in PAGES}
    assert {path: weight for path, weight in weights.items() if weight > MAX_PAGE_BYTES} == {}
    front = reader.get("/").text
    assert chips(front) == [f"Shelf+{i}" for i in range(MAX_CATEGORY_CHIPS)]
    assert 'href="/t/many/categories"><span>Browse 5,000 categories</span>' in front
    chosen = reader.get("/?category=Shelf+4321").text
    assert chips(chosen) == [*chips(front), "Shelf+4321"]
    assert re.search(r'aria-current="page" href="[^"]*Shelf\+4321"', chosen)
    walk(reader)
    search(reader)
    assert reader.get("/llms.txt").text.count("?category=") == MAX_LLMS_CATEGORIES
    assert "[All 5,000 categories](http://localhost/t/many/categories)" in reader.get("/llms.txt").text
    assert reader.get("/sitemap.xml").text.count("?category=") == CATEGORY_COUNT, "the sitemap lacks categories"


def walk(reader: Person) -> None:
    """Follow the links from page to page."""
    found, path = set(), "/categories"
    for _ in range(CATEGORY_COUNT // CATEGORIES_PER_PAGE):
        page = reader.get(path).text
        assert "5,000 categories" in page
        assert len(listed(page)) == CATEGORIES_PER_PAGE
        found |= set(listed(page))
        following = re.search(r'rel="next" href="/t/many([^"]+)"', page)
        path = unescape(following[1]) if following else ""
    assert (path, len(found)) == ("", CATEGORY_COUNT)
    assert listed(reader.get("/categories?page=51").text) == []


def search(reader: Person) -> None:
    """Search by prefixes of words, in the language of the page."""
    assert listed(reader.get("/categories?q=4321+sh").text) == ["Shelf 4321"]
    assert len(listed(reader.get("/categories?q=432").text)) == 11
    german = {"Accept-Language": "de"}
    assert listed(reader.get("/categories?q=ubergro", headers=german).text) == ["Regal Übergröße"]
    assert "No categories match “nosuch”" in reader.get("/categories?q=nosuch").text
    assert "No categories match “☕&lt;”" in reader.get("/categories", query_string={"q": "☕<"}).text
    assert "Regal Übergröße" in reader.get("/suggest?q=uberg", headers=german).text


def test_a_shop_with_few_categories_shows_all(shopper: Person):
    page = shopper.get("/").text
    assert len(re.findall(r'id="chip_\d+"', page)) == 4
    assert "chip_more" not in page
    assert 'content="noindex"' in shopper.get("/categories").text
