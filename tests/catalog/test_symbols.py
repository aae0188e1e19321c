"""Symbols and emoji are found like words, also in a database filled by an earlier version."""

import pytest
from flask import Flask
from sqlalchemy import delete, select

from storefront.catalog.models import Product
from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.db.transactions import write
from storefront.server.bootstrap import prepare
from storefront.tenants.models import Setting
from tests.catalog.test_search import found
from tests.conftest import Person
from tests.factories import product, put_up, tenant

SHELF = [
    product("only", name="☕"),
    product("mug", name="☕\ufe0f Mug", description="For 👩‍💻 at work."),
    product("flag", name="🇩🇪 Flag"),
    product("other", name="🇪🇩 No Flag", tags=["❤️"]),
    product("thumb", name="👍🏽 Sticker", category="★ Stars"),
    product("tea", name="Tea", description="20 € → now"),
    product("soft", name="Cof\u00adfee\u200b Filter", description="№ 5 ™"),
]
SEARCHES = {
    "☕": ["only", "mug"], "☕\ufe0f": ["only", "mug"], "☕\ufe0e": ["only", "mug"],
    "☕ mug": ["mug"], "mug ☕": ["mug"],
    "☕ tea": [], "👩‍💻": ["mug"], "💻": ["mug"], "👩🏿‍💻": ["mug"], "🇩🇪": ["flag"], "🇪🇩": ["other"], "🇩": ["flag"],
    "❤": ["other"], "👍": ["thumb"], "👍🏻": ["thumb"], "★": ["thumb"], "€": ["tea"], "→": ["tea"], "🫨": [],
    "☕☕": ["only", "mug"],
    "coffee": ["soft"], "cof\u200bfee": ["soft"], "\ufefffilter\u200b": ["soft"], "fil\u00adter": ["soft"],
    "\u202efilter\u202c": ["soft"], "ｆｉｌｔｅｒ\u00a0": ["soft"],
    "№ 5": ["soft"], "no 5": ["soft"],
    "+": [], "$": [], "…": [], "\u200b": [],
}  # fmt: skip


@pytest.fixture
def reader(app: Flask) -> Person:
    put_up(app, tenant("shelf", *SHELF))
    return Person(app.test_client(), "shelf")


def shown(person: Person, q: str) -> list[str]:
    page = person.get("/", query_string={"q": q})
    assert page.status_code == 200
    return [part.split('"', 1)[0] for part in page.text.split('data-product="')[1:]]


def test_symbols_are_found_by_all_their_ways_to_write_them(reader: Person):
    for q, expected in SEARCHES.items():
        if q.strip("\u200b"):
            assert found(reader, q=q) == expected, repr(q)
        if expected:
            assert set(shown(reader, q)) == set(expected), repr(q)


def test_the_field_suggests_what_a_symbol_finds(reader: Person):
    answer = reader.get("/suggest", query_string={"q": "☕"}).text
    assert "/products/only" in answer
    assert "/products/mug" in answer
    assert "★ Stars" in reader.get("/suggest", query_string={"q": "★"}).text


def test_a_page_looks_for_the_words_when_nothing_has_the_symbol_too(reader: Person):
    page = reader.get("/", query_string={"q": "tea ☕"}).text
    assert 'data-product="tea"' in page
    assert "Showing results for “tea”" in page
    assert "zsymbol" not in page


def test_a_name_is_sorted_by_its_words(reader: Person):
    page = reader.get("/?sort=name").text
    order = [part.split('"', 1)[0] for part in page.split('data-product="')[1:]]
    assert order == ["soft", "flag", "mug", "other", "thumb", "tea", "only"]


def test_what_an_earlier_version_stored_is_found_after_the_next_start(app: Flask, reader: Person):
    with app.app_context():
        with tenant_context("shelf"), write():
            for row in db.session.scalars(select(Product)):
                row.search_name, row.search_text = "old", "old"
                row.name += "\u202e"
        db.session.execute(delete(Setting).where(Setting.name == "search_words_version"))
        db.session.commit()
    with app.app_context(), tenant_context("shelf"):
        stamp = {row.id: row.updated_at for row in db.session.scalars(select(Product))}
    assert found(reader, q="☕") == []
    prepare(app)
    for q in ("☕", "coffee", "🇩🇪", "mug"):
        assert found(reader, q=q) == SEARCHES.get(q, ["mug"]), q
    assert found(reader, q="old") == []
    with app.app_context(), tenant_context("shelf"):
        rows = list(db.session.scalars(select(Product)))
        assert len(rows) == len(SHELF)
        assert not [row.name for row in rows if "\u202e" in row.name]
        assert {row.id: row.updated_at for row in rows} == stamp, "the texts are as they were"


def test_words_are_made_anew_only_once(app: Flask, reader: Person):
    prepare(app)
    with app.app_context(), tenant_context("shelf"), write():
        db.session.get(Product, ("shelf", "only")).search_text = "by hand"
    prepare(app)
    assert found(reader, q="by hand") == ["only"]
