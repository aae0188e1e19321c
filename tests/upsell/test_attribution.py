"""A line is attributed to the suggestion that it was taken from by a signed value in the suggestion's form."""

import re
import time
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from sqlalchemy import select

from storefront.cart.attribution import MAX_ATTRIBUTION_AGE_SECONDS, attribution_signer
from storefront.cart.models import Cart
from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.upsell import jobs
from storefront.upsell.impressions import impression_buffer
from tests.conftest import Person
from tests.upsell.conftest import showings


@pytest.fixture
def shopper(shopper: Person) -> Person:
    """A shopper with something in the cart."""
    shopper.post("/cart/items", {"product_id": "beans", "quantity": 1})
    return shopper


@pytest.fixture
def serving(app: Flask) -> Iterator[Flask]:
    """The app as in a process that serves requests, where impressions are written later."""
    jobs.start(app)
    yield app
    jobs.stop(app)


def signed_values(person: Person) -> dict[str, str]:
    """The value in the form of each suggestion, by product."""
    panel = person.get("/checkout/upsell").text
    fields = r'name="product_id" value="([^"]+)".*?name="upsell" value="([^"]+)"'
    return dict(re.findall(fields, panel, re.DOTALL))


def attributed(person: Person, product_id: str, value: str) -> bool:
    """Add the product with this value, place the order, and tell whether its line came from a suggestion."""
    added = person.post("/cart/items", {"product_id": product_id, "upsell": value, "next": "checkout"})
    assert added.status_code == 303
    placed = person.post("/checkout", {"email": "ada@example.com", "name": "Ada"})
    items = person.api("GET", f"/orders/{placed.location.rsplit('/', 1)[1]}").json["items"]
    found: dict[str, bool] = {item["product_id"]: item["from_upsell"] for item in items}
    return found[product_id]


def signed(app: Flask, tenant_id: str, product_id: str, age_seconds: int = 0) -> str:
    """A value that this tenant signed for the only cart of "north", some time ago."""
    with app.app_context(), tenant_context("north"):
        cart_id = db.session.scalars(select(Cart.id)).one()
    with app.app_context(), tenant_context(tenant_id):
        signer = attribution_signer(cart_id, product_id)
        signer.get_timestamp = lambda: int(time.time()) - age_seconds  # type: ignore[method-assign]
        return signer.sign("an-impression").decode()


def test_a_value_counts_before_its_impression_is_written(serving: Flask, shopper: Person) -> None:
    value = signed_values(shopper)["cup"]
    impression_buffer(serving).take("north")
    assert attributed(shopper, "cup", value)
    assert showings(serving) == []


def test_a_value_counts_for_its_own_product_only(shopper: Person) -> None:
    values = signed_values(shopper)
    assert {"cup", "pot"} <= values.keys()
    assert not attributed(shopper, "cup", values["pot"])


def test_a_value_counts_for_its_own_cart_only(app: Flask, shopper: Person) -> None:
    other = Person(app.test_client(), "north")
    other.post("/cart/items", {"product_id": "beans", "quantity": 1})
    assert not attributed(shopper, "cup", signed_values(other)["cup"])


@pytest.mark.parametrize(("tenant_id", "counts"), [("north", True), ("south", False)])
def test_a_value_counts_in_its_own_shop_only(app: Flask, shopper: Person, tenant_id: str, counts: bool) -> None:
    assert attributed(shopper, "cup", signed(app, tenant_id, "cup")) is counts


@pytest.mark.parametrize(("seconds_left", "counts"), [(60, True), (-1, False)])
def test_a_value_expires(app: Flask, shopper: Person, seconds_left: int, counts: bool) -> None:
    age = MAX_ATTRIBUTION_AGE_SECONDS - seconds_left
    value = signed(app, "north", "cup", age)
    assert attributed(shopper, "cup", value) is counts


@pytest.mark.parametrize(
    "forge",
    [
        lambda value: value.rpartition(".")[0] + "." + "A" * 43,
        lambda value: "x" + value,
        lambda value: value.split(".")[0],
        lambda value: value.rpartition(".")[0] + ".",
    ],
    ids=["another signature", "another impression", "no signature", "an empty signature"],
)
def test_a_forged_value_does_not_count(shopper: Person, forge: Callable[[str], str]) -> None:
    assert not attributed(shopper, "cup", forge(signed_values(shopper)["cup"]))
