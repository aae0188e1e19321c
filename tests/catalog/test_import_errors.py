"""A catalogue with an error is rejected as a whole, and the message names shop, product and field."""

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from storefront.catalog.import_schema import parse_catalog
from storefront.catalog.json_file import CatalogError
from tests.catalog.test_importer import command
from tests.factories import product, tenant, written
from tests.tenants.factories import every_row

SOUND = {
    "tenants": [
        tenant("west", product("hat"), product("shoe", "49.99"), tax={"rate": "20", "included": True},
               promotions=[{"code": "TEN", "percent": "10", "until": "2030-01-01"}], locale="en-IE",
               theme={"accent": "#7a3e1d"}),
        tenant("east", product("tea", "1.250"), currency="KWD"),
    ]
}  # fmt: skip
LEAVE_OUT = object()
LIBRARY = re.compile(
    "Input should|should have|should be at|Field required|not permitted|Value error|Expecting|isoformat"
)

# fmt: off
SHOE, WEST, EAST = "tenants.0.products.1", "tenants.0", "tenants.1"
FAULTS: list[tuple[str, Any, tuple[str, ...]]] = [
    # where, what stands there, words of the message
    (f"{SHOE}.price", "49.999", ("west", "shoe", "price")),
    (f"{SHOE}.price", "-1.00", ("west", "shoe", "price")),
    (f"{SHOE}.price", "free", ("west", "shoe", "price")),
    (f"{SHOE}.price", "", ("west", "shoe", "price")),
    (f"{SHOE}.price", "1e3", ("west", "shoe", "price")),
    (f"{SHOE}.price", "1,50", ("west", "shoe", "price")),
    (f"{SHOE}.price", "NaN", ("west", "shoe", "price")),
    (f"{SHOE}.price", "٣", ("west", "shoe", "price")),
    (f"{SHOE}.price", "9" * 30, ("west", "shoe", "price")),
    (f"{SHOE}.price", 49.99, ("west", "shoe", "price")),
    (f"{SHOE}.price", None, ("west", "shoe", "price")),
    (f"{SHOE}.price", LEAVE_OUT, ("west", "shoe", "price")),
    (f"{SHOE}.stock", -1, ("west", "shoe", "stock")),
    (f"{SHOE}.stock", 1.5, ("west", "shoe", "stock")),
    (f"{SHOE}.stock", "7", ("west", "shoe", "stock")),
    (f"{SHOE}.stock", True, ("west", "shoe", "stock")),
    (f"{SHOE}.stock", None, ("west", "shoe", "stock")),
    (f"{SHOE}.stock", 10**20, ("west", "shoe", "stock")),
    (f"{SHOE}.stock", LEAVE_OUT, ("west", "shoe", "stock")),
    (f"{SHOE}.name", "", ("west", "shoe", "name")),
    (f"{SHOE}.name", "   ", ("west", "shoe", "name")),
    (f"{SHOE}.name", 5, ("west", "shoe", "name")),
    (f"{SHOE}.name", "a\0b", ("west", "shoe", "name")),
    (f"{SHOE}.name", LEAVE_OUT, ("west", "shoe", "name")),
    (f"{SHOE}.description", 5, ("west", "shoe", "description")),
    (f"{SHOE}.tags", "left", ("west", "shoe", "tags")),
    (f"{SHOE}.tags", [5], ("west", "shoe", "tags")),
    (f"{SHOE}.image", "../../etc/passwd", ("west", "shoe", "image")),
    (f"{SHOE}.image", "javascript:alert(1)", ("west", "shoe", "image")),
    (f"{SHOE}.colour", "red", ("west", "shoe", "colour")),
    (f"{SHOE}.id", "hat", ("west", "hat", "id")),
    (f"{SHOE}.id", "", ("west", "id")),
    (f"{SHOE}.id", "a b", ("west", "a b", "id")),
    (f"{SHOE}.id", "a/b", ("west", "a/b", "id")),
    (f"{SHOE}.id", "x" * 65, ("west", "id")),
    (f"{SHOE}.id", LEAVE_OUT, ("west", "id")),
    (SHOE, "shoe", ("west", "product")),
    (f"{WEST}.products", {}, ("west", "products")),
    (f"{WEST}.products", LEAVE_OUT, ("west", "products")),
    (f"{WEST}.currency", "EURO", ("west", "currency")),
    (f"{WEST}.currency", "eur", ("west", "currency")),
    (f"{WEST}.currency", "ZZZ", ("west", "currency")),
    (f"{WEST}.currency", LEAVE_OUT, ("west", "currency")),
    (f"{WEST}.currency", "JPY", ("west", "shoe", "price")),
    (f"{WEST}.locale", "xx-XX", ("west", "locale")),
    (f"{WEST}.name", "", ("west", "name")),
    (f"{WEST}.tax.rate", "-5", ("west", "tax", "rate")),
    (f"{WEST}.tax.rate", "many", ("west", "tax", "rate")),
    (f"{WEST}.tax.rate", 20, ("west", "tax", "rate")),
    (f"{WEST}.tax.included", "yes", ("west", "tax", "included")),
    (f"{WEST}.promotions.0.percent", "101", ("west", "TEN", "percent")),
    (f"{WEST}.promotions.0.percent", "-1", ("west", "TEN", "percent")),
    (f"{WEST}.promotions.0.until", "tomorrow", ("west", "TEN", "until")),
    (f"{WEST}.promotions.0.until", "2030-02-30", ("west", "TEN", "until")),
    (f"{WEST}.promotions.0.code", "", ("west", "code")),
    (f"{WEST}.promotions", [{"code": "A", "percent": "1"}, {"code": "a", "percent": "2"}],
     ("west", "promotion 'A'", "code")),
    (f"{WEST}.promotions.0.percent", "101", ("tenant 'west', promotion 'TEN', percent",)),
    (f"{WEST}.promotions.0.code", "A B", ("tenant 'west', promotion 'A B', code: 'A B' is not a valid promo code",)),
    (f"{WEST}.promotions.0.code", LEAVE_OUT, ("tenant 'west', promotion number 1, code is required",)),
    (f"{WEST}.promotions.0", "TEN", ("tenant 'west', promotion number 1 must be a JSON object",)),
    (f"{WEST}.promotions.0.until", "tomorrow", ("until: 'tomorrow' is not a date such as",)),
    (f"{SHOE}.name", "x" * 201, ("shoe", "name must be at most 200 characters long")),
    (f"{SHOE}.name", "\u200b\u3164", ("shoe", "name: contains only invisible characters")),
    (f"{SHOE}.tags", ["left", "left"], ("tenant 'west', product 'shoe', tag 'left': is given 2 times",)),
    (f"{SHOE}.tags", ["\u2800"], ("shoe", "tags", "only invisible characters")),
    (f"{SHOE}.tags", [5], ("tenant 'west', product 'shoe', tags, entry number 1 must be a string",)),
    (f"{SHOE}.id", "a b", ("id: 'a b' is not a valid product id: 1 to 64 letters",)),
    (f"{WEST}.id", "West", ("id: 'West' is not a valid shop id",)),
    (f"{WEST}.theme.accent", "red", ("theme, accent: 'red' is not a colour such as",)),
    (f"{WEST}.theme.face", "comic", ("theme, face must be one of: 'fraunces', 'bricolage', 'figtree'.",)),
    (f"{WEST}.upsell", {"pins": [{"with": "hat", "suggest": "hat"}]}, ("west", "pins: 'hat' is pinned to itself")),
    (f"{WEST}.upsell", {"pins": [{"with": "hat", "suggest": "shoe"}], "exclude": ["shoe"]},
     ("west", "pins: 'shoe' is pinned to 'hat' and excluded")),
    (f"{WEST}.upsell", {"pins": [{"with": "hat", "suggest": "shoe"}] * 2}, ("'shoe' is pinned to 'hat' 2 times",)),
    (f"{WEST}.upsell", {"exclude": ["hat", "hat"]}, ("west", "upsell, exclude 'hat': is given 2 times")),
    (f"{WEST}.upsell", {"pins": [{"with": "hat", "suggest": "nosuch"}]}, ("pins: there is no product 'nosuch'",)),
    (f"{WEST}.upsell", {"pins": [{"with": "a b", "suggest": "hat"}]}, ("pins, entry number 1, with: 'a b' is not",)),
    (f"{SHOE}.goes_with", [{"id": "nosuch"}], ("west", "product 'shoe', goes_with: there is no product 'nosuch'")),
    (f"{SHOE}.goes_with", [{"id": "tea"}], ("west", "product 'shoe', goes_with: there is no product 'tea'")),
    (f"{SHOE}.goes_with", [{"id": "shoe"}], ("west", "product 'shoe', goes_with: 'shoe' can't go with itself")),
    (f"{SHOE}.goes_with", [{"id": "hat"}, {"id": "hat"}], ("west", "shoe", "goes_with 'hat': is given 2 times")),
    (f"{SHOE}.goes_with", [{"id": "hat"}] * 9, ("west", "shoe", "goes_with must have at most 8 entries")),
    (f"{SHOE}.goes_with", [{"id": "hat", "why": "w" * 161}],
     ("west", "shoe", "goes_with, entry 'hat', why", "at most 160 characters")),
    (f"{SHOE}.goes_with", [{"id": "hat", "why": {"en": "Fits.", "xx": "Fits."}}],
     ("west", "product 'shoe', goes_with 'hat', why: 'xx' is not a supported language")),
    (f"{SHOE}.goes_with", [{"id": "hat", "why": {"de": "Passt."}}],
     ("west", "product 'shoe', goes_with 'hat', why: is missing in 'en'")),
    (f"{SHOE}.goes_with", [{"id": "hat", "why": "\u200b"}], ("west", "shoe", "why", "only invisible characters")),
    (f"{SHOE}.goes_with", [{"id": "hat", "why": 5}], ("west", "shoe", "goes_with, entry 'hat', why")),
    (f"{SHOE}.goes_with", [{"id": "hat", "because": "x"}], ("west", "shoe", "goes_with, entry 'hat', because")),
    (f"{SHOE}.goes_with", [{"why": "x"}], ("west", "shoe", "goes_with, entry number 1, id is required")),
    (f"{SHOE}.goes_with", ["hat"], ("west", "shoe", "goes_with, entry number 1 must be a JSON object")),
    (f"{SHOE}.goes_with", "hat", ("west", "shoe", "goes_with")),
    (f"{WEST}.theme.accent", "red", ("west", "theme", "accent")),
    (f"{WEST}.theme.accent", "#fff;}body{", ("west", "theme", "accent")),
    (f"{WEST}.theme.second", "url(//x)", ("west", "theme", "second")),
    (f"{WEST}.id", "east", ("east", "id")),
    (f"{WEST}.id", "", ("id",)),
    (f"{WEST}.id", "West", ("West", "id")),
    (f"{WEST}.id", "a.b", ("a.b", "id")),
    (f"{WEST}.id", "-a", ("-a", "id")),
    (f"{WEST}.id", "x" * 64, ("id",)),
    (f"{WEST}.id", LEAVE_OUT, ("id",)),
    (f"{EAST}.products.0.price", "1.2500", ("east", "tea", "price")),
    ("tenants", {}, ("tenants",)),
    ("tenants", [], ("tenants",)),
    ("tenants", LEAVE_OUT, ("tenants",)),
    ("shops", [], ("shops",)),
]
# fmt: on


def with_fault(where: str, value: Any) -> bytes:
    whole: Any = copy.deepcopy(SOUND)
    *way, last = [int(step) if step.isdigit() else step for step in where.split(".")]
    at = whole
    for step in way:
        at = at[step]
    if value is LEAVE_OUT:
        del at[last]
    else:
        at[last] = value
    return json.dumps(whole).encode()


def test_the_sound_one_is_taken():
    catalog = parse_catalog(json.dumps(SOUND).encode())
    assert [shop.id for shop in catalog.tenants] == ["west", "east"]


@pytest.mark.parametrize("where, value, words", FAULTS)
def test_a_fault_is_named_by_tenant_product_and_field(where: str, value: Any, words: tuple[str, ...]):
    with pytest.raises(CatalogError) as refused:
        parse_catalog(with_fault(where, value))
    for word in words:
        assert word in str(refused.value), f"{word} isn't in: {refused.value}"
    assert not LIBRARY.search(str(refused.value)), "a library's words"


REPEATED = [
    ('{"tenants": [], "tenants": []}', "the file: the key 'tenants' is given more than once"),
    ('{"tenants": [{"id": "west", "name": "A", "name": "B"}]}', "tenant 'west': the key 'name' is given"),
    ('{"tenants": [{"id": "west", "products": [{"id": "hat", "price": "1", "price": "2"}]}]}',
     "tenant 'west', product 'hat': the key 'price' is given"),
    ('{"tenants": [{"id": "west", "theme": {"accent": "#000000", "accent": "#ffffff"}}]}',
     "tenant 'west', theme: the key 'accent' is given"),
    ('{"tenants": [{"id": "west", "promotions": [{"code": "TEN", "percent": "1", "percent": "2"}]}]}',
     "tenant 'west', promotion 'TEN': the key 'percent' is given"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "words"), REPEATED)
def test_a_key_that_stands_twice_is_named_with_its_place(content: str, words: str):
    with pytest.raises(CatalogError) as refused:
        parse_catalog(content.encode())
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"tenants": [}', "is not valid JSON: line 1, column 14."),
        (b"{\n  nothing", "is not valid JSON: line 2, column 3."),
        (b'{"tenants": NaN}', "NaN is not a number"),
        (b'{"tenants": "\xff"}', "is not valid UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b"1" * 5000, "a number that is too long"),
        (b"[]", "the file must be a JSON object"),
    ],
)
def test_what_is_no_catalogue_is_refused_in_our_words(content: bytes, words: str):
    with pytest.raises(CatalogError) as refused:
        parse_catalog(content)
    assert words in str(refused.value)
    assert not LIBRARY.search(str(refused.value))


def test_a_direction_control_is_left_out_of_the_texts():
    catalog = parse_catalog(written(tenant("west", product("hat", name="Hat\u202e", tags=["\u2066a\u2069"]))))
    assert (catalog.tenants[0].products[0].name, catalog.tenants[0].products[0].tags) == ({"": "Hat"}, ["a"])


def test_the_file_is_named_once(app: Flask, tmp_path: Path):
    file = tmp_path / "shops.json"
    contents = {
        "was rejected and nothing was imported": b'{"tenants": []}',
        "is not valid JSON": b"{",
        "can't be read": None,
    }
    for words, content in contents.items():
        file.unlink(missing_ok=True)
        if content is not None:
            file.write_bytes(content)
        done = command(app, file)
        assert done.exit_code == 1
        assert done.output.startswith(f"Error: {str(file)!r} {words}"), done.output
        assert done.output.count("shops.json") == 1


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"nothing", b'{"tenants": [}', b"\xff\xfe\x00", b"[]", b"null", b"5", b'"x"', b"\0", b"[" * 100_000],
)
def test_what_is_no_catalogue_is_refused_in_words(content: bytes):
    with pytest.raises(CatalogError):
        parse_catalog(content)


def test_a_byte_order_mark_is_no_fault():
    assert len(parse_catalog(b"\xef\xbb\xbf" + json.dumps(SOUND).encode()).tenants) == 2


def test_every_fault_is_said_at_once_and_a_flood_is_cut():
    with pytest.raises(CatalogError) as refused:
        parse_catalog(written(tenant("west", product("hat", "x"), product("shoe", "1.00", stock=-1))))
    assert "shoe" in str(refused.value)
    with pytest.raises(CatalogError) as refused:
        parse_catalog(written(tenant("west", *(product(f"p{i}", "x") for i in range(500)))))
    assert 20 <= len(str(refused.value).splitlines()) <= 30


def test_what_may_be_left_out_may_be_left_out():
    bare = {
        "id": "west",
        "name": "West",
        "currency": "EUR",
        "products": [{"id": "a", "name": "A", "price": "1", "stock": 0}],
    }
    assert parse_catalog(json.dumps({"tenants": [bare]}).encode()).tenants[0].products[0].tags == []


@pytest.mark.parametrize("options", [(), ("--update",)], ids=["load", "update"])
def test_a_faulty_file_is_refused_whole(app: Flask, tmp_path: Path, options: tuple[str, ...]):
    before = {shop: every_row(app, shop) for shop in ("north", "south")}
    file = tmp_path / "shops.json"
    good = [tenant("north", product("beans", "5.00"), product("hat")), tenant("west", product("shoe"))]
    file.write_bytes(written(*good, tenant("last", product("fine"), product("bad", "5.001"))))
    done = command(app, file, *options)
    assert done.exit_code != 0
    for word in ("last", "bad", "price"):
        assert word in done.output
    assert "Traceback" not in done.output
    assert {shop: every_row(app, shop) for shop in before} == before
    assert app.test_client().get("/t/west/").status_code == 404
    file.write_bytes(written(*good, tenant("last", product("fine"))))
    assert command(app, file, *options).exit_code == 0


def test_a_shop_cannot_change_its_currency_under_its_prices(app: Flask, tmp_path: Path):
    """Prices are stored in minor units: 18.50 EUR would silently become 1850 JPY for what the file doesn't name."""
    file = tmp_path / "shops.json"
    file.write_bytes(written(tenant("north", product("beans", "5"), currency="JPY")))
    before = every_row(app, "north")
    done = command(app, file, "--update")
    assert done.exit_code == 1
    assert "currency" in done.output
    assert every_row(app, "north") == before
    pot = app.test_client().get("/t/north/api/v1/products/pot").json["price"]
    assert pot == {"amount": 4600, "currency": "EUR"}, "a pot of 46 € must not cost 4,600 ¥"
