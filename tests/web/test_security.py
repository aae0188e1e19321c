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


def everything(person: Person) -> dict[str, TestResponse]:
    """One answer of each kind: pages, fragments, redirects, programs' answers, and errors of each."""
    person.post("/cart/items", {"product_id": "beans"})
    cart_id = person.cart(beans=1)
    found = {path: person.get(path) for path in (
        "/", "/?q=beans", "/products/beans", "/cart", "/checkout", "/checkout/upsell", "/checkout/upsell?page=1",
        "/nothing", "/products/nothing", "/orders/nothing", "/api/v1/products", "/api/v1/products/nothing",
        "/api/v1/openapi.json", "/api/v1/docs", f"/api/v1/carts/{cart_id}",
    )}  # fmt: skip
    found["shops"] = person.client.get("/")
    found["no shop"] = person.client.get("/t/nowhere/")
    found["probe"] = person.client.get("/healthz")
    found["redirect"] = person.post("/cart/items", {"product_id": "cup"})
    found["wrong method"] = person.client.delete("/t/north/cart")
    found["wrong quantity"] = person.post("/cart/items", {"product_id": "beans", "quantity": "x"})
    found["wrong buyer"] = person.post("/checkout", {"email": "x"})
    found["cross-site"] = person.post(
        "/cart/items", {"product_id": "beans"}, headers={"Origin": "https://evil.example"}
    )
    found["order"] = person.client.get(person.post("/checkout", {"email": "a@example.com", "name": "A"}).location)
    assert {answer.status_code for answer in found.values()} >= {200, 303, 403, 404, 405, 422}
    return found


def test_every_answer_carries_the_protecting_headers(shopper: Person) -> None:
    for what, answer in everything(shopper).items():
        assert answer.headers["X-Content-Type-Options"] == "nosniff", what
        assert answer.headers["Referrer-Policy"], what
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin", what
        denied = answer.headers["Permissions-Policy"].split(", ")
        assert {"camera=()", "microphone=()", "geolocation=()", "payment=()", "usb=()"} <= set(denied), what
        assert [feature for feature in denied if not feature.endswith("=()")] == [], what
        assert "Strict-Transport-Security" not in answer.headers, "the shop isn't known to be on https"
        rules = dict(rule.strip().split(" ", 1) for rule in answer.headers["Content-Security-Policy"].split(";"))
        assert rules["default-src"] == "'self'", what
        assert rules["object-src"] == rules["base-uri"] == rules["frame-ancestors"] == "'none'", what
        assert rules["form-action"] == rules["img-src"] == "'self'", what
        assert "unsafe" not in answer.headers["Content-Security-Policy"], what
        assert "public" not in answer.headers["Cache-Control"], what


def test_the_policy_allows_each_pages_inline_style_and_no_other(shopper: Person) -> None:
    seen = 0
    for what, answer in everything(shopper).items():
        rules = answer.headers["Content-Security-Policy"]
        for style in re.findall(
            r"<style>(.*?)</style>", answer.text if answer.mimetype == "text/html" else "", re.DOTALL
        ):
            digest = b64encode(sha256(style.encode()).digest()).decode()
            assert f"'sha256-{digest}'" in rules, what
            seen += 1
        if answer.mimetype == "text/html":
            runs = r'<script(?![^>]*(?:\bsrc=|type="application/ld\+json"))|\son\w+=|\sstyle=|javascript:'
            assert not re.search(runs, answer.text), what
    assert seen > 5


@pytest.mark.parametrize(("public_url", "expected"), [("https://shop.example", True), ("http://shop.example", False)])
def test_browsers_are_told_to_stay_on_https_where_the_shop_is(
    make_app: Callable[..., Flask], public_url: str, expected: bool
) -> None:
    for what, answer in everything(Person(make_app(PUBLIC_URL=public_url).test_client(), "north")).items():
        sent = answer.headers.get("Strict-Transport-Security", "")
        assert bool(sent) is expected, what
        if expected:
            assert int(sent.removeprefix("max-age=")) >= 180 * 24 * 60 * 60
            assert "preload" not in sent and "includeSubDomains" not in sent, "other hosts aren't the shop's to decide"


def cookie_of(answer: TestResponse) -> str:
    (found,) = answer.headers.getlist("Set-Cookie")
    return found


def test_the_cookie_is_the_shops_own_and_out_of_scripts_reach(shopper: Person) -> None:
    cookie = cookie_of(shopper.post("/cart/items", {"product_id": "beans"}))
    parts = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/t/north/"} <= parts
    assert "secure" not in parts, "over plain http a secure cookie would be lost"
    assert not any(part.startswith("domain") for part in parts)


def test_under_a_subdomain_the_cookies_path_is_the_root(app: Flask) -> None:
    answer = app.test_client().post("/cart/items", data={"product_id": "beans"}, base_url="http://north.localhost/")
    assert "path=/;" in cookie_of(answer).lower() + ";"


@pytest.mark.parametrize(("proxies", "secure"), [("1", True), ("0", False)])
def test_behind_a_trusted_proxy_that_speaks_https_the_cookie_is_secure(
    make_app: Callable[..., Flask], proxies: str, secure: bool
) -> None:
    person = Person(make_app(TRUSTED_PROXIES=proxies).test_client(), "north")
    answer = person.post("/cart/items", {"product_id": "beans"}, headers=HTTPS)
    assert ("; Secure" in cookie_of(answer)) is secure
    told = {"X-Forwarded-Host": "evil.example", **HTTPS}
    assert "evil.example" not in Person(person.client, "north").get("/", headers=told).text


def test_only_the_last_hops_of_a_proxys_headers_are_believed(make_app: Callable[..., Flask]) -> None:
    person = Person(make_app(TRUSTED_PROXIES="1").test_client(), "north")
    headers = {"X-Forwarded-Proto": "https, http", "X-Forwarded-For": "127.0.0.1, 203.0.113.7"}
    assert "; Secure" not in cookie_of(person.post("/cart/items", {"product_id": "beans"}, headers=headers))


def cart_page(app: Flask, shop: str, cookie: str) -> str:
    client = app.test_client(use_cookies=False)
    page = client.get(f"/t/{shop}/cart", headers={"Cookie": f"shop={cookie}", "Accept-Language": "en"})
    assert page.status_code == 200
    return page.text


def test_a_cookie_of_one_shop_or_a_tampered_one_is_as_none(app: Flask) -> None:
    """Both shops sell something called `shared`."""
    answer = Person(app.test_client(), "north").post("/cart/items", {"product_id": "shared"})
    cookie = re.sub(r"shop=([^;]*);.*", r"\1", cookie_of(answer))
    assert "North's own" in cart_page(app, "north", cookie).replace("&#39;", "'")
    payload, _, signature = cookie.partition(".")
    forged = [cookie[:-2], cookie + "x", payload, f"{payload}A.{signature}", "", ".", "x" * 4000, "é", '"', "\\000"]
    for stray in forged:
        assert "Your cart is empty" in cart_page(app, "north", stray)
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


@pytest.mark.parametrize(("headers", "taken"), CROSS_SITE, ids=str)
def test_only_the_shops_own_pages_may_send_forms(shopper: Person, headers: dict[str, str], taken: bool) -> None:
    answer = shopper.post("/cart/items", {"product_id": "beans"}, headers=headers)
    assert answer.status_code == (303 if taken else 403)
    assert ("Dawn Beans" in shopper.get("/cart").text) is taken
    program = shopper.api("POST", "/carts", {}, headers=headers)
    assert program.status_code == (201 if taken else 403)
    if not taken:
        assert program.json["type"].endswith("/cross-site")
    assert shopper.get("/", headers=headers).status_code == 200, "looking is free, whoever linked here"


@pytest.mark.parametrize("size", [300_000, 10_000_000])
def test_a_body_over_the_limit_is_refused(shopper: Person, size: int) -> None:
    page = shopper.post("/cart/items", {"product_id": "x" * size})
    program = shopper.client.post("/t/north/api/v1/carts", data=b'"' + b"x" * size, content_type="application/json")
    files = shopper.client.post("/t/north/cart/items", data=b"x" * size, content_type="multipart/form-data; boundary=b")
    assert [page.status_code, program.status_code, files.status_code] == [413, 413, 413]
    assert program.mimetype == "application/problem+json"
    assert shopper.post("/cart/items", {"product_id": "x" * 100_000}).status_code == 404


def too_often(send: Callable[[], TestResponse]) -> TestResponse:
    """What the one answer is like that comes after too many."""
    for _ in range(400):
        answer = send()
        if answer.status_code == 429:
            return answer
    raise AssertionError("as often as one likes")


def test_who_asks_too_often_is_asked_to_wait(make_app: Callable[..., Flask]) -> None:
    person = Person(make_app(RATELIMIT_ENABLED="true").test_client(), "north")
    cart_id = person.cart(beans=1)
    page = too_often(lambda: person.post("/checkout", {"cart_id": "x"}))
    program = too_often(lambda: person.api("POST", f"/carts/{cart_id}/checkout", {"email": "x"}))
    region = person.post("/checkout", headers={"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "x#y"})
    for answer in (page, program, region):
        assert answer.status_code == 429
        assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert program.mimetype == "application/problem+json"
    assert "429" in page.text
    assert person.get("/").status_code == 200, "the shelves are still open"
    other = Person(person.client, "north").client.get("/t/north/cart", environ_base={"REMOTE_ADDR": "203.0.113.9"})
    assert other.status_code == 200


def test_the_limit_is_each_callers_own(make_app: Callable[..., Flask]) -> None:
    app = make_app(RATELIMIT_ENABLED="true", TRUSTED_PROXIES="1")
    person = Person(app.test_client(), "north")

    def send(address: str, believed: str = "203.0.113.1") -> TestResponse:
        headers = {"X-Forwarded-For": f"{address}, {believed}"}
        return person.post("/checkout", {"cart_id": "x"}, headers=headers)

    addresses = iter(range(10_000))
    too_often(lambda: send(f"10.0.0.{next(addresses)}"))
    assert send("10.0.0.1", believed="203.0.113.2").status_code != 429, "somebody else isn't held up"


def test_without_limits_nobody_waits(shopper: Person) -> None:
    assert {shopper.post("/checkout", {"cart_id": "x"}).status_code for _ in range(130)} == {404}


EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}${7*7}"


class Active(HTMLParser):
    """What of a page would run, or asks a stranger for something."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        address = str(given.get("src") or given.get("href") or given.get("action") or "/")
        data = given.get("type") == "application/ld+json"  # a data block, which no browser runs
        runs = (tag == "script" and "src" not in given and not data) or tag in ("iframe", "object")
        runs = runs or any(name.startswith(("on", "style", "hx-on")) for name in given)
        if runs or not address.startswith(("/", "?", "#")):
            self.found.append(self.get_starttag_text() or tag)


def evil_shop() -> dict[str, Any]:
    product = {"id": "evil", "name": EVIL, "description": EVIL, "category": EVIL[:80], "price": "1", "stock": 9}
    more = {"id": "more", "name": EVIL + "2", "category": EVIL[:80], "price": "1", "stock": 2}
    hero = {"title": EVIL[:120], "text": EVIL}
    theme = {"accent": "#7a3e1d", "hero": hero, "extra": EVIL}
    return {"id": "evil", "name": EVIL, "currency": "EUR", "theme": theme, "products": [
        product | {"tags": [EVIL[:60], EVIL[:20]]}, more | {"tags": [EVIL[:60]]},
    ]}  # fmt: skip


def test_markup_in_any_text_is_shown_and_never_run(app: Flask) -> None:
    with app.app_context():
        import_catalog(json.dumps({"tenants": [evil_shop()]}).encode())
        state_of(app).registry.invalidate()
    person = Person(app.test_client(), "evil")
    pages = [person.client.get("/"), person.client.get("/", query_string={"q": EVIL})]
    pages += [person.get("/", query_string={"q": EVIL, "category": EVIL, "page": EVIL})]
    pages += [person.get("/", query_string={"category": EVIL[:80]}), person.get("/products/evil")]
    pages += [person.get(f"/{EVIL}"), person.get(f"/products/{EVIL}"), person.client.get(f"/t/{EVIL}/")]
    person.post("/cart/items", {"product_id": "evil"})
    pages += [person.get(path) for path in ("/cart", "/checkout", "/checkout/upsell", "/checkout/upsell?page=1")]
    pages += [person.region("/cart", "section#cart_lines"), person.region("/", "div#products")]
    pages += [person.post("/cart/promo", {"code": EVIL}), person.post("/checkout", {"email": EVIL, "name": EVIL})]
    pages += [person.get("/checkout", query_string={"added": EVIL}), person.get("/api/v1/docs")]
    placed = person.post("/checkout", {"email": "a&b'c{{d}}@example.com", "name": EVIL})
    assert placed.status_code == 303
    pages += [person.client.get(placed.location)]
    assert EVIL in unescape(pages[4].text), "the text itself is there"
    for page in pages:
        assert page.mimetype == "text/html"
        assert Active(page.text).found == []
        assert "{{7*7}}" in unescape(page.text) or "49" not in page.text
    data = person.api("GET", "/products/evil")
    assert data.mimetype == "application/json"
    assert data.json["name"] == EVIL, "programs get the text as it is"
