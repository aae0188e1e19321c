"""An order line is attributed to a suggestion by the signed value in the suggestion's form."""

import re
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import select

from storefront.cart.attribution import MAX_ATTRIBUTION_AGE_SECONDS, attribution_signer
from storefront.cart.models import Cart
from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.upsell import jobs
from storefront.upsell.impressions import impression_buffer
from tests.conftest import PATIENT_DATABASE, Person
from tests.upsell.conftest import stored_impressions


@pytest.fixture
def shopper(shopper: Person) -> Person:
    """A shopper with a product in the cart."""
    shopper.post("/cart/items", {"product_id": "beans", "quantity": 1})
    return shopper


def signed_values(person: Person) -> dict[str, str]:
    """The signed value of each suggestion's form, by product id."""
    panel = person.get("/checkout/upsell").text
    fields = r'name="product_id" value="([^"]+)".*?name="upsell" value="([^"]+)"'
    return dict(re.findall(fields, panel, re.DOTALL))


def is_attributed(person: Person, product_id: str, value: str) -> bool:
    """Add the product with this value, place the order, and return its line's `from_upsell`."""
    added = person.post("/cart/items", {"product_id": product_id, "upsell": value, "next": "checkout"})
    assert added.status_code == 303
    placed = person.post("/checkout", {"email": "ada@example.com", "name": "Ada"})
    items = person.api("GET", f"/orders/{placed.location.rsplit('/', 1)[1]}").json["items"]
    found: dict[str, bool] = {item["product_id"]: item["from_upsell"] for item in items}
    return found[product_id]


def sign_value(app: Flask, tenant_id: str, product_id: str, age_seconds: int = 0) -> str:
    """Sign a value as this tenant did `age_seconds` ago, for the only cart of "north"."""
    with app.app_context(), tenant_context("north"):
        cart_id = db.session.scalars(select(Cart.id)).one()
    with app.app_context(), tenant_context(tenant_id):
        signer = attribution_signer(cart_id, product_id)
        signer.get_timestamp = lambda: int(time.time()) - age_seconds  # type: ignore[method-assign]
        return signer.sign("an-impression").decode()


def test_a_value_is_valid_before_its_impression_is_written(make_app: Callable[..., Flask]) -> None:
    app = make_app(replace(PATIENT_DATABASE, impression_flush_delay=3600))
    shopper = Person(app.test_client(), "north")
    shopper.post("/cart/items", {"product_id": "beans", "quantity": 1})
    jobs.start(app)
    try:
        value = signed_values(shopper)["cup"]
        assert is_attributed(shopper, "cup", value)
        assert stored_impressions(app) == []
        assert len(impression_buffer(app).take("north")) == 1, "the impression waits to be written"
    finally:
        jobs.stop(app)


def test_a_value_is_valid_for_its_product_only(shopper: Person) -> None:
    values = signed_values(shopper)
    assert {"cup", "pot"} <= values.keys()
    assert not is_attributed(shopper, "cup", values["pot"])


def test_a_value_is_valid_for_its_cart_only(app: Flask, shopper: Person) -> None:
    other = Person(app.test_client(), "north")
    other.post("/cart/items", {"product_id": "beans", "quantity": 1})
    assert not is_attributed(shopper, "cup", signed_values(other)["cup"])


@pytest.mark.parametrize(("tenant_id", "is_valid"), [("north", True), ("south", False)])
def test_a_value_is_valid_for_its_tenant_only(app: Flask, shopper: Person, tenant_id: str, is_valid: bool) -> None:
    assert is_attributed(shopper, "cup", sign_value(app, tenant_id, "cup")) is is_valid


@pytest.mark.parametrize(("seconds_left", "is_valid"), [(60, True), (-1, False)])
def test_a_value_expires(app: Flask, shopper: Person, seconds_left: int, is_valid: bool) -> None:
    age = MAX_ATTRIBUTION_AGE_SECONDS - seconds_left
    value = sign_value(app, "north", "cup", age)
    assert is_attributed(shopper, "cup", value) is is_valid


@pytest.mark.parametrize(
    "forge",
    [
        lambda value: value.rpartition(".")[0] + "." + "A" * 43,
        lambda value: "x" + value,
        lambda value: value.split(".")[0],
        lambda value: value.rpartition(".")[0] + ".",
    ],
    ids=["wrong signature", "wrong impression", "no signature", "empty signature"],
)
def test_a_forged_value_is_ignored(shopper: Person, forge: Callable[[str], str]) -> None:
    assert not is_attributed(shopper, "cup", forge(signed_values(shopper)["cup"]))
