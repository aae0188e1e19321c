"""Security: headers, cookies, cross-site requests, limits, escaping."""

import json
import re
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from storefront.catalog.importer import import_catalog
from storefront.state import state_of
from tests.conftest import Person

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the same on both databases

HTTPS = {"X-Forwarded-Proto": "https"}


def all_responses(person: Person) -> dict[str, TestResponse]:
    """Return responses of all types: pages, fragments, redirects, API responses, and errors of each."""
    person.post("/cart/items", {"product_id": "beans"})
    cart_id = person.cart(beans=1)
    found = {path: person.get(path) for path in (
        "/", "/?q=beans", "/products/beans", "/cart", "/checkout", "/checkout/upsell", "/checkout/upsell?page=1",
        "/nothing", "/products/nothing", "/orders/nothing", "/api/v1/products", "/api/v1/products/nothing",
        "/api/v1/openapi.json", "/api/v1/docs", f"/api/v1/carts/{cart_id}",
    )}  # fmt: skip
    found["shops"] = person.client.get("/")
    found["unknown shop"] = person.client.get("/t/nowhere/")
    found["probe"] = person.client.get("/healthz")
    found["redirect"] = person.post("/cart/items", {"product_id": "cup"})
    found["disallowed method"] = person.client.delete("/t/north/cart")
    found["invalid quantity"] = person.post("/cart/items", {"product_id": "beans", "quantity": "x"})
    found["invalid buyer"] = person.post("/checkout", {"email": "x"})
    found["cross-site"] = person.post(
        "/cart/items", {"product_id": "beans"}, headers={"Origin": "https://evil.example"}
    )
    found["order"] = person.client.get(person.post("/checkout", {"email": "a@example.com", "name": "A"}).location)
    assert {answer.status_code for answer in found.values()} >= {200, 303, 403, 404, 405, 422}
    return found


def test_every_response_has_the_security_headers(shopper: Person) -> None:
    for name, answer in all_responses(shopper).items():
        assert answer.headers["X-Content-Type-Options"] == "nosniff", name
        assert answer.headers["Referrer-Policy"], name
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin", name
        denied = answer.headers["Permissions-Policy"].split(", ")
        assert {"camera=()", "microphone=()", "geolocation=()", "payment=()", "usb=()"} <= set(denied), name
        assert [feature for feature in denied if not feature.endswith("=()")] == [], name
        assert "Strict-Transport-Security" not in answer.headers, "HSTS was sent although HTTPS isn't configured"
        rules = dict(rule.strip().split(" ", 1) for rule in answer.headers["Content-Security-Policy"].split(";"))
        assert rules["default-src"] == "'self'", name
        assert rules["object-src"] == rules["base-uri"] == rules["frame-ancestors"] == "'none'", name
        assert rules["form-action"] == rules["img-src"] == "'self'", name
        assert "unsafe" not in answer.headers["Content-Security-Policy"], name
        assert "public" not in answer.headers["Cache-Control"], name


def test_csp_allows_only_the_inline_styles_of_the_page(shopper: Person) -> None:
    checked = 0
    for name, answer in all_responses(shopper).items():
        rules = answer.headers["Content-Security-Policy"]
        for style in re.findall(
            r"<style>(.*?)</style>", answer.text if answer.mimetype == "text/html" else "", re.DOTALL
        ):
            digest = b64encode(sha256(style.encode()).digest()).decode()
            assert f"'sha256-{digest}'" in rules, name
            checked += 1
        if answer.mimetype == "text/html":
            executable = r'<script(?![^>]*(?:\bsrc=|type="application/ld\+json"))|\son\w+=|\sstyle=|javascript:'
            assert not re.search(executable, answer.text), name
    assert checked > 5


@pytest.mark.parametrize(("public_url", "expected"), [("https://shop.example", True), ("http://shop.example", False)])
def test_hsts_is_sent_if_the_public_url_is_https(
    make_app: Callable[..., Flask], public_url: str, expected: bool
) -> None:
    for name, answer in all_responses(Person(make_app(PUBLIC_URL=public_url).test_client(), "north")).items():
        hsts = answer.headers.get("Strict-Transport-Security", "")
        assert bool(hsts) is expected, name
        if expected:
            assert int(hsts.removeprefix("max-age=")) >= 180 * 24 * 60 * 60
            assert "preload" not in hsts and "includeSubDomains" not in hsts, "HSTS affects other hosts"


def cookie_of(answer: TestResponse) -> str:
    (found,) = answer.headers.getlist("Set-Cookie")
    return found


def test_cookie_is_http_only_and_limited_to_the_shop(shopper: Person) -> None:
    cookie = cookie_of(shopper.post("/cart/items", {"product_id": "beans"}))
    parts = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/t/north/"} <= parts
    assert "secure" not in parts, "browsers drop secure cookies over HTTP"
    assert not any(part.startswith("domain") for part in parts)


def test_cookie_path_on_a_subdomain_is_the_root(app: Flask) -> None:
    answer = app.test_client().post("/cart/items", data={"product_id": "beans"}, base_url="http://north.localhost/")
    assert "path=/;" in cookie_of(answer).lower() + ";"


@pytest.mark.parametrize(("proxies", "secure"), [("1", True), ("0", False)])
def test_cookie_is_secure_behind_a_trusted_https_proxy(
    make_app: Callable[..., Flask], proxies: str, secure: bool
) -> None:
    person = Person(make_app(TRUSTED_PROXIES=proxies).test_client(), "north")
    answer = person.post("/cart/items", {"product_id": "beans"}, headers=HTTPS)
    assert ("; Secure" in cookie_of(answer)) is secure
    forwarded = {"X-Forwarded-Host": "evil.example", **HTTPS}
    assert "evil.example" not in Person(person.client, "north").get("/", headers=forwarded).text


def test_only_the_last_hop_in_forwarded_headers_is_trusted(make_app: Callable[..., Flask]) -> None:
    person = Person(make_app(TRUSTED_PROXIES="1").test_client(), "north")
    headers = {"X-Forwarded-Proto": "https, http", "X-Forwarded-For": "127.0.0.1, 203.0.113.7"}
    assert "; Secure" not in cookie_of(person.post("/cart/items", {"product_id": "beans"}, headers=headers))


def cart_page(app: Flask, shop: str, cookie: str) -> str:
    client = app.test_client(use_cookies=False)
    page = client.get(f"/t/{shop}/cart", headers={"Cookie": f"shop={cookie}", "Accept-Language": "en"})
    assert page.status_code == 200
    return page.text


def test_cookie_of_another_shop_or_a_forged_one_is_ignored(app: Flask) -> None:
    """Both shops have a product with the id `shared`."""
    answer = Person(app.test_client(), "north").post("/cart/items", {"product_id": "shared"})
    cookie = re.sub(r"shop=([^;]*);.*", r"\1", cookie_of(answer))
    assert "North's own" in cart_page(app, "north", cookie).replace("&#39;", "'")
    payload, _, signature = cookie.partition(".")
    forged = [cookie[:-2], cookie + "x", payload, f"{payload}A.{signature}", "", ".", "x" * 4000, "é", '"', "\\000"]
    for invalid in forged:
        assert "Your cart is empty" in cart_page(app, "north", invalid)
    assert "Your cart is empty" in cart_page(app, "south", cookie)


CROSS_SITE: list[tuple[dict[str, str], bool]] = [
    ({"Sec-Fetch-Site": "same-origin"}, True),
    ({"Sec-Fetch-Site": "none"}, True),
    ({"Sec-Fetch-Site": "cross-site"}, False),
    ({"Sec-Fetch-Site": "same-site"}, False),
    ({"Sec-Fetch-Site": "nonsense"}, False),
    ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, False),
    ({}, True),
    ({"Origin": "http://localhost"}, True),
    ({"Origin": "https://evil.example"}, False),
    ({"Origin": "http://localhost.evil.example"}, False),
    ({"Origin": "http://south.localhost"}, False),
    ({"Origin": "http://localhost:8001"}, False),
    ({"Origin": "null"}, False),
    ({"Origin": ""}, False),
]


@pytest.mark.parametrize(("headers", "accepted"), CROSS_SITE, ids=str)
def test_cross_site_forms_and_api_calls_are_refused(shopper: Person, headers: dict[str, str], accepted: bool) -> None:
    answer = shopper.post("/cart/items", {"product_id": "beans"}, headers=headers)
    assert answer.status_code == (303 if accepted else 403)
    assert ("Dawn Beans" in shopper.get("/cart").text) is accepted
    api_answer = shopper.api("POST", "/carts", {}, headers=headers)
    assert api_answer.status_code == (201 if accepted else 403)
    if not accepted:
        assert api_answer.json["type"].endswith("/cross-site")
    assert shopper.get("/", headers=headers).status_code == 200, "a cross-site GET was refused"


@pytest.mark.parametrize("size", [300_000, 10_000_000])
def test_too_large_body_is_refused(shopper: Person, size: int) -> None:
    page = shopper.post("/cart/items", {"product_id": "x" * size})
    api_answer = shopper.client.post("/t/north/api/v1/carts", data=b'"' + b"x" * size, content_type="application/json")
    files = shopper.client.post("/t/north/cart/items", data=b"x" * size, content_type="multipart/form-data; boundary=b")
    assert [page.status_code, api_answer.status_code, files.status_code] == [413, 413, 413]
    assert api_answer.mimetype == "application/problem+json"
    assert shopper.post("/cart/items", {"product_id": "x" * 100_000}).status_code == 404


def first_refusal(send: Callable[[], TestResponse]) -> TestResponse:
    """Repeat the request until the response is a 429, and return that."""
    for _ in range(400):
        answer = send()
        if answer.status_code == 429:
            return answer
    raise AssertionError("the requests aren't limited")


def test_too_many_checkouts_are_refused_with_retry_after(make_app: Callable[..., Flask]) -> None:
    person = Person(make_app(RATELIMIT_ENABLED="true").test_client(), "north")
    cart_id = person.cart(beans=1)
    page = first_refusal(lambda: person.post("/checkout", {"cart_id": "x"}))
    api_answer = first_refusal(lambda: person.api("POST", f"/carts/{cart_id}/checkout", {"email": "x"}))
    partial = person.post("/checkout", headers={"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "x#y"})
    for answer in (page, api_answer, partial):
        assert answer.status_code == 429
        assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert api_answer.mimetype == "application/problem+json"
    assert "429" in page.text
    assert person.get("/").status_code == 200, "the product list was limited too"
    other = Person(person.client, "north").client.get("/t/north/cart", environ_base={"REMOTE_ADDR": "203.0.113.9"})
    assert other.status_code == 200


def test_limit_applies_per_client(make_app: Callable[..., Flask]) -> None:
    app = make_app(RATELIMIT_ENABLED="true", TRUSTED_PROXIES="1")
    person = Person(app.test_client(), "north")

    def send(address: str, forwarded_by_proxy: str = "203.0.113.1") -> TestResponse:
        headers = {"X-Forwarded-For": f"{address}, {forwarded_by_proxy}"}
        return person.post("/checkout", {"cart_id": "x"}, headers=headers)

    addresses = iter(range(10_000))
    first_refusal(lambda: send(f"10.0.0.{next(addresses)}"))
    assert send("10.0.0.1", forwarded_by_proxy="203.0.113.2").status_code != 429, "another client was limited"


def test_disabled_rate_limits_refuse_nothing(shopper: Person) -> None:
    assert {shopper.post("/checkout", {"cart_id": "x"}).status_code for _ in range(130)} == {404}


HOSTILE_TEXT = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7777*7777}}${7777*7777}"


class ActiveContent(HTMLParser):
    """Finds elements of a page that execute scripts or load from other hosts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        url = str(values.get("src") or values.get("href") or values.get("action") or "/")
        data = values.get("type") == "application/ld+json"  # a data block, which no browser executes
        is_active = (tag == "script" and "src" not in values and not data) or tag in ("iframe", "object")
        is_active = is_active or any(name.startswith(("on", "style", "hx-on")) for name in values)
        if is_active or not url.startswith(("/", "?", "#")):
            self.found.append(self.get_starttag_text() or tag)


def hostile_shop() -> dict[str, Any]:
    product = {
        "id": "evil",
        "name": HOSTILE_TEXT,
        "description": HOSTILE_TEXT,
        "category": HOSTILE_TEXT[:80],
        "price": "1",
        "stock": 9,
    }
    more = {"id": "more", "name": HOSTILE_TEXT + "2", "category": HOSTILE_TEXT[:80], "price": "1", "stock": 2}
    hero = {"title": HOSTILE_TEXT[:120], "text": HOSTILE_TEXT}
    theme = {"accent": "#7a3e1d", "hero": hero, "extra": HOSTILE_TEXT}
    return {"id": "evil", "name": HOSTILE_TEXT, "currency": "EUR", "theme": theme, "products": [
        product | {"tags": [HOSTILE_TEXT[:60], HOSTILE_TEXT[:20]]}, more | {"tags": [HOSTILE_TEXT[:60]]},
    ]}  # fmt: skip


def test_markup_in_texts_is_escaped(app: Flask) -> None:
    with app.app_context():
        import_catalog(json.dumps({"tenants": [hostile_shop()]}).encode())
        state_of(app).registry.invalidate()
    person = Person(app.test_client(), "evil")
    pages = [person.client.get("/"), person.client.get("/", query_string={"q": HOSTILE_TEXT})]
    pages += [person.get("/", query_string={"q": HOSTILE_TEXT, "category": HOSTILE_TEXT, "page": HOSTILE_TEXT})]
    pages += [person.get("/", query_string={"category": HOSTILE_TEXT[:80]}), person.get("/products/evil")]
    pages += [
        person.get(f"/{HOSTILE_TEXT}"),
        person.get(f"/products/{HOSTILE_TEXT}"),
        person.client.get(f"/t/{HOSTILE_TEXT}/"),
    ]
    person.post("/cart/items", {"product_id": "evil"})
    pages += [person.get(path) for path in ("/cart", "/checkout", "/checkout/upsell", "/checkout/upsell?page=1")]
    pages += [person.region("/cart", "section#cart_lines"), person.region("/", "div#products")]
    pages += [
        person.post("/cart/promo", {"code": HOSTILE_TEXT}),
        person.post("/checkout", {"email": HOSTILE_TEXT, "name": HOSTILE_TEXT}),
    ]
    pages += [person.get("/checkout", query_string={"added": HOSTILE_TEXT}), person.get("/api/v1/docs")]
    placed = person.post("/checkout", {"email": "a&b'c{{d}}@example.com", "name": HOSTILE_TEXT})
    assert placed.status_code == 303
    pages += [person.client.get(placed.location)]
    assert HOSTILE_TEXT in unescape(pages[4].text), "the text is missing"
    for page in pages:
        assert page.mimetype == "text/html"
        assert ActiveContent(page.text).found == []
        assert str(7777 * 7777) not in page.text, "nothing was computed"
    data = person.api("GET", "/products/evil")
    assert data.mimetype == "application/json"
    assert data.json["name"] == HOSTILE_TEXT, "the API changed the text"
