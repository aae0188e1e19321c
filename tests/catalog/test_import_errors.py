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

VALID_CATALOG = {
    "tenants": [
        tenant("west", product("hat"), product("shoe", "49.99"), tax={"rate": "20", "included": True},
               promotions=[{"code": "TEN", "percent": "10", "until": "2030-01-01"}], locale="en-IE",
               theme={"accent": "#7a3e1d"}),
        tenant("east", product("tea", "1.250"), currency="KWD"),
    ]
}  # fmt: skip
OMITTED = object()
LIBRARY_MESSAGES = re.compile(
    "Input should|should have|should be at|Field required|not permitted|Value error|Expecting|isoformat"
)

# fmt: off
SHOE, WEST, EAST = "tenants.0.products.1", "tenants.0", "tenants.1"
INVALID_VALUES: list[tuple[str, Any, tuple[str, ...]]] = [
    # path, value, texts in the message
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
    (f"{SHOE}.price", OMITTED, ("west", "shoe", "price")),
    (f"{SHOE}.stock", -1, ("west", "shoe", "stock")),
    (f"{SHOE}.stock", 1.5, ("west", "shoe", "stock")),
    (f"{SHOE}.stock", "7", ("west", "shoe", "stock")),
    (f"{SHOE}.stock", True, ("west", "shoe", "stock")),
    (f"{SHOE}.stock", None, ("west", "shoe", "stock")),
    (f"{SHOE}.stock", 10**20, ("west", "shoe", "stock")),
    (f"{SHOE}.stock", OMITTED, ("west", "shoe", "stock")),
    (f"{SHOE}.name", "", ("west", "shoe", "name")),
    (f"{SHOE}.name", "   ", ("west", "shoe", "name")),
    (f"{SHOE}.name", 5, ("west", "shoe", "name")),
    (f"{SHOE}.name", "a\0b", ("west", "shoe", "name")),
    (f"{SHOE}.name", OMITTED, ("west", "shoe", "name")),
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
    (f"{SHOE}.id", OMITTED, ("west", "id")),
    (SHOE, "shoe", ("west", "product")),
    (f"{WEST}.products", {}, ("west", "products")),
    (f"{WEST}.products", OMITTED, ("west", "products")),
    (f"{WEST}.currency", "EURO", ("west", "currency")),
    (f"{WEST}.currency", "eur", ("west", "currency")),
    (f"{WEST}.currency", "ZZZ", ("west", "currency")),
    (f"{WEST}.currency", OMITTED, ("west", "currency")),
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
    (f"{WEST}.promotions.0.code", OMITTED, ("tenant 'west', promotion number 1, code is required",)),
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
    (f"{WEST}.id", OMITTED, ("id",)),
    (f"{EAST}.products.0.price", "1.2500", ("east", "tea", "price")),
    ("tenants", {}, ("tenants",)),
    ("tenants", [], ("tenants",)),
    ("tenants", OMITTED, ("tenants",)),
    ("shops", [], ("shops",)),
]
# fmt: on


def catalog_with(path: str, value: Any) -> bytes:
    catalog: Any = copy.deepcopy(VALID_CATALOG)
    *parents, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    node = catalog
    for step in parents:
        node = node[step]
    if value is OMITTED:
        del node[last]
    else:
        node[last] = value
    return json.dumps(catalog).encode()


def test_valid_catalogue_is_accepted():
    catalog = parse_catalog(json.dumps(VALID_CATALOG).encode())
    assert [shop.id for shop in catalog.tenants] == ["west", "east"]


@pytest.mark.parametrize("path, value, texts", INVALID_VALUES)
def test_error_names_tenant_product_and_field(path: str, value: Any, texts: tuple[str, ...]):
    with pytest.raises(CatalogError) as error:
        parse_catalog(catalog_with(path, value))
    for text in texts:
        assert text in str(error.value), f"{text} isn't in: {error.value}"
    assert not LIBRARY_MESSAGES.search(str(error.value)), "a library's message"


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


@pytest.mark.parametrize(("content", "message"), REPEATED)
def test_duplicate_key_is_named_with_its_location(content: str, message: str):
    with pytest.raises(CatalogError) as error:
        parse_catalog(content.encode())
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
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
def test_malformed_file_is_refused_without_library_messages(content: bytes, message: str):
    with pytest.raises(CatalogError) as error:
        parse_catalog(content)
    assert message in str(error.value)
    assert not LIBRARY_MESSAGES.search(str(error.value))


def test_direction_controls_are_removed_from_texts():
    catalog = parse_catalog(written(tenant("west", product("hat", name="Hat\u202e", tags=["\u2066a\u2069"]))))
    assert (catalog.tenants[0].products[0].name, catalog.tenants[0].products[0].tags) == ({"": "Hat"}, ["a"])


def test_error_names_the_file_once(app: Flask, tmp_path: Path):
    file = tmp_path / "shops.json"
    contents = {
        "was rejected and nothing was imported": b'{"tenants": []}',
        "is not valid JSON": b"{",
        "can't be read": None,
    }
    for message, content in contents.items():
        file.unlink(missing_ok=True)
        if content is not None:
            file.write_bytes(content)
        done = command(app, file)
        assert done.exit_code == 1
        assert done.output.startswith(f"Error: {str(file)!r} {message}"), done.output
        assert done.output.count("shops.json") == 1


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"nothing", b'{"tenants": [}', b"\xff\xfe\x00", b"[]", b"null", b"5", b'"x"', b"\0", b"[" * 100_000],
)
def test_malformed_file_raises_catalog_error(content: bytes):
    with pytest.raises(CatalogError):
        parse_catalog(content)


def test_byte_order_mark_is_ignored():
    assert len(parse_catalog(b"\xef\xbb\xbf" + json.dumps(VALID_CATALOG).encode()).tenants) == 2


def test_all_errors_are_listed_up_to_a_limit():
    with pytest.raises(CatalogError) as error:
        parse_catalog(written(tenant("west", product("hat", "x"), product("shoe", "1.00", stock=-1))))
    assert "shoe" in str(error.value)
    with pytest.raises(CatalogError) as error:
        parse_catalog(written(tenant("west", *(product(f"p{i}", "x") for i in range(500)))))
    assert 20 <= len(str(error.value).splitlines()) <= 30


def test_optional_fields_can_be_omitted():
    minimal = {
        "id": "west",
        "name": "West",
        "currency": "EUR",
        "products": [{"id": "a", "name": "A", "price": "1", "stock": 0}],
    }
    assert parse_catalog(json.dumps({"tenants": [minimal]}).encode()).tenants[0].products[0].tags == []


@pytest.mark.parametrize("options", [(), ("--update",)], ids=["load", "update"])
def test_invalid_file_changes_nothing(app: Flask, tmp_path: Path, options: tuple[str, ...]):
    before = {shop: every_row(app, shop) for shop in ("north", "south")}
    file = tmp_path / "shops.json"
    valid = [tenant("north", product("beans", "5.00"), product("hat")), tenant("west", product("shoe"))]
    file.write_bytes(written(*valid, tenant("last", product("fine"), product("bad", "5.001"))))
    done = command(app, file, *options)
    assert done.exit_code != 0
    for word in ("last", "bad", "price"):
        assert word in done.output
    assert "Traceback" not in done.output
    assert {shop: every_row(app, shop) for shop in before} == before
    assert app.test_client().get("/t/west/").status_code == 404
    file.write_bytes(written(*valid, tenant("last", product("fine"))))
    assert command(app, file, *options).exit_code == 0


def test_currency_of_a_shop_with_prices_cannot_change(app: Flask, tmp_path: Path):
    """Prices are stored in minor units: 18.50 EUR would become 1850 JPY for products that aren't in the file."""
    file = tmp_path / "shops.json"
    file.write_bytes(written(tenant("north", product("beans", "5"), currency="JPY")))
    before = every_row(app, "north")
    done = command(app, file, "--update")
    assert done.exit_code == 1
    assert "currency" in done.output
    assert every_row(app, "north") == before
    pot = app.test_client().get("/t/north/api/v1/products/pot").json["price"]
    assert pot == {"amount": 4600, "currency": "EUR"}, "46 € became 4,600 ¥"
