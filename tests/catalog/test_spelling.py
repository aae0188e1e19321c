"""Autocomplete and spelling correction (did you mean)."""

import re
from html import unescape

import pytest
from flask import Flask

from storefront.catalog.spelling import Vocabulary
from tests.catalog.test_pages import shown, status
from tests.conftest import Person
from tests.factories import product, put_up, tenant
from tests.orders.test_statements import counting
from tests.tenants.clients import prefix, subdomain

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
WORDS = Vocabulary([["espresso espresso cup stoneware", "cap beans enamel pot 250g"]])
MEANT = {
    "espreso": "espresso", "expresso": "espresso", "epsresso": "espresso", "stonwear": "stoneware", "benas": "beans",
    "enamle pot": "enamel pot", "pot enamle": "pot enamel", "cip": "cup",
}  # fmt: skip
LEFT = ("espresso", "esp", "xyzzy", "teapot", "po", "251g", "beans cup", "b", "250g", "")


def options(page: str) -> list[tuple[str, str]]:
    """Where each suggestion leads, and its words."""
    found = re.findall(r'<a id="\w+" role="option"[^>]*href="([^"]+)">(.*?)</a>', page, re.DOTALL)
    return [(unescape(href), " ".join(re.sub(r"<[^>]+>", " ", words).split())) for href, words in found]


@pytest.mark.parametrize(("typed", "meant"), MEANT.items())
def test_slips_are_forgiven(typed: str, meant: str):
    assert WORDS.correct_query(typed.split()) == meant


@pytest.mark.parametrize("typed", LEFT)
def test_words_that_are_known_or_like_nothing_are_left(typed: str):
    assert WORDS.correct_query(typed.split()) is None


def test_of_many_words_only_the_most_frequent_are_remembered(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("storefront.catalog.spelling.MAX_WORDS", 10)
    texts = [
        [f"often{letter} " * 50 for letter in "abcde"],
        *([f"w{chr(97 + i % 26) * (3 + i // 26)}"] for i in range(500)),
    ]
    kept = Vocabulary(texts)
    assert len(kept.words) == 10
    assert {f"often{letter}" for letter in "abcde"} <= set(kept.words)


def test_a_mistyped_search_shows_what_was_meant_and_says_so(shopper: Person):
    page = shopper.get("/?q=espreso").text
    assert shown(page) == shown(shopper.get("/?q=espresso").text) != []
    assert "No results for “espreso”. Showing results for “espresso” instead." in page
    assert "Search for “espreso” anyway</a>" in page
    assert status(page).startswith("3 products")
    assert 'name="q" value="espreso"' in page, "what was typed stays in the field"
    insisted = shopper.client.get(unescape(re.search(r'id="insist"[^>]*href="([^"]+)"', page)[1])).text
    assert shown(insisted) == []
    assert "No results for “espreso”" in insisted


def test_what_is_found_is_never_corrected(shopper: Person):
    for q in ("espresso", "esp", "zzzz", "cup beans"):
        assert "Showing results for" not in shopper.get("/", query_string={"q": q}).text, q
    assert shopper.api("GET", "/products?q=espreso").json["items"] == [], "programs get what they asked for"


def test_the_words_are_this_shops_and_of_this_day(app: Flask, shopper: Person, stranger: Person):
    english = {"Accept-Language": "en"}
    assert "Showing results for" not in stranger.get("/?q=espreso", headers=english).text
    assert "Showing results for “fountain”" in stranger.get("/?q=fuontain", headers=english).text
    assert "Showing results for" not in shopper.get("/?q=fuontain").text
    put_up(app, tenant("north", product("spring", name="Fountain Spring")))
    assert shown(shopper.get("/?q=fuontain").text) == ["spring"]


@on_sqlite
def test_filters_hold_for_what_was_meant(shopper: Person):
    assert shown(shopper.get("/?q=espreso&max_price=20").text) == ["beans", "cup"]
    page = shopper.get("/?q=espreso&max_price=0").text
    assert shown(page) == []


# --- suggestions ------------------------------------------------------------------------------------------------------


def test_suggestions_are_products_and_categories_of_this_shop(app: Flask):
    for door in (subdomain(app.test_client()), prefix(app.test_client())):
        assert options(door.get("/suggest?q=co").text) == [
            (f"{door.root}/?category=Coffee", "Coffee 1 product"),
            (f"{door.root}/products/filter", "F Filters &amp; Co &lt;b&gt; Sold out"),
            (f"{door.root}/products/beans", "D Dawn Beans €18.50"),
        ]
        assert options(door.get("/suggest?q=pen").text) == []


def test_suggestions_are_few_and_forgiving(app: Flask, shopper: Person):
    put_up(app, tenant("wide", *(product(f"p{i}", name=f"Teapot {i}", category=f"Tea {i}") for i in range(20))))
    wide = Person(app.test_client(), "wide")
    found = options(wide.get("/suggest?q=tea").text)
    assert len([href for href, _ in found if "category" in href]) == 3
    assert len(found) == 9
    assert [href for href, _ in options(shopper.get("/suggest?q=honye").text)] == ["/t/north/products/honey"]


@on_sqlite
def test_suggestions_are_a_fragment_whatever_is_typed(shopper: Person):
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
def test_a_suggestion_asks_the_database_once(app: Flask, shopper: Person):
    shopper.get("/suggest?q=esp")
    with counting(app) as said:
        assert len(options(shopper.get("/suggest?q=espr").text)) == 3
    assert len(said) == 1


@on_sqlite
def test_each_option_has_an_id_of_its_own(shopper: Person):
    ids = re.findall(r'id="(\w+)"', shopper.get("/suggest?q=co").text)
    assert len(ids) == len(set(ids)) == 3
