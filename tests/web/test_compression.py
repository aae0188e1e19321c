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
def test_response_is_compressed_for_clients_that_accept_gzip(shopper: Person, path: str) -> None:
    plain, compressed = shopper.get(path), shopper.get(path, headers=BROWSER)
    assert "Content-Encoding" not in plain.headers
    assert compressed.headers["Content-Encoding"] == "gzip"
    assert compressed.status_code == plain.status_code
    assert compressed.content_length == len(compressed.data) < len(plain.data)
    assert len(gzip.decompress(compressed.data)) == len(plain.data)
    assert "Accept-Encoding" in varies_by(plain) & varies_by(compressed)


def test_compression_keeps_the_other_names_in_vary(shopper: Person) -> None:
    assert {"HX-Request-Type", "HX-Target", "Cookie", "Accept-Encoding"} <= varies_by(shopper.get("/", headers=BROWSER))


@pytest.mark.parametrize("accepted", ["identity", "br", "gzip;q=0, identity", "x-gzip-like"])
def test_response_is_not_compressed_without_gzip_support(shopper: Person, accepted: str) -> None:
    answer = shopper.get("/", headers={"Accept-Encoding": accepted})
    assert "Content-Encoding" not in answer.headers
    assert answer.text.endswith("</html>")


def test_small_or_empty_response_is_not_compressed(shopper: Person) -> None:
    redirected = shopper.post("/cart/items", {"product_id": "cup"}, headers=BROWSER)
    assert redirected.status_code == 303
    for answer in (redirected, shopper.client.get("/healthz", headers=BROWSER)):
        assert "Content-Encoding" not in answer.headers


def test_streams_are_not_compressed(shopper: Person) -> None:
    with shopper.get("/events", headers=BROWSER, buffered=False) as stream:
        assert stream.mimetype == "text/event-stream"
        assert "Content-Encoding" not in stream.headers
        assert next(iter(stream.response)).startswith(b"retry")  # type: ignore[attr-defined]


def test_pages_with_secrets_repeat_no_query_parameters(shopper: Person) -> None:
    """Otherwise the compressed length would reveal the secret to whoever controls the parameters (BREACH)."""
    typed = "?" + "&".join(f"{name}=zebrafish" for name in ("q", "added", "code", "email", "name", "next", "cart_id"))
    shopper.post("/cart/items", {"product_id": "cup"})
    assert "zebrafish" in shopper.get("/" + typed).text, "a page without secrets repeats parameters"
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


def test_style_and_script_are_compressed_and_immutable(app: Flask, shopper: Person) -> None:
    urls = re.findall(r'(?:href|src)="(/t/north/static/[^"]+\.(?:css|js))"', shopper.get("/").text)
    assert len(urls) == 3
    for url in urls:
        assert re.search(r"\.[0-9a-f]{12}\.\w+$", url)
        plain, compressed = (app.test_client().get(url, headers=headers) for headers in ({}, BROWSER))
        assert "Content-Encoding" not in plain.headers
        assert compressed.headers["Content-Encoding"] == "gzip"
        assert compressed.content_length == len(compressed.data) < len(plain.data) / 2
        assert gzip.decompress(compressed.data) == plain.data
        for answer in (plain, compressed):
            assert "immutable" in answer.headers["Cache-Control"]
            assert varies_by(answer) == {"Accept-Encoding"}
        again = app.test_client().get(url, headers={**BROWSER, "If-None-Match": compressed.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
        head = app.test_client().head(url, headers=BROWSER)
        assert (head.status_code, head.data, head.content_length) == (200, b"", compressed.content_length)
        assert app.test_client().post(url).status_code == 405


def test_fonts_of_the_style_are_immutable(app: Flask, shopper: Person) -> None:
    url = re.search(r'href="(/t/north/static/css/style[^"]+)"', shopper.get("/").text)[1]
    fonts = re.findall(r"url\(\.\./([^)]+)\)", app.test_client().get(url).text)
    assert fonts
    for font in fonts:
        with app.test_client().get(f"/t/north/static/{font}") as answer:
            assert (answer.status_code, answer.mimetype) == (200, "font/woff2")
            assert "immutable" in answer.headers["Cache-Control"]


def cache_size() -> int:
    return compress_shared.cache_info().currsize


def test_only_shared_responses_are_cached_compressed(shopper: Person) -> None:
    """Responses for one shopper would fill the cache and evict shared ones."""
    compress_shared.cache_clear()
    shopper.post("/cart/items", {"product_id": "cup"}, headers=BROWSER)
    with_message = shopper.get("/", headers=BROWSER)
    assert "Added" in gzip.decompress(with_message.data).decode()
    cart_id = shopper.cart(cup=1)
    order = shopper.checkout(cart_id).json
    pages = [shopper.get(path, headers=BROWSER) for path in ("/cart", "/checkout", "/checkout/upsell?page=1")]
    pages += [shopper.get(path + order["id"], headers=BROWSER) for path in ("/orders/", "/api/v1/orders/")]
    pages += [shopper.api("GET", f"/carts/{shopper.cart(cup=1, beans=2)}", headers=BROWSER)]
    pages += [shopper.get("/nowhere", headers=BROWSER), shopper.post("/cart/promo", {"code": "x"}, headers=BROWSER)]
    assert sum("Content-Encoding" in page.headers for page in pages) >= 6
    assert cache_size() == 0


@pytest.mark.parametrize("path", ["/", "/?q=cup", "/products/cup", "/api/v1/products", "/api/v1/openapi.json"])
def test_shared_response_is_compressed_once(shopper: Person, path: str) -> None:
    shopper.get(path, headers=BROWSER)
    before = compress_shared.cache_info()
    first, second = shopper.get(path, headers=BROWSER), shopper.get(path, headers=BROWSER)
    assert first.data == second.data
    assert compress_shared.cache_info().hits == before.hits + 2
    assert compress_shared.cache_info().misses == before.misses


def test_personal_responses_do_not_grow_the_cache(shopper: Person) -> None:
    shopper.get("/", headers=BROWSER)
    before = cache_size()
    for _ in range(60):
        shopper.api("GET", f"/carts/{shopper.cart(cup=1, beans=2, pot=1)}", headers=BROWSER)
    assert cache_size() == before
