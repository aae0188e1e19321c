"""Compression of pages, API responses, CSS and scripts."""

import gzip
import re

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from storefront.web.compression import compress_shared
from tests.conftest import Person

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing here differs by database
BROWSER = {"Accept-Encoding": "gzip, deflate, br, zstd"}


def varies_by(answer: TestResponse) -> set[str]:
    return {name.strip() for name in answer.headers["Vary"].split(",")}


@pytest.mark.parametrize("path", ["/", "/products/cup", "/api/v1/products", "/api/v1/openapi.json", "/nowhere"])
def test_an_answer_is_packed_for_who_can_unpack_it(shopper: Person, path: str) -> None:
    plain, packed = shopper.get(path), shopper.get(path, headers=BROWSER)
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.status_code == plain.status_code
    assert packed.content_length == len(packed.data) < len(plain.data)
    assert len(gzip.decompress(packed.data)) == len(plain.data)
    assert "Accept-Encoding" in varies_by(plain) & varies_by(packed)


def test_what_else_an_answer_depends_on_stays_said(shopper: Person) -> None:
    assert {"HX-Request-Type", "HX-Target", "Cookie", "Accept-Encoding"} <= varies_by(shopper.get("/", headers=BROWSER))


@pytest.mark.parametrize("accepted", ["identity", "br", "gzip;q=0, identity", "x-gzip-like"])
def test_who_does_not_take_gzip_gets_none(shopper: Person, accepted: str) -> None:
    answer = shopper.get("/", headers={"Accept-Encoding": accepted})
    assert "Content-Encoding" not in answer.headers
    assert answer.text.endswith("</html>")


def test_what_is_small_or_empty_is_not_packed(shopper: Person) -> None:
    redirected = shopper.post("/cart/items", {"product_id": "cup"}, headers=BROWSER)
    assert redirected.status_code == 303
    for answer in (redirected, shopper.client.get("/healthz", headers=BROWSER)):
        assert "Content-Encoding" not in answer.headers


def test_streams_are_not_packed_so_that_nothing_waits_in_them(shopper: Person) -> None:
    with shopper.get("/events", headers=BROWSER, buffered=False) as stream:
        assert stream.mimetype == "text/event-stream"
        assert "Content-Encoding" not in stream.headers
        assert next(iter(stream.response)).startswith(b"retry")  # type: ignore[attr-defined]


def test_nothing_of_an_address_stands_beside_a_secret(shopper: Person) -> None:
    """Else who may choose the one could read the other by the length of what is packed."""
    typed = "?" + "&".join(f"{name}=zebrafish" for name in ("q", "added", "code", "email", "name", "next", "cart_id"))
    shopper.post("/cart/items", {"product_id": "cup"})
    assert "zebrafish" in shopper.get("/" + typed).text, "where there is no secret, it may"
    page = shopper.get("/checkout" + typed)
    cart_id = re.search(r'name="cart_id" value="([^"]+)"', page.text)[1]
    order = shopper.post("/checkout", {"cart_id": cart_id, "email": "ada@example.com", "name": "Ada"}).location
    for answer in (page, shopper.client.get(order + typed)):
        assert answer.status_code == 200
        assert "zebrafish" not in answer.text
    shopper.post("/cart/items", {"product_id": "cup"})
    for path in ("/checkout/upsell", "/cart"):
        answer = shopper.get(path + typed)
        assert answer.status_code == 200
        assert "zebrafish" not in answer.text


def test_style_and_script_are_packed_and_kept_for_ever(app: Flask, shopper: Person) -> None:
    addresses = re.findall(r'(?:href|src)="(/t/north/static/[^"]+\.(?:css|js))"', shopper.get("/").text)
    assert len(addresses) == 3
    for address in addresses:
        assert re.search(r"\.[0-9a-f]{12}\.\w+$", address)
        plain, packed = (app.test_client().get(address, headers=headers) for headers in ({}, BROWSER))
        assert "Content-Encoding" not in plain.headers
        assert packed.headers["Content-Encoding"] == "gzip"
        assert packed.content_length == len(packed.data) < len(plain.data) / 2
        assert gzip.decompress(packed.data) == plain.data
        for answer in (plain, packed):
            assert "immutable" in answer.headers["Cache-Control"]
            assert varies_by(answer) == {"Accept-Encoding"}
        again = app.test_client().get(address, headers={**BROWSER, "If-None-Match": packed.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
        head = app.test_client().head(address, headers=BROWSER)
        assert (head.status_code, head.data, head.content_length) == (200, b"", packed.content_length)
        assert app.test_client().post(address).status_code == 405


def test_what_the_style_asks_for_is_kept_for_ever_too(app: Flask, shopper: Person) -> None:
    address = re.search(r'href="(/t/north/static/css/style[^"]+)"', shopper.get("/").text)[1]
    fonts = re.findall(r"url\(\.\./([^)]+)\)", app.test_client().get(address).text)
    assert fonts
    for font in fonts:
        with app.test_client().get(f"/t/north/static/{font}") as answer:
            assert (answer.status_code, answer.mimetype) == (200, "font/woff2")
            assert "immutable" in answer.headers["Cache-Control"]


def remembered() -> int:
    return compress_shared.cache_info().currsize


def test_only_what_is_everybodys_is_remembered_packed(shopper: Person) -> None:
    """What is one shopper's would stay in the memory of the process, and push out what all ask for."""
    compress_shared.cache_clear()
    shopper.post("/cart/items", {"product_id": "cup"}, headers=BROWSER)
    said = shopper.get("/", headers=BROWSER)
    assert "Added" in gzip.decompress(said.data).decode()
    cart_id = shopper.cart(cup=1)
    order = shopper.checkout(cart_id).json
    pages = [shopper.get(path, headers=BROWSER) for path in ("/cart", "/checkout", "/checkout/upsell?page=1")]
    pages += [shopper.get(path + order["id"], headers=BROWSER) for path in ("/orders/", "/api/v1/orders/")]
    pages += [shopper.api("GET", f"/carts/{shopper.cart(cup=1, beans=2)}", headers=BROWSER)]
    pages += [shopper.get("/nowhere", headers=BROWSER), shopper.post("/cart/promo", {"code": "x"}, headers=BROWSER)]
    assert sum("Content-Encoding" in page.headers for page in pages) >= 6
    assert remembered() == 0


@pytest.mark.parametrize("path", ["/", "/?q=cup", "/products/cup", "/api/v1/products", "/api/v1/openapi.json"])
def test_what_is_everybodys_is_packed_once(shopper: Person, path: str) -> None:
    shopper.get(path, headers=BROWSER)
    before = compress_shared.cache_info()
    first, second = shopper.get(path, headers=BROWSER), shopper.get(path, headers=BROWSER)
    assert first.data == second.data
    assert compress_shared.cache_info().hits == before.hits + 2
    assert compress_shared.cache_info().misses == before.misses


def test_many_pages_of_shoppers_leave_the_shelves_where_they_are(shopper: Person) -> None:
    shopper.get("/", headers=BROWSER)
    kept = remembered()
    for _ in range(60):
        shopper.api("GET", f"/carts/{shopper.cart(cup=1, beans=2, pot=1)}", headers=BROWSER)
    assert remembered() == kept
