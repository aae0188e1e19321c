"""Filters and sort orders: equal results on both databases, and invalid filters are ignored with a message."""

import re
from html import unescape

import pytest
from flask import Flask

from storefront.catalog.filters import Filters, read_filters
from tests.catalog.test_pages import shown, status
from tests.conftest import Person
from tests.factories import import_tenants, product, tenant

PRODUCTS = [
    product("zinc", "10.00", name="Zinc Cup", category="Cups"),
    product("ash", "9.99", name="ash bowl", category="Bowls", stock=0),
    product("elm", "25.00", name="Élm Bowl", category="Bowls"),
    product("oak", "5.00", name="Oak Cup", category="Cups", description="Not zinc."),
    product("late", "9.99", name="Late Cup", category="Cups"),
]
ORDERS = {
    "": ["zinc", "ash", "elm", "oak", "late"],
    "price": ["oak", "ash", "late", "zinc", "elm"],
    "-price": ["elm", "zinc", "ash", "late", "oak"],
    "new": ["late", "oak", "elm", "ash", "zinc"],
    "name": ["ash", "elm", "late", "oak", "zinc"],
}
FILTERS = {
    "min_price=9.99": ["zinc", "ash", "elm", "late"],
    "max_price=9.99": ["ash", "oak", "late"],
    "min_price=9.99&max_price=10": ["zinc", "ash", "late"],
    "min_price=9,99&max_price=10,00": ["zinc", "ash", "late"],
    "min_price=0&max_price=0": [],
    "in_stock=1": ["zinc", "elm", "oak", "late"],
    "in_stock=0": ["zinc", "ash", "elm", "oak", "late"],
    "category=Bowls&in_stock=1": ["elm"],
    "category=Cups&max_price=9.99&sort=-price": ["late", "oak"],
    "q=zinc": ["zinc", "oak"],
    "q=zinc&sort=price": ["oak", "zinc"],
    "q=cup&category=Cups&min_price=6&in_stock=1&sort=name": ["late", "zinc"],
}
INVALID = {
    "min_price=abc": "isn't a valid price in EUR", "max_price=-1": "isn't a valid price in EUR",
    "min_price=1.234": "isn't a valid price in EUR", "min_price=9%209": "isn't a valid price in EUR",
    "max_price=%D9%A3": "isn't a valid price in EUR", "min_price=" + "9" * 40: "isn't a valid price in EUR",
    "min_price=1e3": "isn't a valid price in EUR", "min_price=%3Cb%3E": "“<b>” isn't a valid price",
    "min_price=20&max_price=10": "minimum price is higher than the maximum", "sort=prize": "sort order isn't available",
    "sort=price%00": "sort order isn't available", "in_stock=maybe": "only accepts the value 1",
}  # fmt: skip
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def reader(app: Flask) -> Person:
    import_tenants(app, tenant("shelf", *PRODUCTS))
    return Person(app.test_client(), "shelf")


def test_products_are_sorted_by_the_requested_order(reader: Person):
    for sort, expected in ORDERS.items():
        assert shown(reader.get("/", query_string={"sort": sort}).text) == expected, sort


def test_filters_combine_with_search_category_and_order(reader: Person):
    for query, expected in FILTERS.items():
        page = reader.get("/?" + query)
        assert (page.status_code, shown(page.text)) == (200, expected), query
        if expected:
            assert status(page.text).startswith(f"{len(expected)} product"), query


def test_invalid_filter_is_ignored_with_a_message(reader: Person):
    for query, message in INVALID.items():
        page = reader.get("/?" + query)
        assert (page.status_code, shown(page.text)) == (200, ORDERS[""]), query
        assert message in unescape(page.text), query
        assert "<b>" not in page.text.partition('id="products"')[2].partition("</main>")[0]
    partly_valid = reader.get("/?min_price=abc&max_price=9.99").text
    assert shown(partly_valid) == FILTERS["max_price=9.99"], "the valid filter was ignored too"


def test_price_filters_have_the_decimals_of_the_currency():
    assert read_filters({"min_price": "1800"}, "JPY").min_price == 1800
    assert read_filters({"min_price": "1.250"}, "KWD").min_price == 1250
    assert read_filters({"min_price": "12.5"}, "EUR").min_price == 1250
    for text, currency in (("18.50", "JPY"), ("1,800", "JPY"), ("1.2505", "KWD")):
        found = read_filters({"min_price": text}, currency)
        assert (found.min_price, len(found.ignored)) == (None, 1), text
    assert read_filters({"min_price": " ", "max_price": "", "sort": "", "in_stock": ""}, "EUR") == Filters()


@on_sqlite
def test_filters_are_kept_in_form_links_and_pages(app: Flask):
    import_tenants(app, tenant("wide", *(product(f"p{i:02}", f"{i}.00", category="c") for i in range(60))))
    visitor = Person(app.test_client(), "wide")
    page = visitor.get("/?q=p&min_price=3&in_stock=1&sort=-price").text
    assert shown(page) == [f"p{i}" for i in range(59, 35, -1)]
    assert status(page).startswith("57 products")
    for field in (
        'name="min_price"[^>]*value="3.00"',
        'value="-price" selected',
        'name="in_stock" value="1"[^>]*checked',
    ):
        assert re.search(field, page), field
    assert re.search(r'<input type="hidden" name="q" value="p">', page)
    following = unescape(re.search(r'id="page_next"[^>]*href="([^"]+)"', page)[1])
    assert shown(visitor.client.get(following).text) == [f"p{i}" for i in range(35, 11, -1)]
    chip = unescape(re.search(r'id="chip_1"[^>]*href="([^"]+)"', page)[1])
    assert shown(visitor.client.get(chip).text) == shown(page)
    cleared = unescape(re.search(r'id="no_filters"[^>]*href="([^"]+)"', page)[1])
    assert shown(visitor.client.get(cleared).text)[0] == "p00"


@on_sqlite
def test_no_match_is_shown_with_the_form_to_change_the_filters(reader: Person):
    page = reader.get("/?min_price=1000").text
    assert shown(page) == []
    assert "match these filters" in page
    assert 'id="min_price"' in page
    assert 'id="no_filters"' in page


@on_sqlite
def test_cached_page_is_of_the_same_filters(reader: Person):
    """Two pages that show the same products differ in their filter forms."""
    one, other = reader.get("/?max_price=100").text, reader.get("/?max_price=200").text
    assert shown(one) == shown(other)
    assert ('value="100.00"' in one, 'value="200.00"' in other) == (True, True)
    assert "a valid price" not in reader.get("/").text
    assert "a valid price" in reader.get("/?min_price=x").text


@on_sqlite
def test_partial_contains_the_filter_form(reader: Person):
    region = reader.region("/?sort=price", "div#products").text
    assert shown(region) == ORDERS["price"]
    assert 'id="sort"' in region
    assert "<html" not in region
