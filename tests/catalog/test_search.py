"""Product search: equal results on both databases for any input."""

import pytest
from flask import Flask

from tests.api_contract import assert_problem
from tests.conftest import Person
from tests.factories import change_product, product, put_up, tenant

SHELF = [
    product("crepe", name="Crêpe Pan", description="For thin pancakes.", category="Kitchen", tags=["iron"]),
    product("pan", name="PAN of steel", description="It fries.", category="Kitchen", stock=0, tags=["fry-all"]),
    product("panda", name="Stuffed Panda", description="Soft.", category="Toys", tags=["bear"]),
    product("book", name="Cooking", description="With a pan and a spoon.", category="Books", tags=["kitchen-reading"]),
    product("spoon", name="Spoon", description="Of birch.", category="Kitchen", tags=["bear"]),
    product("strasse", name="Straße", description="Map of Ægir’s rock’n’roll.", category="Books"),
    product("cha", name="抹茶の茶碗", description="Ｍａｔｃｈａ bowl.", category="Tableware"),
    product("mad", name="C++ & C#: 100% \"OR\" AND NOT NEAR", category="A & B",
            description="R2-D2's; DROP TABLE product; --"),
]  # fmt: skip


@pytest.fixture
def reader(app: Flask) -> Person:
    put_up(app, tenant("shelf", *SHELF))
    return Person(app.test_client(), "shelf")


def found(person: Person, **query: object) -> list[str]:
    answer = person.api("GET", "/products", query_string=query)
    assert answer.status_code == 200, f"{query}: {answer.text}"
    return [item["id"] for item in answer.json["items"]]


SEARCHES = {
    "crepe": ["crepe"], "CRÊPE": ["crepe"], "crêpe": ["crepe"], "cre\u0302pe": ["crepe"], "ＣＲＥＰＥ": ["crepe"],
    "pan": ["crepe", "pan", "panda", "book"], "pan ": ["crepe", "pan", "panda", "book"],
    "pan steel": ["pan"], "pan iron": ["crepe"], "iron pan": ["crepe", ], "pand": ["panda"], "anda": [],
    "cre pan": [], "crepe pa": ["crepe"], "panda pan": ["panda"], "kitchen": ["crepe", "pan", "book", "spoon"],
    "books": ["book", "strasse"], "bear": ["panda", "spoon"], "fry": ["pan"], "fry-all": ["pan"], "all": ["pan"],
    "birch": ["spoon"], "strasse": ["strasse"], "STRASSE": ["strasse"], "straße": ["strasse"],
    "茶": ["cha"], "茶碗": ["cha"], "抹茶": ["cha"], "matcha": ["cha"],
    "c": ["crepe", "book", "mad"], "d2": ["mad"], "100": ["mad"],
    "100%": ["mad"], "nothing of the kind": [], "pan nothing": [],
}  # fmt: skip


def test_words_are_found_by_all_their_ways_to_write_them(reader: Person):
    for q, expected in SEARCHES.items():
        assert sorted(found(reader, q=q)) == sorted(expected), q


def test_only_the_last_word_may_be_a_beginning(reader: Person):
    assert found(reader, q="crepe p") == ["crepe"]
    assert found(reader, q="p crepe") == []
    assert found(reader, q="stuf panda") == []
    assert found(reader, q="panda stuf") == ["panda"]


def test_the_order_of_the_api_is_that_of_the_catalogue(reader: Person):
    assert found(reader, q="pan") == ["crepe", "pan", "panda", "book"]
    assert found(reader) == [item["id"] for item in SHELF]


def test_on_the_page_the_hits_in_names_come_first(app: Flask, reader: Person):
    put_up(app, tenant("shelf", *SHELF, product("late", name="Birch Bowl"), product("last", name="A birch")))
    shown = [part.split('"', 1)[0] for part in reader.get("/?q=birch").text.split('data-product="')[1:]]
    assert shown == ["late", "last", "spoon"]


@pytest.mark.parametrize("q", ["!!!", "%", "_", "*", '"', "'", "-", "()", "&|", "…", ":*", "🐝", "\u0301", "\0", "_ _"])
def test_signs_only_are_nobodys_words(reader: Person, q: str):
    assert found(reader, q=q) == []
    page = reader.get("/", query_string={"q": q})
    assert page.status_code == 200
    assert "data-product=" not in page.text


def test_nothing_asked_for_is_everything(reader: Person):
    for q in ("", " ", "\t\n  "):
        assert len(found(reader, q=q)) == len(SHELF), repr(q)


OPERATORS = [
    '"', '""', '"pan', 'pan"', '"pan"', "pan*", "*pan", "pan OR spoon", "pan AND", "AND", "OR", "NOT", "NOT pan",
    "NEAR(", "NEAR(pan spoon)", "NEAR(pan, 5)", "NEAR/2", "name:pan", "{words} : pan", "words:pan", "tenant_id:north",
    "^pan", "pan + spoon", "pan -spoon", "-pan", "(pan", "pan)", "((", "pan:*", "pan & spoon", "pan | spoon", "!pan",
    "pan <-> spoon", "pan:A", "'", "''", "'pan'", "\\", "\\'", "pan\\", "'; DROP TABLE product; --", "%' OR 1=1 --",
    "pan\0", "\0pan", "pa\0n", "?", ":q", "%s", "%(q)s", "{}", "{{7*7}}", "${7*7}", "<script>", "pan\u2028spoon",
    "\ud83d".encode("utf-16", "surrogatepass").decode("utf-16", "replace"),
    "a" * 1000, "pan " * 60, "b" * 200, "'" * 200,
]  # fmt: skip


def test_operators_and_quotes_are_only_signs(reader: Person):
    for q in OPERATORS:
        answer = reader.api("GET", "/products", query_string={"q": q})
        page = reader.get("/", query_string={"q": q})
        assert page.status_code == 200, repr(q)
        assert "<script>" not in page.text.partition("<body>")[2]
        assert answer.status_code == (422 if len(q) > 200 else 200), f"{q!r}: {answer.text}"
    assert len(found(reader)) == len(SHELF)


def test_operators_mean_what_their_letters_say(reader: Person):
    assert found(reader, q='"pan"') == found(reader, q="pan*") == found(reader, q="pan")
    assert found(reader, q="pan OR spoon") == [], "OR is a word like others"
    assert found(reader, q="not near") == ["mad"]
    assert found(reader, q="pan -spoon") == found(reader, q="pan spoon") == ["book"]
    assert found(reader, q="tenant_id:shelf") == []
    assert found(reader, q="'; drop table product; --") == ["mad"]


def test_a_thousand_characters_are_refused_by_name_for_programs_and_answered_on_pages(reader: Person):
    assert_problem(reader.api("GET", "/products", query_string={"q": "pan " * 250}), 422, field="q")
    assert reader.get("/", query_string={"q": "x" * 5000}).status_code == 200


def test_categories_and_stock_narrow_the_search(reader: Person):
    assert found(reader, category="Kitchen") == ["crepe", "pan", "spoon"]
    assert found(reader, category="Kitchen", in_stock="true") == ["crepe", "spoon"]
    assert found(reader, q="pan", category="Kitchen") == ["crepe", "pan"]
    assert found(reader, q="pan", category="Kitchen", in_stock="true") == ["crepe"]
    assert found(reader, q="pan", in_stock="true") == ["crepe", "panda", "book"]
    assert found(reader, in_stock="false") == found(reader)
    assert found(reader, category="A & B") == ["mad"]
    for category in ("kitchen", "Kitch", "nosuch", "%", "'", "Kitchen' OR '1'='1"):
        assert found(reader, category=category) == [], category
    assert found(reader, category="") == found(reader)
    assert found(reader, category="Kit\0chen") == found(reader, category="Kitchen"), "no catalogue has a NUL"


def test_what_sells_out_leaves_what_is_in_stock(app: Flask, reader: Person):
    change_product(app, "shelf", "crepe", stock=0)
    assert found(reader, q="crepe", in_stock="true") == []
    assert found(reader, q="crepe") == ["crepe"]


def test_new_words_are_found_and_old_ones_not(app: Flask, reader: Person):
    put_up(app, tenant("shelf", product("crepe", name="Waffle Iron", description="Hot.")), refresh=True)
    assert found(reader, q="waffle") == ["crepe"]
    assert "crepe" not in found(reader, q="thin")
    assert "crepe" not in found(reader, q="pan")


def test_a_cjk_word_is_found_inside_a_name(reader: Person):
    assert found(reader, q="の茶") == ["cha"]
