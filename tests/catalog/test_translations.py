"""Translated products: imported, displayed, found, sold and in feeds in the right language."""

import json
import re
from typing import Any

import pytest
from flask import Flask

from storefront.catalog.import_schema import parse_catalog
from storefront.catalog.json_file import CatalogError
from tests.catalog.test_pages import shown
from tests.conftest import Person
from tests.factories import product, put_up, tenant, written
from tests.tenants.factories import every_row

MUG = product(
    "mug",
    "9.00",
    name={"en": "Enamel Mug", "de": "Emaillebecher", "uk": "Емальована чашка"},
    description={"en": "Holds soup.", "de": "Fasst auch Suppe.", "ja": "スープにも使えます。"},
    category="Tableware",
)
HERO = {"title": {"en": "Good morning.", "de": "Guten Morgen."}, "text": "Come in."}
LABELS = {"Tableware": {"de": "Geschirr", "ja": "食器"}, "hot": {"de": "heiß"}}
TEA = product("tea", "3.00", category="Tea", tags=["hot"])
WEST = tenant("west", MUG, TEA, locale="en-IE", theme={"hero": HERO}, labels=LABELS)
BARE_WEST = tenant("west", product("tea"), locale="en-IE", theme={"hero": {"title": {"fr": "Bonjour."}}})
GERMAN = {"Accept-Language": "de"}


@pytest.fixture
def west(app: Flask) -> Person:
    put_up(app, WEST)
    return Person(app.test_client(), "west")


def test_pages_say_a_product_in_the_shoppers_language(west: Person):
    english, german, french = (
        west.get("/", headers={"Accept-Language": language}).text for language in ("en", "de", "fr")
    )
    assert ("Enamel Mug" in english, "Emaillebecher" in english) == (True, False)
    assert ("Enamel Mug" in german, "Emaillebecher" in german) == (False, True)
    assert "Enamel Mug" in french, "what isn't said in French is said in the shop's own language"
    assert ("Good morning." in english, "Guten Morgen." in german, "Come in." in german) == (True, True, True)
    page = west.get("/products/mug", headers=GERMAN).text
    assert "<h1>Emaillebecher</h1>" in page
    assert "Fasst auch Suppe." in page
    assert "Emaillebecher" in west.get("/suggest?q=mug", headers=GERMAN).text
    west.post("/cart/items", {"product_id": "mug"}, headers=GERMAN)
    assert "Emaillebecher" in west.get("/cart", headers=GERMAN).text
    assert "Enamel Mug" in west.get("/cart", headers={"Accept-Language": "en"}).text


@pytest.mark.parametrize(
    "words", ["enamel", "mug", "emaille", "Emaillebecher", "емальована", "чашк", "suppe", "スープ"]
)
def test_every_language_is_searched_whichever_is_read(west: Person, words: str):
    for language in ("en", "de", "ja"):
        assert shown(west.get(f"/?q={words}", headers={"Accept-Language": language}).text) == ["mug"]


def test_categories_and_tags_are_called_by_their_names_in_the_shoppers_language(west: Person):
    page = west.get("/", headers=GERMAN).text
    assert 'href="/t/west/?category=Tableware"' in page, "an address stays the same in every language"
    assert (">Geschirr</span> <" in page, ">Tableware</span> <" in page, ">Tea</span> <" in page) == (True, False, True)
    assert "<h2>Geschirr</h2>" in west.get("/?category=Tableware", headers=GERMAN).text
    assert ">Geschirr</a>" in west.get("/products/mug", headers=GERMAN).text
    assert ">heiß</a>" in west.get("/products/tea", headers=GERMAN).text
    assert "Geschirr" in west.get("/suggest?q=gesch", headers=GERMAN).text
    assert ">Tableware</span> <" in west.get("/", headers={"Accept-Language": "fr"}).text
    assert shown(west.get("/?q=geschirr").text) == ["mug"]


def test_an_order_keeps_the_name_by_which_it_was_bought(west: Person):
    west.post("/cart/items", {"product_id": "mug"}, headers=GERMAN)
    buyer = {"email": "ada@example.com", "name": "Ada"}
    where = west.post("/checkout", buyer, headers=GERMAN).headers["Location"].removeprefix("/t/west")
    assert "Emaillebecher" in west.get(where, headers={"Accept-Language": "en"}).text
    cart = west.cart(mug=1)
    assert west.checkout(cart).json["items"][0]["name"] == "Enamel Mug"


def test_programs_get_the_shops_own_language_unless_they_ask_for_another(west: Person):
    def name(**headers: str) -> Any:
        return west.api("GET", "/products/mug", headers=headers).json["name"]

    west.client.set_cookie("lang", "de", path="/t/west/")
    assert name() == "Enamel Mug"
    assert name(**{"Accept-Language": "de"}) == "Emaillebecher"
    assert name(**{"Accept-Language": "fr"}) == "Enamel Mug"
    listed = west.api("GET", "/products", headers=GERMAN)
    assert [one["name"] for one in listed.json["items"]] == ["Emaillebecher", "Tea"]
    assert listed.headers["Content-Language"] == "de"
    assert "Accept-Language" in listed.vary


def test_what_others_read_is_in_the_shops_own_language(west: Person):
    for path in ("/feed.xml", "/llms.txt"):
        answer = west.get(path, headers=GERMAN)
        assert ("Enamel Mug" in answer.text, "Emaillebecher" in answer.text) == (True, False), path
        assert "Content-Language" not in answer.headers, path
        assert not {"Cookie", "Accept-Language"} & set(answer.vary), "the same for everybody, so caches may keep it"
    page = west.get("/products/mug", headers=GERMAN).text
    said = json.loads(re.search(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL).group(1))
    assert [thing.get("name") for thing in said["@graph"] if thing["@type"] == "Product"] == ["Enamel Mug"]


def test_programs_read_categories_in_the_shops_own_language(app: Flask):
    labels = {"Tableware": {"en": "Cups and plates", "de": "Geschirr"}}
    put_up(app, tenant("west", MUG, TEA, locale="en-IE", labels=labels))
    west = Person(app.test_client(), "west")
    page = west.get("/products/mug", headers=GERMAN).text
    for text in (west.get("/feed.xml").text, west.get("/llms.txt").text, page[: page.index("</head>")]):
        assert ("Cups and plates" in text, "Geschirr" in text) == (True, False)


def test_updates_bring_translations_and_take_them_away(app: Flask, west: Person):
    before = every_row(app, "west")["product"]
    put_up(app, WEST)
    assert every_row(app, "west")["product"] == before, "what is there stays as it is"
    put_up(app, tenant("west", MUG | {"name": {"en": "Mug", "fr": "Gobelet"}}, locale="en-IE"), refresh=True)
    assert shown(west.get("/?q=gobelet").text) == ["mug"]
    assert shown(west.get("/?q=emaillebecher&exact=1").text) == []
    assert "Gobelet" in west.get("/", headers={"Accept-Language": "fr"}).text
    put_up(app, tenant("west", MUG | {"name": "Mug", "description": ""}, locale="en-IE"), refresh=True)
    assert ">Mug<" in west.get("/", headers=GERMAN).text
    assert shown(west.get("/?q=gobelet&exact=1").text) == []


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (product("mug", name={"en": "Mug", "xx": "Mug"}), ("west", "mug", "name", "'xx'", "en, de, fr, uk, ja")),
        (product("mug", name={"de": "Becher"}), ("west", "mug", "name", "missing in 'en'")),
        (product("mug", description={"fr": "Un gobelet."}), ("west", "mug", "description", "missing in 'en'")),
        (product("mug", name={"en": "Mug", "de": ""}), ("west", "mug", "name, de")),
        (product("mug", name={"en": "Mug", "de": 5}), ("west", "mug", "name, de")),
        (product("mug", name={"en": "Mug", "de": "Be\x07cher"}), ("west", "mug", "name, de", "control")),
        (product("mug", name={}), ("west", "mug", "name", "strings by language")),
        (product("mug", name=["Mug"]), ("west", "mug", "name", "strings by language")),
        (product("mug", name={"": "Mug"}), ("west", "mug", "name", "strings by language")),
        (product("mug", tags=[{"en": "red"}]), ("west", "mug", "tags")),
        (product("mug", category={"en": "Cups"}), ("west", "mug", "category")),
    ],
)
def test_a_wrong_language_is_named_with_shop_product_and_field(entry: dict[str, Any], said: tuple[str, ...]):
    with pytest.raises(CatalogError) as refused:
        parse_catalog(written(tenant("west", entry, locale="en-IE")))
    for words in said:
        assert words in str(refused.value), str(refused.value)


def test_a_label_in_an_unknown_language_is_named():
    with pytest.raises(CatalogError, match=r"west.*labels, 'Tableware': 'xx' is not a supported language"):
        parse_catalog(written(tenant("west", MUG, locale="en-IE", labels={"Tableware": {"xx": "Cups"}})))


def test_a_hero_must_speak_the_shops_language():
    with pytest.raises(CatalogError, match=r"west.*theme, hero, title: is missing in 'en'"):
        parse_catalog(written(BARE_WEST))


def test_a_shop_of_another_language_says_its_own_beside_ours(app: Flask):
    put_up(app, tenant("sud", product("pane", name={"it": "Pane", "de": "Brot"}), locale="it-IT"))
    sud = Person(app.test_client(), "sud")
    assert "Pane" in sud.get("/", headers={"Accept-Language": "it"}).text
    assert "Brot" in sud.get("/", headers=GERMAN).text
