"""A variant that is asked for in two ways is one line, and a line keeps the values of a variant that left the shop."""

from typing import Any

import pytest
from flask import Flask

from tests.api_contract import assert_problem
from tests.catalog.variants import OPTIONS, open_wear, tee, variant
from tests.conftest import Person
from tests.factories import product

SOCK, ITS_VARIANT = {"product_id": "sock"}, {"variant_id": "sock"}
RED, RED_TEE = {"variant_id": "tee-red-s"}, {"product_id": "tee", "variant_id": "tee-red-s"}
CAP, ITS_ONLY_VARIANT = {"product_id": "cap"}, {"variant_id": "cap-red"}
SAME = [(SOCK, ITS_VARIANT), (SOCK, SOCK | ITS_VARIANT), (RED, RED_TEE), (RED_TEE, RED), (CAP, ITS_ONLY_VARIANT)]


def coloured(id: str, *variants: dict[str, Any]) -> dict[str, Any]:
    found = product(id, "9.00", options=[OPTIONS[0]], variants=list(variants))
    del found["stock"]
    return found


@pytest.fixture
def shopper(app: Flask) -> Person:
    return open_wear(app, tee(), product("sock", "5.00"), coloured("cap", variant("cap-red", "Red")))


def ask_for(*items: tuple[dict[str, str], int]) -> dict[str, Any]:
    return {"items": [{**ids, "quantity": quantity} for ids, quantity in items]}


@pytest.mark.parametrize(("one", "other"), SAME)
def test_a_variant_named_in_two_ways_is_one_line(shopper: Person, one: dict[str, str], other: dict[str, str]):
    answer = shopper.api("POST", "/carts", ask_for((one, 2), (other, 3), (one, 1)))
    assert answer.status_code == 201, answer.text
    assert [line["quantity"] for line in answer.json["items"]] == [6]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_sum_of_both_must_be_a_quantity(shopper: Person, one: dict[str, str], other: dict[str, str]):
    assert_problem(shopper.api("POST", "/carts", ask_for((one, 600), (other, 600))), 422, field="quantity")


CHANGES = {
    "another option": coloured("tee", variant("tee-s", "S")) | {"options": [OPTIONS[1]]},
    "one option less": coloured("tee", variant("tee-red", "Red")),
    "no options": product("tee", "20.00"),
    "another order": coloured("tee", variant("tee-s-red", "S", "Red")) | {"options": OPTIONS[::-1]},
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_line_keeps_all_values_of_a_variant_that_is_no_longer_sold(app: Flask, shopper: Person, change: str):
    cart = shopper.api("POST", "/carts", ask_for((RED, 1), ({"variant_id": "tee-red-m"}, 1))).json["id"]
    shopper.post("/cart/items", RED_TEE)
    open_wear(app, CHANGES[change], refresh=True)
    lines = shopper.api("GET", f"/carts/{cart}").json["items"]
    assert [(line["options"], line["available"]) for line in lines] == [(["Red", "S"], False), (["Red", "M"], False)]
    page = shopper.get("/cart").text
    assert "Red / S" in page
    assert "No longer sold" in page
