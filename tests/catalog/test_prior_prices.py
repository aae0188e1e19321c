"""Shops in the EU show the lowest price of the 30 days before a reduction beside the reduced price."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask

from storefront.catalog import actions, option_actions
from storefront.db.tenant_context import tenant_context
from storefront.tenants.registry import registry
from tests.conftest import Person
from tests.factories import import_tenants, product, tenant

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
WORDS = "Lowest price in the last 30 days: "


@pytest.fixture
def shop(app: Flask) -> Person:
    open_shop(app, "west", "IE")
    return Person(app.test_client(), "west")


def open_shop(app: Flask, id: str, country: str | None, price: str = "10.00", **more: Any) -> None:
    shirt = {
        **{"id": "tee", "name": "Tee", "price": "20.00", "options": [{"name": "Size", "values": ["S", "M"]}]},
        "variants": [{"id": f"tee-{size.lower()}", "options": [size], "stock": 3} for size in ("S", "M")],
    }
    import_tenants(app, tenant(id, product("mug", price), shirt, country=country, locale="en-IE"), **more)


def reprice(app: Flask, day: int, price: int, variant: str = "", shop: str = "west") -> None:
    """Change the price of the mug, or of a variant of the shirt, on this day."""
    with time_machine.travel(START + timedelta(days=day), tick=False), app.app_context(), tenant_context(shop):
        found = registry().all()[shop]
        if variant:
            actions.change_variant(found, "tee", variant, {"price": price})
        else:
            actions.change_product(found, "mug", {"price": price})


def shown(person: Person, day: int, path: str = "/products/mug") -> str:
    """Return the prior price that a page shows on this day; empty if none."""
    with time_machine.travel(START + timedelta(days=day), tick=False):
        page = person.get(path, headers={"Accept-Language": "en"})
    assert page.status_code == 200
    return page.text.partition(WORDS)[2].partition("<")[0]


def test_reduced_price_is_shown_with_the_lowest_of_30_days(app: Flask, shop: Person):
    reprice(app, 40, 1200)
    reprice(app, 50, 900)
    for path in ("/", "/products/mug"):
        assert [shown(shop, day, path) for day in (51, 79, 81)] == ["€10.00", "€10.00", ""], path


def test_price_before_the_30_days_does_not_count(app: Flask, shop: Person):
    reprice(app, 1, 1200)
    reprice(app, 50, 1100)
    assert shown(shop, 51) == "€12.00"


def test_price_that_was_as_low_is_not_reduced(app: Flask, shop: Person):
    reprice(app, 40, 1200)
    reprice(app, 41, 1000)
    assert shown(shop, 42) == ""


def test_higher_price_ends_the_reduction(app: Flask, shop: Person):
    reprice(app, 40, 900)
    assert shown(shop, 41) == "€10.00"
    reprice(app, 42, 950)
    assert shown(shop, 43) == ""


def test_reduction_of_a_reduced_price_is_compared_with_that(app: Flask, shop: Person):
    reprice(app, 40, 900)
    reprice(app, 45, 800)
    assert shown(shop, 46) == "€9.00"


def test_variant_has_its_own(app: Flask, shop: Person):
    reprice(app, 40, 1500, "tee-s")
    assert shown(shop, 41, "/products/tee?variant=tee-s") == "€20.00"
    assert shown(shop, 41, "/products/tee?variant=tee-m") == ""
    assert shown(shop, 41, "/products/tee") == ""


def test_import_reduces_prices_too(app: Flask, shop: Person):
    with time_machine.travel(START + timedelta(days=40), tick=False):
        open_shop(app, "west", "IE", "8.00", refresh=True)
    assert shown(shop, 41) == "€10.00"
    assert shown(shop, 41, "/") == "€10.00"


@pytest.mark.parametrize("country", [None, "US"])
def test_shop_outside_the_eu_shows_none(app: Flask, country: str | None):
    open_shop(app, "east", country)
    reprice(app, 40, 900, shop="east")
    assert shown(Person(app.test_client(), "east"), 41) == ""


@pytest.mark.parametrize(("price", "prior"), [(1000, ""), (700, "€8.00")])
def test_variant_that_was_deleted_and_added_again_keeps_its_history(
    app: Flask, shop: Person, price: int, prior: str
) -> None:
    reprice(app, 5, 800, "tee-m")
    with time_machine.travel(START + timedelta(days=10), tick=False), app.app_context(), tenant_context("west"):
        found = registry().all()["west"]
        option_actions.remove_variants(found, "tee", ["tee-m"], lambda *_: ())
        option_actions.add_variants(found, "tee", [["M"]], 2000, 5)
    reprice(app, 12, price, "tee-1")
    assert shown(shop, 12, "/products/tee?variant=tee-1") == prior
    reprice(app, 41, 600, "tee-1")
    assert shown(shop, 41, "/products/tee?variant=tee-1") == f"€{price / 100:.2f}"
