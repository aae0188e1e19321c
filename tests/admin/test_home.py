"""The back office's home: sales, what is to be done, and what suggestions earn."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import time_machine
from flask import Flask

from storefront.admin.charts import bar_chart, y_labels
from storefront.admin.home_queries import low_stock
from storefront.clock import now
from storefront.db.tenant_context import tenant_context
from storefront.orders.sales import Sales, sales_by_day
from storefront.staff.permissions import Role
from tests.catalog.test_staff_api import staff_of
from tests.catalog.variants import open_wear
from tests.conftest import Person
from tests.factories import cancel, place_order
from tests.staff.factories import signed_in

NOON = datetime(2026, 7, 15, 12, tzinfo=UTC)
DUBLIN = ZoneInfo("Europe/Dublin")


def sales_of(app: Flask, days: int) -> Sales:
    with app.app_context(), tenant_context("north"):
        day = (now() - timedelta(days=days)).astimezone(DUBLIN).date()
        return sales_by_day(day, day, DUBLIN)[day]


def test_sales_of_a_day_that_is_over_are_kept_until_an_order_of_it_is_cancelled(app: Flask, shopper: Person) -> None:
    with time_machine.travel(NOON - timedelta(days=3), tick=False):
        order = place_order(shopper, honey=1)
        place_order(shopper, honey=2)
    with time_machine.travel(NOON, tick=False):
        before = sales_of(app, 3)
        assert before.orders == 2
        assert sales_of(app, 3) == before, "from its row"
        cancel(app, order)
        assert sales_of(app, 3) == Sales(1, before.revenue * 2 // 3)
        assert sales_of(app, 2) == Sales()


def test_a_day_begins_at_midnight_of_the_shop(app: Flask, shopper: Person) -> None:
    with time_machine.travel(datetime(2026, 7, 14, 23, 30, tzinfo=UTC), tick=False):
        place_order(shopper, honey=1)
    with time_machine.travel(NOON, tick=False):
        assert sales_of(app, 0).orders == 1, "half past midnight in Dublin"
        assert sales_of(app, 1).orders == 0


def test_home_compares_with_the_period_before(app: Flask, shopper: Person) -> None:
    owner = signed_in(app, "north", Role.OWNER)
    with time_machine.travel(now() - timedelta(days=1, hours=1)):
        place_order(shopper, honey=1)
    place_order(shopper, honey=2)
    page = owner.get("/admin/").text
    assert "Today" in page
    assert "Stone Cup" in page, "low stock"
    assert "Orders to ship: 2" in page
    assert page.count('role="img"') == 2
    assert "<style" not in page.split("</head>")[1]
    assert "style=" not in page.split("</head>")[1]


def test_charts_are_labelled_with_amounts_and_whole_dates() -> None:
    labels = ["1 July", "16 July", "30 July"]
    drawn = bar_chart("Revenue", tuple(labels), (0, 0, 1490), lambda cents: f"€{cents / 100:.2f}", ())
    assert all(f">{label}</text>" in drawn for label in labels)
    assert ">€20.00</text>" in drawn
    assert ">2000</text>" not in drawn


def test_an_axis_counts_whole_units_of_the_currency() -> None:
    assert y_labels(0, 100) == [0, 100, 200, 300, 400]
    assert y_labels(1490, 100) == [0, 500, 1000, 1500, 2000]
    assert y_labels(3, 1) == [0, 1, 2, 3, 4]


def test_a_shop_that_has_sold_nothing_shows_no_charts(app: Flask, shopper: Person) -> None:
    owner = signed_in(app, "north", Role.OWNER)
    empty = owner.get("/admin/").text
    assert "Nothing sold in the last 30 days." in empty
    assert 'role="img"' not in empty
    place_order(shopper, honey=1)
    assert "Nothing sold in the last 30 days." not in owner.get("/admin/").text


def test_low_stock_is_that_of_the_variant_with_the_fewest(app: Flask) -> None:
    shop = open_wear(app).shop
    sizes = [{"id": "cap-s", "options": ["S"], "stock": 1}, {"id": "cap-l", "options": ["L"], "stock": 40}]
    made = staff_of(app, shop).create(
        id="cap", name="Cap", price=1500, options=[{"name": "Size", "values": ["S", "L"]}], variants=sizes
    )
    with app.app_context(), tenant_context(shop):
        low = {row.id: row.stock for row in low_stock().products}
    assert made.json["stock"] == 41
    assert low["cap"] == 1


def test_home_shows_what_the_role_may_see(app: Flask) -> None:
    clerk = signed_in(app, "north", Role.CLERK)
    page = clerk.get("/admin/").text
    assert "Low stock" in page
    assert "/admin/products" not in page
    assert "/admin/upsell" not in page
