"""Products by the JSON API for staff: create, change, stock, status, concurrent changes, events."""

from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from storefront.catalog.product_input import ProductChanges, VariantChanges
from tests.api_contract import assert_problem
from tests.catalog.variants import open_wear
from tests.conftest import Person
from tests.staff.factories import api_key, bearer

SIZE = {"name": "Size", "values": ["S"]}


@dataclass
class Staff:
    """A key with `catalog:write` and `audit:read`."""

    person: Person
    headers: dict[str, str]

    def api(self, method: str, path: str, json: Any = None, **headers: str) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.person.api(method, path, json, headers=self.headers | named)

    def change(self, path: str, answers: int = 200, **values: Any) -> TestResponse:
        answer = self.api("PATCH", f"/products/{path}", values)
        assert answer.status_code == answers, answer.text
        return answer

    def create(self, answers: int = 201, **values: Any) -> TestResponse:
        answer = self.api("POST", "/products", values)
        assert answer.status_code == answers, answer.text
        return answer

    def events(self) -> list[dict[str, Any]]:
        """Those about products."""
        found: list[dict[str, Any]] = self.api("GET", "/events?limit=100").json["items"]
        return [one for one in found if one["type"] != "key.created"]


def staff_of(app: Flask, shop: str) -> Staff:
    return Staff(Person(app.test_client(), shop), bearer(api_key(app, shop, "catalog:write", "audit:read")))


@pytest.fixture
def staff(app: Flask) -> Staff:
    return staff_of(app, "north")


def summary(event: dict[str, Any]) -> tuple[str, str, Any, Any]:
    return event["type"], event["subject"], event["before"], event["after"]


def test_a_product_is_created_and_sold(staff: Staff, shopper: Person) -> None:
    answer = staff.create(
        id="lamp", name={"en": "Lamp", "de": "Lampe"}, price=2550, stock=4, category="Light", tags=["new"]
    )
    assert answer.headers["Location"] == "/t/north/api/v1/products/lamp"
    product = answer.json
    assert (product["price"], product["stock"], product["status"]) == ({"amount": 2550, "currency": "EUR"}, 4, "active")
    shown = shopper.api("GET", "/products/lamp")
    assert shown.json == {name: value for name, value in product.items() if name != "status"} | {
        "variants": [{name: value for name, value in one.items() if name != "status"} for one in product["variants"]]
    }
    assert shown.headers["ETag"] == answer.headers["ETag"]
    assert [one["id"] for one in shopper.api("GET", "/products?q=lampe").json["items"]] == ["lamp"]
    assert b"Lamp" in shopper.get("/?category=Light").data
    assert shopper.checkout(shopper.cart(lamp=4)).status_code == 201
    created = staff.events()[0]
    assert (created["type"], created["subject"], created["actor"]["type"]) == ("product.created", "lamp", "key")
    assert created["after"]["price"] == 2550


def test_a_product_of_variants_is_created(app: Flask) -> None:
    staff = staff_of(app, open_wear(app).shop)
    options = [{"name": "Size", "values": ["S", {"en": "Large", "de": "Groß"}]}]
    variants = [
        {"id": "cap-s", "options": ["S"], "stock": 2},
        {"id": "cap-l", "options": ["Large"], "stock": 3, "price": 1900, "sku": "C-L", "gtin": "4006381333931"},
    ]
    product = staff.create(id="cap", name="Cap", price=1500, options=options, variants=variants).json
    assert (product["price"]["amount"], product["stock"]) == (1500, 5)
    assert [(one["id"], one["price"]["amount"], one["stock"]) for one in product["variants"]] == [
        ("cap-s", 1500, 2),
        ("cap-l", 1900, 3),
    ]
    assert staff.person.get("/products/cap?variant=cap-l").status_code == 200


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"id": "no spaces"}, "id"),
        ({"id": "beans"}, "id"),
        ({"id": "new"}, "id"),
        ({"name": " "}, "name"),
        ({"name": {"xx": "Lamp"}}, "name"),
        ({"price": -1}, "price"),
        ({"price": 10**12 + 1}, "price"),
        ({"price": "1.00"}, "price"),
        ({"stock": None}, "stock"),
        ({"stock": -1}, "stock"),
        ({"status": "sold"}, "status"),
        ({"tags": ["a", "a"]}, "tags"),
        ({"image": "../secret"}, "image"),
        ({"options": [SIZE]}, "variants"),
        ({"colour": "red"}, "colour"),
        ({"stock": None, "options": [SIZE], "variants": [{"id": "beans", "options": ["S"], "stock": 1}]}, "variants"),
        ({"stock": None, "options": [SIZE], "variants": [{"id": "x", "options": ["L"], "stock": 1}]}, "variants"),
    ],
)  # fmt: skip
def test_what_a_catalogue_file_is_refused_for_is_refused_here(staff: Staff, values: dict[str, Any], field: str) -> None:
    answer = staff.create(422, **{"id": "lamp", "name": "Lamp", "price": 100, "stock": 1, **values})
    problem = assert_problem(answer, 422)
    name = problem["errors"][0]["field"]
    assert name.split(".")[0] == field and not name.endswith("."), problem["errors"]
    assert staff.person.api("GET", "/products/lamp").status_code == 404


def test_a_change_is_seen_at_once_and_in_the_audit_trail(staff: Staff, shopper: Person) -> None:
    before = shopper.api("GET", "/products/cup").json
    answer = staff.change("cup", name="Mug", price=1300, stock=9, category="Mugs", tags=["stone"], description="Big.")
    assert (answer.json["name"], answer.json["price"]["amount"], answer.json["stock"]) == ("Mug", 1300, 9)
    assert b"Mug" in shopper.get("/products/cup").data
    assert b"Mug" in shopper.get("/?q=mug").data
    assert "cup" not in [one["id"] for one in shopper.api("GET", f"/products?q={before['name']}").json["items"]]
    assert [summary(one) for one in staff.events()] == [
        ("price.changed", "cup", {"price": before["price"]["amount"]}, {"price": 1300}),
        ("stock.changed", "cup", {"stock": before["stock"]}, {"stock": 9}),
        (
            "product.changed",
            "cup",
            {name: before[name] for name in ("name", "description", "category", "tags")},
            {"name": "Mug", "description": "Big.", "category": "Mugs", "tags": ["stone"]},
        ),
    ]


def test_a_name_without_languages_leaves_the_translations(staff: Staff, shopper: Person) -> None:
    staff.change("cup", name={"en": "Cup", "de": "Tasse"})
    staff.change("cup", name="Mug")
    german = {"Accept-Language": "de"}
    assert shopper.api("GET", "/products/cup", headers=german).json["name"] == "Tasse"
    staff.change("cup", name={"en": "Mug"})
    assert shopper.api("GET", "/products/cup", headers=german).json["name"] == "Mug"


def test_stock_is_adjusted_with_a_reason_and_never_falls_below_zero(staff: Staff, shopper: Person) -> None:
    staff.change("cup", stock=5)
    assert staff.change("cup", stock_change=-2, reason="Broken").json["stock"] == 3
    assert staff.events()[-1]["data"] == {"stock": 3, "reason": "Broken"}
    assert_problem(staff.change("cup", 422, stock_change=-4), 422, field="stock_change")
    assert_problem(staff.change("cup", 422, stock_change=1, stock=1), 422, field="stock_change")
    assert shopper.stock("cup") == 3


def test_an_unchanged_value_is_no_event(staff: Staff) -> None:
    etag = staff.change("cup", stock=5).headers["ETag"]
    count = len(staff.events())
    assert staff.change("cup", stock=5, status="active").headers["ETag"] == etag
    assert len(staff.events()) == count


def test_with_if_match_a_concurrent_change_is_412(staff: Staff, shopper: Person) -> None:
    etag = shopper.api("GET", "/products/cup").headers["ETag"]
    first = staff.api("PATCH", "/products/cup", {"price": 1100}, If_Match=etag)
    assert first.status_code == 200
    refused = staff.api("PATCH", "/products/cup", {"price": 1200}, If_Match=etag)
    assert_problem(refused, 412, "product-changed")
    assert staff.api("PATCH", "/products/cup", {"price": 1200}, If_Match=first.headers["ETag"]).status_code == 200
    assert staff.api("PATCH", "/products/cup", {"price": 1300}, If_Match="*").status_code == 200
    for nothing in ("", ",", '""'):
        assert_problem(staff.api("PATCH", "/products/cup", {"price": 1}, If_Match=nothing), 412, "product-changed")
    current = shopper.api("GET", "/products/cup").headers["ETag"]
    assert shopper.checkout(shopper.cart(cup=1)).status_code == 201
    assert_problem(staff.api("PATCH", "/products/cup", {"stock": 9}, If_Match=current), 412, "product-changed")


def test_the_stock_of_several_variants_is_changed_by_variant(app: Flask) -> None:
    staff = staff_of(app, open_wear(app).shop)
    problem = assert_problem(staff.change("tee", 422, stock=1), 422, field="stock")
    assert "/products/tee/variants/" in problem["detail"]
    changed = staff.change("tee/variants/tee-red-m", stock=7, price=1900, image="tee.webp").json
    assert (changed["stock"], changed["price"]["amount"]) == (3 + 7 + 5, 1900)
    assert_problem(staff.change("tee/variants/tee-red-m", 422, stock_change=-8), 422, field="stock_change")
    assert staff.events()[-1]["data"] == {"stock": 7, "variant_id": "tee-red-m"}
    staff.change("tee/variants/sock", 404, stock=1)
    staff.change("sock/variants/sock", stock=2)
    assert staff.person.stock("sock") == 2


def test_the_price_of_a_product_is_that_of_its_variants_that_cost_as_much(app: Flask) -> None:
    staff = staff_of(app, open_wear(app).shop)
    prices = {one["id"]: one["price"]["amount"] for one in staff.change("tee", price=2100).json["variants"]}
    assert prices == {"tee-red-s": 2100, "tee-red-m": 2100, "tee-blue-s": 2200}
    assert_problem(staff.change("tee", 422, price=2300), 422, field="price")


def test_null_is_no_value_of_a_field_that_has_one(app: Flask) -> None:
    staff = staff_of(app, open_wear(app).shop)
    for path, model in (("tee", ProductChanges), ("tee/variants/tee-red-s", VariantChanges)):
        before = staff.change(path).json
        for field in model.model_fields:
            problem = assert_problem(staff.change(path, 422, **{field: None}), 422)
            assert [one["field"] for one in problem["errors"]] == [field]
        assert staff.change(path).json == before
    assert len(ProductChanges.model_fields) == 10


def test_a_variant_is_archived_and_sold_again(app: Flask) -> None:
    staff = staff_of(app, open_wear(app).shop)
    staff.change("tee/variants/tee-red-s", status="archived")
    assert staff.person.stock("tee") == 5
    staff.change("tee/variants/tee-red-m", status="archived")
    assert_problem(staff.change("tee/variants/tee-blue-s", 422, status="archived"), 422, field="status")
    staff.change("tee", status="draft")
    assert staff.change("tee/variants/tee-red-s", status="active").json["stock"] == 8
    staff.change("tee", status="active")
    shown = staff.person.api("GET", "/products/tee").json
    assert [one["id"] for one in shown["variants"]] == ["tee-red-s", "tee-blue-s"]
    assert_problem(staff.change("sock/variants/sock", 422, status="archived"), 422, field="status")


@pytest.mark.parametrize("status", ["draft", "archived"])
def test_what_is_not_on_sale_is_nowhere_in_the_shop(staff: Staff, shopper: Person, status: str) -> None:
    name = shopper.api("GET", "/products/beans").json["name"]
    cart, order = shopper.cart(beans=1), shopper.checkout(shopper.cart(beans=1)).json["id"]
    stock = shopper.stock("beans")
    pages = ("/", "/?q=espresso", "/suggest?q=espresso", "/sitemap.xml", "/feed.xml", "/llms.txt", "/api/v1/products")
    anywhere = {"/products/beans", name}

    def shown() -> set[str]:
        root = {"base_url": "http://localhost"}
        return {page for page in pages if any(one in shopper.get(page, **root).text for one in anywhere)}

    assert shown() == set(pages)
    staff.change("beans", status=status)
    assert shown() == set()
    for path in ("/products/beans", "/api/v1/products/beans"):
        assert shopper.get(path).status_code == 404
    assert shopper.api("POST", "/carts", {"items": [{"product_id": "beans", "quantity": 1}]}).status_code == 404
    assert shopper.api("POST", f"/carts/{cart}/items", {"product_id": "beans", "quantity": 1}).status_code == 404
    (line,) = shopper.api("GET", f"/carts/{cart}").json["items"]
    assert (line["available"], line["product"]["stock"]) == (False, 0)
    assert_problem(shopper.checkout(cart), 409, "out-of-stock")
    assert shopper.api("GET", f"/orders/{order}").json["items"][0]["product_id"] == "beans"
    assert staff.change("beans", stock_change=2).json["stock"] == stock + 2
    staff.change("beans", status="active")
    assert shown() == set(pages)
    assert shopper.stock("beans") == stock + 2
    assert shopper.checkout(cart).status_code == 201


def test_a_draft_is_not_told_of_to_open_pages(staff: Staff) -> None:
    staff.create(id="lamp", name="Lamp", price=100, stock=1, status="draft")
    staff.change("lamp", stock=5, price=200, name="Light")
    assert staff.events()[-1]["type"] == "product.changed"
    with_stream = staff.person.get("/events?last=0", buffered=False)
    pieces = iter(with_stream.iter_encoded())
    assert b"retry" in next(pieces)
    staff.change("lamp", status="active")
    told = next(pieces)
    while b"product" not in told:
        told = next(pieces)
    assert b'"stock": 5' in told
    assert b"200" not in told
    with_stream.close()


def test_another_shops_products_are_unknown(app: Flask, staff: Staff) -> None:
    other = staff_of(app, "south")
    other.create(id="lamp", name="Lamp", price=100, stock=1)
    staff.change("lamp", 404, price=1)
    staff.change("lamp/variants/lamp", 404, price=1)
    staff.create(id="lamp", name="Lamp", price=200, stock=1)
    assert other.person.api("GET", "/products/lamp").json["price"]["amount"] == 100


def test_option_values_are_checked_as_in_a_catalogue_file(app: Flask, shopper: Person) -> None:
    headers = bearer(api_key(app, "north", "catalog:write"))
    for options in (["S\u0004"], ["\ud800"], ["x" * 200]):
        variants = [{"id": "v1", "options": options, "stock": 1}]
        body = {"id": "shirt", "name": "Shirt", "price": 100, "stock": 3, "variants": variants}
        answer = shopper.api("POST", "/products", body, headers=headers)
        assert_problem(answer, 422)
        assert answer.json["errors"][0]["field"].startswith("variants.0.options")
