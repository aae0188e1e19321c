"""Staff and shoppers change the same products at the same time, and a catalogue file is loaded over staff's changes."""

from collections import Counter
from functools import partial

from flask import Flask

from tests.catalog.test_staff_api import staff_of
from tests.catalog.variants import open_wear, tee
from tests.concurrency import at_once, people
from tests.conftest import Person
from tests.factories import import_tenants, product, tenant


def test_no_sale_and_no_adjustment_of_the_stock_is_lost(app: Flask, shopper: Person) -> None:
    staff = staff_of(app, "north")
    staff.change("cup", stock=100)
    carts = [shopper.cart(cup=1, honey=1) for _ in range(10)]
    buying = [partial(who.checkout, cart) for who, cart in zip(people(app, 10), carts, strict=True)]
    adding = [partial(staff_of(app, "north").change, "cup", stock_change=3) for _ in range(10)]
    answers = at_once([act for pair in zip(buying, adding, strict=True) for act in pair])
    assert Counter(answer.status_code for answer in answers) == {201: 10, 200: 10}
    assert shopper.stock("cup") == 100 - 10 + 30


def test_products_are_edited_and_ordered_at_once_without_a_deadlock(app: Flask) -> None:
    shop = open_wear(app).shop
    shopper, staff = Person(app.test_client(), shop), [staff_of(app, shop) for _ in range(6)]
    for _ in range(5):
        items = [{"variant_id": id, "quantity": 1} for id in ("tee-blue-s", "tee-red-s", "sock")]
        staff[0].change("tee/variants/tee-blue-s", stock=50)
        staff[0].change("tee/variants/tee-red-s", stock=50)
        carts = [str(shopper.api("POST", "/carts", {"items": items}).json["id"]) for _ in range(6)]
        buying = [partial(who.checkout, cart) for who, cart in zip(people(app, 6, shop), carts, strict=True)]
        editing = [partial(one.change, "tee", name=f"Tee {number}") for number, one in enumerate(staff[:3])]
        editing += [partial(one.change, "tee/variants/tee-red-s", stock_change=1) for one in staff[3:]]
        answers = at_once([*buying, *editing])
        assert Counter(answer.status_code for answer in answers) == {201: 6, 200: 6}
        stock = {one["id"]: one["stock"] for one in shopper.api("GET", "/products/tee").json["variants"]}
        assert (stock["tee-blue-s"], stock["tee-red-s"]) == (44, 47)
        assert shopper.stock("tee") == sum(stock.values())


def test_a_catalogue_file_leaves_off_sale_what_staff_took_off(app: Flask) -> None:
    shop = open_wear(app)
    staff = staff_of(app, shop.shop)
    staff.change("tee", status="archived")
    staff.change("sock", status="draft")
    changed = tee() | {"price": "25.00", "name": "Shirt"}, product("sock", "6.00")
    import_tenants(app, tenant("wear", *changed, locale="en-IE"), refresh=True)
    assert shop.api("GET", "/products").json["items"] == []
    assert all(event["data"].get("hidden") for event in staff.events() if event["type"] == "price.changed")
    assert staff.change("tee", status="active").json["stock"] == 8
    assert staff.change("sock", status="active").json["stock"] == 1000
    found = shop.api("GET", "/products/tee").json
    assert (found["name"], found["price"]["amount"], found["stock"]) == ("Shirt", 2200, 8)
    assert shop.api("GET", "/products/sock").json["price"]["amount"] == 600


def test_of_two_edits_at_once_the_second_learns_that_something_changed(app: Flask) -> None:
    staff = [staff_of(app, "north") for _ in range(4)]
    for number in range(5):
        etag = staff[0].person.api("GET", "/products/cup").headers["ETag"]
        prices = [1000 + 10 * number + one for one in range(len(staff))]
        edits = [
            partial(one.api, "PATCH", "/products/cup", {"price": price}, If_Match=etag)
            for one, price in zip(staff, prices, strict=True)
        ]
        answers = at_once(edits)
        assert Counter(answer.status_code for answer in answers) == {200: 1, 412: 3}
        (winner,) = [price for price, answer in zip(prices, answers, strict=True) if answer.status_code == 200]
        assert staff[0].person.api("GET", "/products/cup").json["price"]["amount"] == winner
