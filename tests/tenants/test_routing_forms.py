"""Subdomain and prefix serve the same shop, and all links keep the URL form of the request."""

import re

import pytest
from flask import Flask

from tests.tenants.clients import ShopClient, prefix, subdomain, urls_in
from tests.tenants.factories import mask

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # URLs don't depend on the database
PAGES = (
    "/", "/?q=cup", "/?category=Brewers", "/?page=2", "/products/beans", "/cart", "/checkout",
    "/checkout/upsell", "/checkout/upsell?page=1", "/api/v1/docs", "/products/nosuch", "/nowhere",
)  # fmt: skip


@pytest.fixture(params=["subdomain", "prefix"])
def client(request: pytest.FixtureRequest, app: Flask) -> ShopClient:
    return (subdomain if request.param == "subdomain" else prefix)(app.test_client())


def test_both_url_forms_serve_the_same_pages(app: Flask):
    shown = []
    for client in (subdomain(app.test_client()), prefix(app.test_client())):
        client.post("/cart/items", product_id="beans", quantity="2")
        cart, order = client.cart_and_order()
        paths = (*PAGES, f"/orders/{order}", f"/api/v1/carts/{cart}", f"/api/v1/orders/{order}", "/api/v1/products")
        answers = [client.get(path) for path in paths]
        ids = {"cart": cart, "order": order, "root": client.root + "/"}
        shown.append([(a.status_code, re.sub(r"·|/", "", mask(a.text, ids))) for a in answers])
        assert [a.status_code for a in answers] == [200] * 10 + [404] * 2 + [200] * 4
    for path, one, other in zip((*PAGES, "order", "cart", "api order", "list"), *shown, strict=True):
        assert one == other, path


def test_every_url_on_a_page_keeps_the_url_form(client: ShopClient):
    client.post("/cart/items", product_id="beans", quantity="2")
    _, order = client.cart_and_order()
    for path in (*PAGES, f"/orders/{order}"):
        found = urls_in(client.get(path).text)
        assert found or path == "/checkout/upsell", path
        for url in found:
            assert url.startswith(client.root + "/"), f"{path} links to {url}"
            assert not url.startswith(("//", client.root + "/t/")), f"{path} links to {url}"


def test_every_url_of_the_api_keeps_the_url_form(client: ShopClient):
    products = client.get("/api/v1/products").json["items"]
    assert len(products) == 6
    for product in products:
        assert product["image_url"].startswith(client.root + "/static/")
    assert client.get("/api/v1/openapi.json").json["servers"] == [{"url": client.root or "/"}]
    created = client.open("/api/v1/carts", "POST", json={"items": [{"product_id": "beans", "quantity": 1}]})
    cart = created.json["id"]
    assert created.headers["Location"] == f"{client.root}/api/v1/carts/{cart}"
    buyer = {"email": "ada@example.com", "name": "Ada"}
    order = client.open(f"/api/v1/carts/{cart}/checkout", "POST", json=buyer)
    assert order.headers["Location"] == f"{client.root}/api/v1/orders/{order.json['id']}"


def test_every_redirect_and_cookie_keeps_the_url_form(client: ShopClient):
    added = client.post("/cart/items", product_id="beans", quantity="1")
    assert (added.status_code, added.headers["Location"]) == (303, f"{client.root}/cart")
    cookie = added.headers["Set-Cookie"]
    assert re.search(r"; Path=([^;]*)", cookie)[1] == client.root + "/"
    assert "Domain=" not in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    redirects = [
        client.post("/cart/items/beans", quantity="2"),
        client.post("/cart/promo", code="SUMMER10"),
        client.post("/checkout", email="ada@example.com", name="Ada"),
        client.get("/checkout"),
    ]
    for answer in redirects:
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith(client.root + "/")
    assert client.get("/cart").status_code == 200


def test_static_files_are_served_in_both_url_forms(client: ShopClient):
    sheet = next(url for url in urls_in(client.get("/").text) if url.endswith(".css"))
    answer = client.client.get(sheet, base_url=f"http://{client.host}")
    assert (answer.status_code, answer.mimetype) == (200, "text/css")
    answer.close()


def test_cookie_of_one_shop_is_not_sent_to_another(app: Flask):
    client = app.test_client()
    prefix(client).post("/cart/items", product_id="beans", quantity="2")
    assert "Dawn Beans" in prefix(client).get("/cart").text
    assert "Dawn Beans" not in prefix(client, "south").get("/cart").text
    client = app.test_client()
    subdomain(client).post("/cart/items", product_id="beans", quantity="2")
    assert "Dawn Beans" in subdomain(client).get("/cart").text
    assert "Dawn Beans" not in subdomain(client, "south").get("/cart").text


def test_prefix_below_a_subdomain_is_a_404(app: Flask):
    client = app.test_client()
    for path in ("/t/north/", "/t/south/", "/t/north", "/t/nosuch/", "/t/south/api/v1/products", "/t/"):
        assert client.get(path, base_url="http://north.localhost").status_code == 404, path
    assert client.get("/", base_url="http://north.localhost").status_code == 200
    assert client.get("/t/north/", base_url="http://localhost").status_code == 200


def test_prefix_below_a_prefix_is_a_404(app: Flask):
    assert app.test_client().get("/t/north/t/south/").status_code == 404


def test_unknown_shop_has_its_own_problem_type(app: Flask):
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


def test_root_url_lists_the_shops(app: Flask):
    page = app.test_client().get("/")
    assert page.status_code == 200
    for tenant_id, name in (("north", "North"), ("south", "South"), ("far-east", "Far East")):
        assert f'href="/t/{tenant_id}/"' in page.text
        assert name in page.text


def test_shop_routes_without_a_shop_are_a_404(app: Flask):
    client = app.test_client()
    for rule in app.url_map.iter_rules():
        if rule.endpoint.partition(".")[0] not in ("observability", "root_files", "i18n") and rule.rule != "/":
            path = re.sub(r"<[^>]+>", "beans", rule.rule)
            method = next(iter(set(rule.methods) - {"HEAD", "OPTIONS"}))
            assert client.open(path, method=method).status_code == 404, rule.rule


@pytest.mark.parametrize("path", ["/t/north", "/t/nosuch"])
def test_missing_trailing_slash_is_a_redirect_that_keeps_the_query(app: Flask, path: str):
    answer = app.test_client().get(f"{path}?q=cup&page=1")
    assert answer.status_code == 308
    assert answer.headers["Location"] == f"{path}/?q=cup&page=1"
    assert app.test_client().get(path).headers["Location"] == f"{path}/"
