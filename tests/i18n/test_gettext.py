"""Every text of a page is a message, checked with the pseudo-locale."""

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
from tests.i18n.pseudo_locale import unmarked, use_pseudo_locale

NORTH = next(shop for shop in json.loads(CATALOG.read_text())["tenants"] if shop["id"] == "north")
NOT_MESSAGES = [
    *(text for one in NORTH["products"] for text in (one["name"], one["description"], one["category"], *one["tags"])),
    *(offer["code"] for offer in NORTH["promotions"]),
    *("North", "South", "Far East", "Storefront", "EUR", "Ada", "ada@example.com", "xyzzy", "espreso", "UTC", "API"),
]
NOT_PAGES = (
    "events.stream",
    "seo.sitemap",
    "seo.feed",
    "root_files.robots",
    "root_files.llms",
    "static",
    "media.picture",
    "payments.come_back",
)
"""Endpoints that are no pages."""
Visit = Callable[[Person], TestResponse]


def with_cart(person: Person, **quantities: Any) -> Person:
    for id, quantity in {"beans": 2, "cup": 1, **quantities}.items():
        person.post("/cart/items", {"product_id": id, "quantity": quantity})
    return person


def checkout(person: Person, **form: Any) -> TestResponse:
    return with_cart(person).post("/checkout", {"email": "ada@example.com", "name": "Ada", **form})


def order(person: Person) -> str:
    return checkout(person).headers["Location"].removeprefix("/t/north")


def checkout_out_of_stock(person: Person) -> TestResponse:
    with_cart(person, beans=500)
    change_product(person.client.application, "north", "cup", stock=0)
    return person.post("/checkout", {"email": "ada@example.com", "name": "Ada"})


def cart_out_of_stock(person: Person) -> TestResponse:
    with_cart(person, beans=500)
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


def cart_with_expired_code(person: Person) -> TestResponse:
    with_cart(person)
    with person.client.application.app_context(), tenant_context("north"), write():
        db.session.execute(update(Cart).values(promo_code="BYGONE"))
    return person.get("/cart")


def after(prepare: Callable[[Person], object], then: Visit) -> Visit:
    def visit(person: Person) -> TestResponse:
        prepare(person)
        return then(person)

    return visit


def at(path: str, **kwargs: Any) -> Visit:
    return lambda person: person.get(path, **kwargs)


def suggested(person: Person, **form: Any) -> TestResponse:
    with_cart(person)
    person.post("/cart/items", {"product_id": "honey", "quantity": 1, "next": "checkout", **form})
    return person.get("/checkout")


def sold_out_meanwhile(person: Person) -> TestResponse:
    change_product(person.client.application, "north", "honey", stock=0)
    return suggested(person)


VISITS: dict[str, Visit] = {
    "home": at("/"),
    "search": at("/?q=espresso"),
    "search in a category": at("/?q=beans&category=Coffee"),
    "corrected search": at("/?q=espreso"),
    "nothing found": at("/?q=xyzzy"),
    "nothing in a category": at("/?q=xyzzy&category=Coffee"),
    "category": at("/?category=Brewers"),
    "empty category": at("/?category=xyzzy"),
    "beyond the end": at("/?page=99"),
    "filtered": at("/?min_price=1&sort=-price&in_stock=1"),
    "filtered search": at("/?min_price=1&q=beans"),
    "no product matches the filter": at("/?min_price=9000&q=beans&category=Coffee"),
    "invalid filters": at("/?min_price=xyzzy&sort=xyzzy&in_stock=xyzzy"),
    "minimum price above maximum": at("/?min_price=9&max_price=1"),
    "autocomplete": at("/suggest?q=caf"),
    "categories": at("/categories"),
    "no category matches": at("/categories?q=xyzzy"),
    "shop without categories": lambda person: person.client.get("/t/far-east/categories"),
    "product": at("/products/beans"),
    "product with low stock": at("/products/cup"),
    "sold-out product": at("/products/filter"),
    "unknown product": at("/products/nosuch"),
    "unknown page": at("/nosuch"),
    "wrong method": at("/cart/items"),
    "empty cart": at("/cart"),
    "cart": after(with_cart, at("/cart")),
    "added message": lambda person: person.post("/cart/items", {"product_id": "beans"}, follow_redirects=True),
    "cart with a code": after(
        with_cart, lambda person: person.post("/cart/promo", {"code": "SUMMER10"}, follow_redirects=True)
    ),
    "cart with an expired code": cart_with_expired_code,
    "checkout with an expired code": after(cart_with_expired_code, at("/checkout")),
    "unknown code": after(with_cart, lambda person: person.post("/cart/promo", {"code": "xyzzy"})),
    "expired code": after(with_cart, lambda person: person.post("/cart/promo", {"code": "BYGONE"})),
    "cart out of stock": cart_out_of_stock,
    "invalid quantity": lambda person: person.post("/cart/items", {"product_id": "beans", "quantity": "xyzzy"}),
    "quantity above the limit": lambda person: with_cart(person, beans=999).post(
        "/cart/items", {"product_id": "beans", "quantity": 9}
    ),
    "cross-site form": lambda person: person.post("/cart/items", headers={"Sec-Fetch-Site": "cross-site"}),
    "checkout": after(with_cart, at("/checkout")),
    "missing email and name": lambda person: checkout(person, email="", name=""),
    "invalid email": lambda person: checkout(person, email="xyzzy", name="Ada" * 100),
    "invalid name": lambda person: checkout(person, name="Ada\x07"),
    "changed total": lambda person: checkout(person, expected_total=1),
    "invalid total": lambda person: checkout(person, expected_total="xyzzy"),
    "changed lines": lambda person: checkout(person, shown_lines="xyzzy"),
    "checkout out of stock": checkout_out_of_stock,
    "unknown cart": lambda person: person.post(
        "/checkout", {"cart_id": "nosuch", "email": "ada@example.com", "name": "Ada"}
    ),
    "suggestions": after(with_cart, at("/checkout/upsell")),
    "suggestions as a page": after(with_cart, at("/checkout/upsell?page=1")),
    "no suggestions": at("/checkout/upsell?page=1"),
    "suggestion added": suggested,
    "suggestion with a changed price": lambda person: suggested(person, price="1"),
    "suggestion sold out": sold_out_meanwhile,
    "order": lambda person: person.get(order(person)),
    "order cancelled": cancelled,
    "order sent": fulfilled,
    "unknown order": at("/orders/nosuch"),
    "error in a partial": lambda person: person.region("/products/nosuch", "div#products"),
    "API docs": at("/api/v1/docs"),
    "all shops": lambda person: person.client.get("/"),
    "unknown shop": lambda person: person.client.get("/t/nosuch/"),
    "unknown page without a shop": lambda person: person.client.get("/cart"),
}


@pytest.mark.parametrize("name", VISITS)
def test_every_text_of_a_page_is_a_message(shopper: Person, monkeypatch: pytest.MonkeyPatch, name: str):
    use_pseudo_locale(monkeypatch)
    answer = VISITS[name](shopper)
    assert "⟦" in answer.text or name == "autocomplete"
    with shopper.client.application.app_context(), tenant_context("north"):
        numbers = list(db.session.scalars(select(Order.number)))
    assert unmarked(answer.text, [*NOT_MESSAGES, *numbers]) == []


def test_every_page_of_the_url_map_is_visited(app: Flask):
    seen: set[str | None] = set()
    app.before_request(lambda: seen.add(request.endpoint))
    for visit in VISITS.values():
        change_product(app, "north", "cup", stock=3)
        change_product(app, "north", "honey", stock=50)
        visit(Person(app.test_client(), "north"))
    pages = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and not rule.rule.startswith("/api/") and rule.endpoint not in NOT_PAGES
    }
    staffs = ("admin.", "staff.", "setup.")  # they are in test_staff_pages.py
    of_settings = ("documents.", "legal.", "withdrawals.")  # this shop hasn't those; tests/documents has what they say
    elsewhere = ("observability.", *staffs, *of_settings)
    assert {page for page in pages if not page.startswith(elsewhere)} <= seen


def test_check_finds_texts_that_are_no_messages(shopper: Person, monkeypatch: pytest.MonkeyPatch):
    use_pseudo_locale(monkeypatch)
    page = shopper.get("/").text
    assert unmarked(page.replace("⟦All⟧", "All"), NOT_MESSAGES) == ["All"]
    assert unmarked(page.replace('placeholder="⟦Search⟧"', 'placeholder="Search"'), NOT_MESSAGES) == ["Search"]


def test_internal_error_is_shown_in_the_shoppers_language(app: Flask, monkeypatch: pytest.MonkeyPatch):
    use_pseudo_locale(monkeypatch)
    app.testing = False
    monkeypatch.setattr("storefront.catalog.pages.search_products", lambda *_: 1 / 0)
    answer = Person(app.test_client(), "north").get("/")
    assert answer.status_code == 500
    assert unmarked(answer.text, NOT_MESSAGES) == []
