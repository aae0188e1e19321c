"""Subdomain and prefix serve the same shop, and all links keep the URL form of the request."""

import re

import pytest
from flask import Flask

from tests.tenants.clients import Door, addresses, prefix, subdomain
from tests.tenants.factories import mask

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # an address never reaches a database
PAGES = (
    "/", "/?q=cup", "/?category=Brewers", "/?page=2", "/products/beans", "/cart", "/checkout",
    "/checkout/upsell", "/checkout/upsell?page=1", "/api/v1/docs", "/products/nosuch", "/nowhere",
)  # fmt: skip


@pytest.fixture(params=["subdomain", "prefix"])
def door(request: pytest.FixtureRequest, app: Flask) -> Door:
    return (subdomain if request.param == "subdomain" else prefix)(app.test_client())


def test_both_forms_show_the_same_pages(app: Flask):
    shown = []
    for door in (subdomain(app.test_client()), prefix(app.test_client())):
        door.post("/cart/items", product_id="beans", quantity="2")
        cart, order = door.order()
        paths = (*PAGES, f"/orders/{order}", f"/api/v1/carts/{cart}", f"/api/v1/orders/{order}", "/api/v1/products")
        answers = [door.get(path) for path in paths]
        ids = {"cart": cart, "order": order, "door": door.root + "/"}
        shown.append([(a.status_code, re.sub(r"·|/", "", mask(a.text, ids))) for a in answers])
        assert [a.status_code for a in answers] == [200] * 10 + [404] * 2 + [200] * 4
    for path, one, other in zip((*PAGES, "order", "cart", "api order", "list"), *shown, strict=True):
        assert one == other, path


def test_every_address_on_every_page_stays_inside(door: Door):
    door.post("/cart/items", product_id="beans", quantity="2")
    _, order = door.order()
    for path in (*PAGES, f"/orders/{order}"):
        found = addresses(door.get(path).text)
        assert found or path == "/checkout/upsell", path
        for address in found:
            assert address.startswith(door.root + "/"), f"{path} leads to {address}"
            assert not address.startswith(("//", door.root + "/t/")), f"{path} leads to {address}"


def test_every_address_that_the_api_gives_stays_inside(door: Door):
    products = door.get("/api/v1/products").json["items"]
    assert len(products) == 6
    for product in products:
        assert product["image_url"].startswith(door.root + "/static/")
    assert door.get("/api/v1/openapi.json").json["servers"] == [{"url": door.root or "/"}]
    made = door.open("/api/v1/carts", "POST", json={"items": [{"product_id": "beans", "quantity": 1}]})
    cart = made.json["id"]
    assert made.headers["Location"] == f"{door.root}/api/v1/carts/{cart}"
    buyer = {"email": "ada@example.com", "name": "Ada"}
    order = door.open(f"/api/v1/carts/{cart}/checkout", "POST", json=buyer)
    assert order.headers["Location"] == f"{door.root}/api/v1/orders/{order.json['id']}"


def test_every_redirect_and_cookie_stays_inside(door: Door):
    added = door.post("/cart/items", product_id="beans", quantity="1")
    assert (added.status_code, added.headers["Location"]) == (303, f"{door.root}/cart")
    cookie = added.headers["Set-Cookie"]
    assert re.search(r"; Path=([^;]*)", cookie)[1] == door.root + "/"
    assert "Domain=" not in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    moves = [
        door.post("/cart/items/beans", quantity="2"),
        door.post("/cart/promo", code="SUMMER10"),
        door.post("/checkout", email="ada@example.com", name="Ada"),
        door.get("/checkout"),
    ]
    for answer in moves:
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith(door.root + "/")
    assert door.get("/cart").status_code == 200


def test_static_files_are_served_inside_either_form(door: Door):
    sheet = next(address for address in addresses(door.get("/").text) if address.endswith(".css"))
    answer = door.client.get(sheet, base_url=f"http://{door.host}")
    assert (answer.status_code, answer.mimetype) == (200, "text/css")
    answer.close()


def test_the_cookie_of_one_shop_is_not_even_sent_to_another(app: Flask):
    client = app.test_client()
    prefix(client).post("/cart/items", product_id="beans", quantity="2")
    assert "Dawn Beans" in prefix(client).get("/cart").text
    assert "Dawn Beans" not in prefix(client, "south").get("/cart").text
    client = app.test_client()
    subdomain(client).post("/cart/items", product_id="beans", quantity="2")
    assert "Dawn Beans" in subdomain(client).get("/cart").text
    assert "Dawn Beans" not in subdomain(client, "south").get("/cart").text


def test_below_a_subdomain_there_is_no_prefix(app: Flask):
    client = app.test_client()
    for path in ("/t/north/", "/t/south/", "/t/north", "/t/nosuch/", "/t/south/api/v1/products", "/t/"):
        assert client.get(path, base_url="http://north.localhost").status_code == 404, path
    assert client.get("/", base_url="http://north.localhost").status_code == 200
    assert client.get("/t/north/", base_url="http://localhost").status_code == 200


def test_a_prefix_below_a_prefix_is_nothing(app: Flask):
    assert app.test_client().get("/t/north/t/south/").status_code == 404


def test_an_unknown_shop_is_a_404_of_its_own_kind(app: Flask):
    client = app.test_client()
    for url, base in (
        ("/t/nosuch/api/v1/products", "http://localhost"),
        ("/api/v1/products", "http://nosuch.localhost"),
    ):
        answer = client.get(url, base_url=base)
        assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
        assert answer.json["type"].endswith("/tenant-not-found")
    known = client.get("/t/north/api/v1/products/nosuch")
    assert (known.status_code, known.json["type"].endswith("/tenant-not-found")) == (404, False)
    for url, base in (
        ("/t/nosuch/", "http://localhost"),
        ("/", "http://nosuch.localhost"),
        ("/t//", "http://localhost"),
    ):
        page = client.get(url, base_url=base)
        assert (page.status_code, page.mimetype) == (404, "text/html")
        assert "Shop not found" in page.text


def test_the_root_without_a_shop_lists_the_shops(app: Flask):
    page = app.test_client().get("/")
    assert page.status_code == 200
    for tenant_id, name in (("north", "North"), ("south", "South"), ("far-east", "Far East")):
        assert f'href="/t/{tenant_id}/"' in page.text
        assert name in page.text


def test_a_shops_pages_without_a_shop_are_nothing(app: Flask):
    client = app.test_client()
    for rule in app.url_map.iter_rules():
        if rule.endpoint.partition(".")[0] not in ("observability", "root_files", "i18n") and rule.rule != "/":
            path = re.sub(r"<[^>]+>", "beans", rule.rule)
            method = next(iter(set(rule.methods) - {"HEAD", "OPTIONS"}))
            assert client.open(path, method=method).status_code == 404, rule.rule


@pytest.mark.parametrize("path", ["/t/north", "/t/nosuch"])
def test_a_shop_without_its_slash_leads_to_itself_with_its_query(app: Flask, path: str):
    answer = app.test_client().get(f"{path}?q=cup&page=1")
    assert answer.status_code == 308
    assert answer.headers["Location"] == f"{path}/?q=cup&page=1"
    assert app.test_client().get(path).headers["Location"] == f"{path}/"
