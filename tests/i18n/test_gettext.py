"""No text of a page is outside of messages, checked with the pseudo-locale."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, request
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from storefront.cart.models import Cart
from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.db.transactions import write
from storefront.orders.fulfilment import cancel_order
from storefront.orders.models import Order, OrderStatus
from tests.conftest import CATALOG, Person
from tests.factories import change_product
from tests.i18n.pseudo_locale import speak_in_marks, unmarked

NORTH = next(shop for shop in json.loads(CATALOG.read_text())["tenants"] if shop["id"] == "north")
WRITTEN_BY_OTHERS = [
    *(text for one in NORTH["products"] for text in (one["name"], one["description"], one["category"], *one["tags"])),
    *(offer["code"] for offer in NORTH["promotions"]),
    *("North", "South", "Far East", "Storefront", "EUR", "Ada", "ada@example.com", "xyzzy", "espreso", "UTC", "API"),
]
AT_REST = ("events.stream", "seo.sitemap", "seo.feed", "root_files.robots", "root_files.llms", "static")
"""Nobody reads these as pages."""
Visit = Callable[[Person], TestResponse]


def filled(person: Person, **more: Any) -> Person:
    for id, quantity in {"beans": 2, "cup": 1, **more}.items():
        person.post("/cart/items", {"product_id": id, "quantity": quantity})
    return person


def checkout(person: Person, **form: Any) -> TestResponse:
    return filled(person).post("/checkout", {"email": "ada@example.com", "name": "Ada", **form})


def order(person: Person) -> str:
    return checkout(person).headers["Location"].removeprefix("/t/north")


def too_many(person: Person) -> TestResponse:
    filled(person, beans=500)
    change_product(person.client.application, "north", "cup", stock=0)
    return person.post("/checkout", {"email": "ada@example.com", "name": "Ada"})


def cut_short(person: Person) -> TestResponse:
    filled(person, beans=500)
    change_product(person.client.application, "north", "cup", stock=0)
    return person.get("/cart")


def cancelled(person: Person) -> TestResponse:
    where = order(person)
    with person.client.application.app_context(), tenant_context("north"):
        cancel_order(where.rpartition("/")[2])
    return person.get(where)


def fulfilled(person: Person) -> TestResponse:
    where = order(person)
    with person.client.application.app_context(), tenant_context("north"), write():
        db.session.get(Order, ("north", where.rpartition("/")[2])).status = OrderStatus.FULFILLED
    return person.get(where)


def run_out(person: Person) -> TestResponse:
    filled(person)
    with person.client.application.app_context(), tenant_context("north"), write():
        db.session.execute(update(Cart).values(promo_code="BYGONE"))
    return person.get("/cart")


def after(act: Callable[[Person], object], then: Visit) -> Visit:
    def visit(person: Person) -> TestResponse:
        act(person)
        return then(person)

    return visit


def at(path: str, **kwargs: Any) -> Visit:
    return lambda person: person.get(path, **kwargs)


def suggested(person: Person, **form: Any) -> TestResponse:
    filled(person)
    person.post("/cart/items", {"product_id": "honey", "quantity": 1, "next": "checkout", **form})
    return person.get("/checkout")


def sold_out_meanwhile(person: Person) -> TestResponse:
    change_product(person.client.application, "north", "honey", stock=0)
    return suggested(person)


VISITS: dict[str, Visit] = {
    "front": at("/"),
    "search": at("/?q=espresso"),
    "search in a category": at("/?q=beans&category=Coffee"),
    "forgiven": at("/?q=espreso"),
    "nothing found": at("/?q=xyzzy"),
    "nothing in a category": at("/?q=xyzzy&category=Coffee"),
    "category": at("/?category=Brewers"),
    "empty category": at("/?category=xyzzy"),
    "beyond the end": at("/?page=99"),
    "filtered": at("/?min_price=1&sort=-price&in_stock=1"),
    "filtered search": at("/?min_price=1&q=beans"),
    "filtered away": at("/?min_price=9000&q=beans&category=Coffee"),
    "wrong filters": at("/?min_price=xyzzy&sort=xyzzy&in_stock=xyzzy"),
    "prices crossed": at("/?min_price=9&max_price=1"),
    "typing": at("/suggest?q=caf"),
    "categories": at("/categories"),
    "no such category": at("/categories?q=xyzzy"),
    "no category": lambda person: person.client.get("/t/far-east/categories"),
    "product": at("/products/beans"),
    "low product": at("/products/cup"),
    "sold-out product": at("/products/filter"),
    "no product": at("/products/nosuch"),
    "no page": at("/nosuch"),
    "wrong method": at("/cart/items"),
    "empty cart": at("/cart"),
    "cart": after(filled, at("/cart")),
    "added": lambda person: person.post("/cart/items", {"product_id": "beans"}, follow_redirects=True),
    "cart with a code": after(
        filled, lambda person: person.post("/cart/promo", {"code": "SUMMER10"}, follow_redirects=True)
    ),
    "code that ran out": run_out,
    "checkout with a code that ran out": after(run_out, at("/checkout")),
    "wrong code": after(filled, lambda person: person.post("/cart/promo", {"code": "xyzzy"})),
    "old code": after(filled, lambda person: person.post("/cart/promo", {"code": "BYGONE"})),
    "short of stock": cut_short,
    "wrong quantity": lambda person: person.post("/cart/items", {"product_id": "beans", "quantity": "xyzzy"}),
    "too many in a line": lambda person: filled(person, beans=999).post(
        "/cart/items", {"product_id": "beans", "quantity": 9}
    ),
    "another site": lambda person: person.post("/cart/items", headers={"Sec-Fetch-Site": "cross-site"}),
    "checkout": after(filled, at("/checkout")),
    "nobody": lambda person: checkout(person, email="", name=""),
    "no address": lambda person: checkout(person, email="xyzzy", name="Ada" * 100),
    "bad name": lambda person: checkout(person, name="Ada\x07"),
    "another total": lambda person: checkout(person, expected_total=1),
    "no total": lambda person: checkout(person, expected_total="xyzzy"),
    "other lines": lambda person: checkout(person, shown_lines="xyzzy"),
    "too much wanted": too_many,
    "no cart": lambda person: person.post(
        "/checkout", {"cart_id": "nosuch", "email": "ada@example.com", "name": "Ada"}
    ),
    "suggestions": after(filled, at("/checkout/upsell")),
    "suggestions as a page": after(filled, at("/checkout/upsell?page=1")),
    "no suggestions": at("/checkout/upsell?page=1"),
    "suggestion taken": suggested,
    "suggestion dearer": lambda person: suggested(person, price="1"),
    "suggestion gone": sold_out_meanwhile,
    "order": lambda person: person.get(order(person)),
    "order cancelled": cancelled,
    "order sent": fulfilled,
    "no order": at("/orders/nosuch"),
    "message in place": lambda person: person.region("/products/nosuch", "div#products"),
    "reference for developers": at("/api/v1/docs"),
    "all shops": lambda person: person.client.get("/"),
    "no shop": lambda person: person.client.get("/t/nosuch/"),
    "nothing at the root": lambda person: person.client.get("/cart"),
}


@pytest.mark.parametrize("name", VISITS)
def test_every_text_of_a_page_is_a_message(shopper: Person, monkeypatch: pytest.MonkeyPatch, name: str):
    speak_in_marks(monkeypatch)
    answer = VISITS[name](shopper)
    assert "⟦" in answer.text or name == "typing"
    with shopper.client.application.app_context(), tenant_context("north"):
        numbers = list(db.session.scalars(select(Order.number)))
    assert unmarked(answer.text, [*WRITTEN_BY_OTHERS, *numbers]) == []


def test_every_page_there_is_was_looked_at(app: Flask):
    seen: set[str | None] = set()
    app.before_request(lambda: seen.add(request.endpoint))
    for visit in VISITS.values():
        change_product(app, "north", "cup", stock=3)
        change_product(app, "north", "honey", stock=50)
        visit(Person(app.test_client(), "north"))
    pages = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and not rule.rule.startswith("/api/") and rule.endpoint not in AT_REST
    }
    elsewhere = ("observability.", "admin.", "staff.", "setup.")  # the staff's pages are in test_staff_pages.py
    assert {page for page in pages if not page.startswith(elsewhere)} <= seen


def test_a_text_that_is_no_message_would_be_found(shopper: Person, monkeypatch: pytest.MonkeyPatch):
    speak_in_marks(monkeypatch)
    page = shopper.get("/").text
    assert unmarked(page.replace("⟦All⟧", "All"), WRITTEN_BY_OTHERS) == ["All"]
    assert unmarked(page.replace('placeholder="⟦Search⟧"', 'placeholder="Search"'), WRITTEN_BY_OTHERS) == ["Search"]


def test_a_fault_of_the_shop_is_said_in_the_shoppers_language(app: Flask, monkeypatch: pytest.MonkeyPatch):
    speak_in_marks(monkeypatch)
    app.testing = False
    monkeypatch.setattr("storefront.catalog.pages.search_products", lambda *_: 1 / 0)
    answer = Person(app.test_client(), "north").get("/")
    assert answer.status_code == 500
    assert unmarked(answer.text, WRITTEN_BY_OTHERS) == []
