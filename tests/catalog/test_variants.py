"""Products in variants: what a catalogue says of them, and how they are read."""

import json
import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from storefront.catalog.import_schema import parse_catalog
from storefront.catalog.json_file import CatalogError
from storefront.catalog.models import Product, Variant
from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.events.models import Event
from tests.api_contract import PRODUCT, assert_shape
from tests.catalog.variants import OPTIONS, open_wear, tee, variant
from tests.factories import product, tenant, written


def sums(app: Flask, product_id: str) -> tuple[int, int, int]:
    """The product's stored price and stock, and the sum of its active variants."""
    with app.app_context(), tenant_context("wear"):
        row = db.session.execute(select(Product.price, Product.stock).where(Product.id == product_id)).one()
        own = db.session.scalars(select(Variant).where(Variant.product_id == product_id, Variant.status == "active"))
        return row.price, row.stock, sum(one.stock for one in own)


def test_a_product_without_options_has_one_variant_with_its_id(app: Flask):
    sock = open_wear(app).api("GET", "/products/sock").json
    assert_shape(sock, PRODUCT)
    assert sock["options"] == []
    assert [(one["id"], one["options"], one["stock"], one["available"]) for one in sock["variants"]] == [
        ("sock", [], 1000, True)
    ]


@pytest.mark.parametrize("path", ["/products/tee", "/products?q=tee"])
def test_a_product_with_options_has_its_variants(app: Flask, path: str):
    answer = open_wear(app).api("GET", path).json
    found = answer["items"][0] if "items" in answer else answer
    assert_shape(found, PRODUCT)
    assert found["options"] == [{"name": "Colour", "values": ["Red", "Blue"]}, {"name": "Size", "values": ["S", "M"]}]
    assert (found["price"]["amount"], found["stock"]) == (2000, 8)
    assert [(one["id"], one["options"], one["price"]["amount"], one["stock"]) for one in found["variants"]] == [
        ("tee-red-s", ["Red", "S"], 2000, 3),
        ("tee-red-m", ["Red", "M"], 2000, 0),
        ("tee-blue-s", ["Blue", "S"], 2200, 5),
    ]
    assert [one["available"] for one in found["variants"]] == [True, False, True]


def test_options_are_in_the_shoppers_language(app: Flask):
    headers = {"Accept-Language": "de"}
    found = open_wear(app).api("GET", "/products/tee", headers=headers).json
    assert found["options"][0] == {"name": "Farbe", "values": ["Rot", "Blau"]}
    assert found["variants"][0]["options"] == ["Rot", "S"]


@pytest.mark.parametrize("typed", ["blue", "blau", "Rot"])
def test_search_finds_values_of_options_in_all_languages(app: Flask, typed: str):
    found = open_wear(app).api("GET", f"/products?q={typed}").json
    assert [one["id"] for one in found["items"]] == ["tee"]


RED = variant("tee-red-s", "Red", "S")
FAULTS: list[tuple[dict[str, Any], str]] = [
    (tee(variant("a", "Green", "S")), "product 'tee', variant 'a', options: 'Green' is not a value of 'Colour': "),
    (
        tee(RED, variant("b", "Red", "S")),
        "product 'tee', variant 'b', options: Red, S is the combination of variant",
    ),
    (
        tee(RED, variant("tee-red-s", "Red", "M")),
        "product 'tee', variant 'tee-red-s', id: is the id of another",
    ),
    (tee(variant("sock", "Red", "S")), "product 'tee', variant 'sock', id: is the id of a product"),
    (tee(variant("tee", "Red", "S")), "product 'tee', variant 'tee', id: is the id of a product"),
    (tee(variant("a", "Red")), "product 'tee', variant 'a', options: has 1 values, but the product has 2 options"),
    (tee(variant("a", "Red", "S", stock=-1)), "product 'tee', variant 'a', stock must be at least 0"),
    (tee(variant("a", "Red", "S", price="1.999")), "product 'tee', variant 'a', price: "),
    (tee(variant("a", "Red", "S", gtin="12")), "product 'tee', variant 'a', gtin: '12' is not a GTIN"),
    (tee(variant("a", "Red", "S", colour="x")), "product 'tee', variant 'a', colour is not a known field"),
    (tee(RED) | {"stock": 3}, "product 'tee', stock: is given by variant"),
    (
        tee(RED, variant("b", "Red", "M", stock=10**9)),
        "product 'tee', variants: have a stock of 1000000005 together, which is more than 1000000000",
    ),
    (
        tee(variant("a", "x\ny")) | {"options": [{"name": "Letter", "values": ["x\ny"]}]},
        "product 'tee', options, entry number 1, values, entry number 1: contains a line break",
    ),
    (tee(RED) | {"variants": []}, "product 'tee', variants: a product with options needs at least one"),
    (tee(RED) | {"options": []}, "product 'tee', options: a product with variants needs at least one"),
    (tee(RED) | {"options": OPTIONS * 2}, "product 'tee', options must have at most 3 entries"),
    (tee(RED) | {"options": [OPTIONS[0], OPTIONS[0]]}, "product 'tee', options: 'Colour' is given 2 times"),
    (
        tee(variant("a", "x")) | {"options": [{"name": "Letter", "values": ["x", "x"]}]},
        "product 'tee', options, 'Letter', values: 'x' is given 2 times",
    ),
    (
        tee(variant("a", "1")) | {"options": [{"name": "Number", "values": [str(i) for i in range(51)]}]},
        "product 'tee', options, entry number 1, values must have at most 50 entries",
    ),
    (
        tee(variant("a", "1")) | {"options": [{"name": {"xx": "Number"}, "values": ["1"]}]},
        "product 'tee', options, entry number 1, name: 'xx' is not a supported language",
    ),
    (tee(*(variant(f"v{i}", "Red", "S") for i in range(251))), "product 'tee', variants must have at most 250 entries"),
]  # fmt: skip


@pytest.mark.parametrize(("entry", "words"), FAULTS, ids=[words for _, words in FAULTS])
def test_a_fault_names_shop_product_variant_and_field(entry: dict[str, Any], words: str):
    with pytest.raises(CatalogError) as refused:
        parse_catalog(written(tenant("wear", entry, product("sock"))))
    assert words in str(refused.value)
    assert "tenant 'wear'" in str(refused.value)


def test_values_are_compared_as_they_are_stored():
    """Spaces around a value and direction controls in it are removed, in options and in variants."""
    entry = tee(variant("a", "Red ", "\u202eS")) | {
        "options": [{"name": "Colour", "values": [" Red"]}, {"name": "Size", "values": ["S\u202e"]}]
    }
    (shop,) = parse_catalog(written(tenant("wear", entry))).tenants
    assert shop.products[0].variants[0].options == ["Red", "S"]


def test_an_id_of_another_products_variant_is_refused():
    with pytest.raises(CatalogError) as refused:
        parse_catalog(written(tenant("wear", tee(RED), tee(RED) | {"id": "shirt"})))
    fault = "tenant 'wear', product 'shirt', variant 'tee-red-s', id: is the id of another variant of product 'tee'"
    assert fault in str(refused.value)


def test_an_id_that_the_shop_has_already_is_refused(app: Flask):
    open_wear(app)
    other = tee(variant("tee-red-s", "Red", "S")) | {"id": "shirt"}
    with pytest.raises(CatalogError, match="product 'shirt', variant 'tee-red-s', id: is used by product 'tee'"):
        open_wear(app, other)
    with pytest.raises(CatalogError, match="product 'shirt', variant 'sock', id: is used by product 'sock'"):
        open_wear(app, tee(variant("sock", "Red", "S")) | {"id": "shirt"})


def test_a_products_id_that_another_products_variant_has_is_refused(app: Flask):
    open_wear(app)
    fault = "tenant 'wear', product 'tee-red-s', id: is used by product 'tee' already"
    for other in (product("tee-red-s"), tee(variant("x", "Red", "S")) | {"id": "tee-red-s"}):
        with pytest.raises(CatalogError, match=fault):
            open_wear(app, other)
        with pytest.raises(CatalogError, match=fault):
            open_wear(app, tee(variant("tee-blue-s", "Blue", "S")), other, refresh=True)


def test_an_update_archives_what_left_the_file_and_keeps_stock(app: Flask):
    shopper = open_wear(app)
    cart = shopper.api("POST", "/carts", {"items": [{"variant_id": "tee-red-s", "quantity": 1}]}).json["id"]
    old = shopper.api("POST", "/carts", {"items": [{"variant_id": "tee-red-s", "quantity": 1}]}).json["id"]
    order = shopper.checkout(old).json["id"]
    shopper.post("/cart/items", {"product_id": "tee", "variant_id": "tee-red-s", "quantity": "1"})
    now_sold = (
        variant("tee-blue-s", "Blue", "S", stock=77, price="19.00"),
        variant("tee-blue-m", "Blue", "M", stock=4),
        variant("tee-red-m", "Red", "M", stock=9),
    )
    open_wear(app, tee(*now_sold), refresh=True)
    assert sums(app, "tee") == (1900, 9, 9), "5 blue S as before, 4 blue M, no red M"
    found = shopper.api("GET", "/products/tee").json
    assert [one["id"] for one in found["variants"]] == ["tee-blue-s", "tee-blue-m", "tee-red-m"]
    (line,) = shopper.api("GET", f"/carts/{cart}").json["items"]
    assert (line["variant_id"], line["options"], line["available"]) == ("tee-red-s", ["Red", "S"], False)
    refused = shopper.checkout(cart)
    assert refused.status_code == 409
    assert refused.json["items"] == [{"product_id": "tee", "variant_id": "tee-red-s", "requested": 1, "available": 0}]
    assert shopper.api("GET", f"/orders/{order}").json["items"][0]["variant_id"] == "tee-red-s"
    for page in ("/cart", "/checkout"):
        assert "No longer sold" in shopper.get(page).text, page
    assert "Red" in shopper.get(f"/orders/{order}").text
    again = shopper.api("POST", f"/carts/{cart}/items", {"variant_id": "tee-red-s", "quantity": 1})
    assert again.status_code == 404
    open_wear(app, tee(), refresh=True)
    assert sums(app, "tee") == (2000, 7, 7), "2 red S that were left, and 5 blue ones"


def test_a_product_may_get_options_and_lose_them(app: Flask):
    shopper = open_wear(app)
    item = {"product_id": "sock", "quantity": 1}
    cart = shopper.api("POST", "/carts", {"items": [item]}).json["id"]
    coloured = product(
        "sock", "5.00", options=[OPTIONS[0]], variants=[variant("sock-red", "Red"), variant("sock-blue", "Blue")]
    )
    del coloured["stock"]
    open_wear(app, coloured, refresh=True)
    assert sums(app, "sock") == (500, 10, 10)
    assert shopper.api("GET", f"/carts/{cart}").json["items"][0]["available"] is False
    assert shopper.api("POST", f"/carts/{cart}/items", item).status_code == 422
    assert shopper.api("POST", "/carts", {"items": [item]}).status_code == 422
    open_wear(app, product("sock", "5.00"), refresh=True)
    assert sums(app, "sock") == (500, 1000, 1000)
    assert shopper.api("GET", f"/carts/{cart}").json["items"][0]["available"] is True


def test_an_update_tells_open_pages_of_each_variant(app: Flask):
    open_wear(app)
    open_wear(app, tee(variant("tee-red-s", "Red", "S", price="21.00")), refresh=True)
    with app.app_context(), tenant_context("wear"):
        told = [(one.type, one.data) for one in db.session.scalars(select(Event).where(Event.subject == "tee"))]
    assert ("stock.changed", {"stock": 0, "variant_id": "tee-blue-s"}) in told
    assert ("price.changed", {"price": 2100, "variant_id": "tee-red-s"}) in told


def test_loading_again_changes_nothing(app: Flask):
    shopper = open_wear(app)
    before = shopper.api("GET", "/products/tee").json
    open_wear(app)
    open_wear(app, refresh=True)
    assert shopper.api("GET", "/products/tee").json == before


def test_cart_and_order_say_which_variant_it_is(app: Flask):
    shopper = open_wear(app)
    shopper.post("/cart/items", {"product_id": "tee", "variant_id": "tee-blue-s", "quantity": "1"})
    cart = shopper.get("/cart").text
    assert "Blue / S" in cart
    assert "22.00" in cart
    confirmation = shopper.post("/checkout", {"email": "ada@example.com", "name": "Ada"}, follow_redirects=True).text
    assert "Colour: Blue, Size: S" in confirmation


def test_a_list_shows_the_product_once_from_its_lowest_price(app: Flask):
    page = open_wear(app).get("/").text
    assert page.count('data-product="tee"') == 1
    assert "From €20.00" in page
    assert 'id="choose_tee"' in page
    assert 'id="add_tee"' not in page
    assert 'id="add_sock"' in page


def test_the_feed_has_an_entry_for_each_variant(app: Flask):
    feed = open_wear(app).get("/feed.xml").text
    assert feed.count("<g:item_group_id>tee</g:item_group_id>") == 3
    assert "<g:id>tee-blue-s</g:id>" in feed
    assert "<g:title>Tee (Blue / S)</g:title>" in feed
    assert "<g:price>22.00 EUR</g:price>" in feed
    assert "/products/tee?variant=tee-blue-s</g:link>" in feed
    assert feed.count("<item>") == 4


def test_the_products_page_describes_a_group(app: Flask):
    page = open_wear(app).get("/products/tee").text
    graph = json.loads(re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)[0])["@graph"]
    (group,) = (thing for thing in graph if thing["@type"] == "ProductGroup")
    assert group["productGroupID"] == "tee"
    assert [(one["sku"], one["offers"]["price"]) for one in group["hasVariant"]] == [
        ("tee-red-s", "20.00"),
        ("tee-red-m", "20.00"),
        ("B-1", "22.00"),
    ]
