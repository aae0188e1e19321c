"""A product with options is suggested by a variant that is in stock."""

import re

from flask import Flask

from tests.catalog.variants import open_wear, tee, variant
from tests.factories import product


def test_a_suggestion_names_a_variant_in_stock_links_to_it_and_adds_it(app: Flask):
    shirt = tee(variant("tee-red-s", "Red", "S", stock=0), variant("tee-blue-s", "Blue", "S", stock=4, price="22.00"))
    sock = product("sock", "5.00", goes_with=[{"id": "tee", "why": "Warm from top to toe."}])
    shopper = open_wear(app, sock, shirt)
    shopper.post("/cart/items", {"product_id": "sock"})
    panel = shopper.get("/checkout/upsell").text
    assert "Blue / S" in panel
    assert "€22.00" in panel
    assert re.search(r'href="[^"]*/products/tee\?variant=tee-blue-s"', panel)
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', panel))
    shopper.post("/cart/items", fields)
    cart = shopper.get("/cart").text
    assert "Blue / S" in cart
    assert "Total €27.00" in cart
