"""Autocomplete and spelling correction (did you mean)."""

import re
from html import unescape

import pytest
from flask import Flask

from storefront.catalog.spelling import Vocabulary
from tests.catalog.test_pages import shown, status
from tests.conftest import Person
from tests.factories import import_tenants, product, tenant
from tests.orders.test_statements import recorded_statements
from tests.tenants.clients import prefix, subdomain

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
WORDS = Vocabulary([["espresso espresso cup stoneware", "cap beans enamel pot 250g"]])
CORRECTIONS = {
    "espreso": "espresso", "expresso": "espresso", "epsresso": "espresso", "stonwear": "stoneware", "benas": "beans",
    "enamle pot": "enamel pot", "pot enamle": "pot enamel", "cip": "cup",
}  # fmt: skip
UNCORRECTED = ("espresso", "esp", "xyzzy", "teapot", "po", "251g", "beans cup", "b", "250g", "")


def options(page: str) -> list[tuple[str, str]]:
    """Return URL and text of each option."""
    found = re.findall(r'<a id="\w+" role="option"[^>]*href="([^"]+)">(.*?)</a>', page, re.DOTALL)
    return [(unescape(href), " ".join(re.sub(r"<[^>]+>", " ", text).split())) for href, text in found]


@pytest.mark.parametrize(("typed", "correction"), CORRECTIONS.items())
def test_typos_are_corrected(typed: str, correction: str):
    assert WORDS.correct_query(typed.split()) == correction


@pytest.mark.parametrize("typed", UNCORRECTED)
def test_known_words_and_words_without_neighbours_are_not_corrected(typed: str):
    assert WORDS.correct_query(typed.split()) is None


def test_vocabulary_keeps_only_the_most_frequent_words():
    texts = [
        [f"often{letter} " * 50 for letter in "abcde"],
        *([f"w{chr(97 + i % 26) * (3 + i // 26)}"] for i in range(500)),
    ]
    kept = Vocabulary(texts, max_words=10)
    assert len(kept.words) == 10
    assert {f"often{letter}" for letter in "abcde"} <= set(kept.words)


def test_misspelt_search_shows_corrected_results_with_a_message(shopper: Person):
    page = shopper.get("/?q=espreso").text
    assert shown(page) == shown(shopper.get("/?q=espresso").text) != []
    assert "No results for “espreso”. Showing results for “espresso” instead." in page
    assert "Search for “espreso” anyway</a>" in page
    assert status(page).startswith("3 products")
    assert 'name="q" value="espreso"' in page, "the field has lost the typed query"
    exact = shopper.client.get(unescape(re.search(r'id="insist"[^>]*href="([^"]+)"', page)[1])).text
    assert shown(exact) == []
    assert "No results for “espreso”" in exact


def test_search_with_results_is_not_corrected(shopper: Person):
    for q in ("espresso", "esp", "zzzz", "cup beans"):
        assert "Showing results for" not in shopper.get("/", query_string={"q": q}).text, q
    assert shopper.api("GET", "/products?q=espreso").json["items"] == [], "the API corrects queries"


def test_vocabulary_is_of_this_shop_and_current(app: Flask, shopper: Person, stranger: Person):
    english = {"Accept-Language": "en"}
    assert "Showing results for" not in stranger.get("/?q=espreso", headers=english).text
    assert "Showing results for “fountain”" in stranger.get("/?q=fuontain", headers=english).text
    assert "Showing results for" not in shopper.get("/?q=fuontain").text
    import_tenants(app, tenant("north", product("spring", name="Fountain Spring")))
    assert shown(shopper.get("/?q=fuontain").text) == ["spring"]


@on_sqlite
def test_filters_apply_to_corrected_results(shopper: Person):
    assert shown(shopper.get("/?q=espreso&max_price=20").text) == ["beans", "cup"]
    page = shopper.get("/?q=espreso&max_price=0").text
    assert shown(page) == []


# --- suggestions ------------------------------------------------------------------------------------------------------


def test_autocomplete_offers_products_and_categories_of_this_shop(app: Flask):
    for client in (subdomain(app.test_client()), prefix(app.test_client())):
        assert options(client.get("/suggest?q=co").text) == [
            (f"{client.root}/?category=Coffee", "Coffee 1 product"),
            (f"{client.root}/products/filter", "F Filters &amp; Co &lt;b&gt; Sold out"),
            (f"{client.root}/products/beans", "D Dawn Beans €18.50"),
        ]
        assert options(client.get("/suggest?q=pen").text) == []


def test_autocomplete_is_limited_and_corrects_typos(app: Flask, shopper: Person):
    import_tenants(app, tenant("wide", *(product(f"p{i}", name=f"Teapot {i}", category=f"Tea {i}") for i in range(20))))
    wide = Person(app.test_client(), "wide")
    found = options(wide.get("/suggest?q=tea").text)
    assert len([href for href, _ in found if "category" in href]) == 3
    assert len(found) == 9
    assert [href for href, _ in options(shopper.get("/suggest?q=honye").text)] == ["/t/north/products/honey"]


@on_sqlite
def test_autocomplete_returns_a_fragment_for_any_input(shopper: Person):
    for q in ("", " ", "!!!", "%", "<script>alert(1)</script>", "x" * 5000, "\0", "茶", '"', "🐝"):
        for answer in (
            shopper.get("/suggest", query_string={"q": q}),
            shopper.region("/suggest", "div#suggest_list", query_string={"q": q}),
        ):
            assert (answer.status_code, answer.mimetype) == (200, "text/html"), q
            assert options(answer.text) == []
            assert "<html" not in answer.text
            assert "<script" not in answer.text


@on_sqlite
def test_autocomplete_takes_one_query(app: Flask, shopper: Person):
    shopper.get("/suggest?q=esp")
    with recorded_statements(app) as statements:
        assert len(options(shopper.get("/suggest?q=espr").text)) == 3
    assert len(statements) == 1


@on_sqlite
def test_autocomplete_options_have_unique_ids(shopper: Person):
    ids = re.findall(r'id="(\w+)"', shopper.get("/suggest?q=co").text)
    assert len(ids) == len(set(ids)) == 3
