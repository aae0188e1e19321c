"""A product in variants, for the tests."""

from typing import Any

from flask import Flask

from tests.conftest import Person
from tests.factories import product, put_up, tenant

OPTIONS = [
    {"name": {"en": "Colour", "de": "Farbe"}, "values": [{"en": "Red", "de": "Rot"}, {"en": "Blue", "de": "Blau"}]},
    {"name": {"en": "Size", "de": "Größe"}, "values": ["S", "M"]},
]


def variant(id: str, *options: str, stock: int = 5, **more: Any) -> dict[str, Any]:
    return {"id": id, "options": list(options), "stock": stock, **more}


def tee(*variants: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A shirt: red S and M, blue S only, which costs more."""
    shown = variants or (
        variant("tee-red-s", "Red", "S", stock=3),
        variant("tee-red-m", "Red", "M", stock=0),
        variant("tee-blue-s", "Blue", "S", stock=5, price="22.00", sku="B-1"),
    )
    found = product("tee", "20.00", options=OPTIONS, variants=list(shown), **more)
    del found["stock"]
    return found


def open_wear(app: Flask, *products: dict[str, Any], refresh: bool = False) -> Person:
    """A shop with the shirt, and whoever looks at it."""
    put_up(app, tenant("wear", *(products or (tee(), product("sock", "5.00"))), locale="en-IE"), refresh=refresh)
    return Person(app.test_client(), "wear")
