"""No header causes a 500 or an error in the log."""

import logging
from collections.abc import Callable, Iterator
from itertools import product

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Person

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # headers don't depend on the database

HEADERS_READ = (
    *(
        "Host",
        "Origin",
        "Referer",
        "Cookie",
        "Authorization",
        "Range",
        "If-Range",
        "If-None-Match",
        "If-Modified-Since",
    ),
    *("Accept", "Accept-Language", "Accept-Encoding", "Content-Type", "Content-Length", "Transfer-Encoding"),
    *("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "Forwarded", "X-Real-IP", "Via"),
    *("X-Request-ID", "Idempotency-Key", "Last-Event-ID", "Sec-Fetch-Site"),
    *("HX-Request", "HX-Request-Type", "HX-Target"),
)
"""The headers that the shop or one of its libraries reads."""
INVALID_VALUES = (
    *("", " ", ",", ";", "=", '"', "\\", "%", "%zz", "*", "\t", "\x7f", "\xa0", "\xe9", "\xff" * 50, "x" * 5000),
    *("9" * 5000, "-1", "+5", "1_0", "0x10", "1e999", "nan", "²"),
    *("http://[", "http://[::1", "//[", "[", "]", "null", "http://localhost:port", "http://localhost:99999999"),
    *("http://localhost/t/north//[", "http://localhost/t/north/\xff?x=[", "http://localhost/t/north/\x85"),
    *(":", ":80", "localhost:x", "::1", "[::1]:80:80", "a..b", ".", "127.0.0.1, [", 'for="[', "javascript"),
    *(
        "bytes=",
        "bytes=--5",
        "bytes=5-2",
        "bytes=0-0,1-1",
        "bytes=99999999999999999999-",
        "bytes=-99999999999999999999",
    ),
    *("en;q=nan", "en;q=1e999", "en;q=", ";q=1", "en-\xfc", "de-" * 2000, "identity;q=0, *;q=0", "*/*;q="),
    *("Mon, 99 Foo 99999 99:99:99 GMT", "Mon, 01 Jan 0000 00:00:00 GMT", 'W/"', "chunked"),
    *("multipart/form-data", "multipart/form-data; boundary=", 'multipart/form-data; boundary="'),
    *("application/json; charset=utf-99", "application/x-www-form-urlencoded; charset=\xff", "text/\xff"),
    *("Bearer", "Bearer \xe9", "Basic !!!", "Basic Og==", 'Digest a="'),
    *("shop=", "shop=.", "shop=a.b.c", 'shop="\\377"', "lang=xx", "lang=de; lang", "=; ="),
    *("partial", "#", "div#products", "section#nothing"),
)
ROUTES = (
    *(("GET", path) for path in ("/?q=beans", "/products/beans", "/cart", "/events", "/feed.xml", "/nothing")),
    *(
        ("GET", path)
        for path in ("/static/css/style.css", "/static/products/placeholder.svg", "/static/fonts/figtree.woff2")
    ),
    *(("POST", path) for path in ("/cart/items", "/language", "/api/v1/carts", "/api/v1/carts/x/checkout")),
    *(("GET", path) for path in ("/api/v1/products", "/api/v1/upsell/calls", "/healthz", "/metrics")),
)
WITHOUT_HTTP = {"Content-Type": "CONTENT_TYPE", "Content-Length": "CONTENT_LENGTH"}
Send = Callable[[str, str, dict[str, str]], int]


@pytest.fixture
def send(make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture) -> Iterator[Send]:
    """Return a function that sends a request with headers, as a server passes them on, and checks response and log."""
    app = make_app(TRUSTED_PROXIES="1", METRICS_TOKEN="m" * 24, PUBLIC_URL="https://shop.example")
    client = app.test_client(use_cookies=False)
    caplog.set_level(logging.ERROR)

    def check(method: str, path: str, headers: dict[str, str]) -> int:
        status = status_of(client, method, path, headers)
        assert status < 500, (method, path, headers)
        assert [line.message for line in caplog.records] == [], (method, path, headers)
        return status

    yield check


def status_of(client: FlaskClient, method: str, path: str, headers: dict[str, str]) -> int:
    environ = {WITHOUT_HTTP.get(name, "HTTP_" + name.upper().replace("-", "_")): text for name, text in headers.items()}
    body = b"product_id=beans" if method == "POST" and "Content-Length" not in headers else None
    streams = path == "/events"
    with client.open(
        "/t/north" + path, method=method, data=body, environ_overrides=environ, buffered=not streams
    ) as response:
        if streams and response.status_code == 200:
            next(iter(response.response))
        return response.status_code


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_no_single_header_causes_an_error(send: Send, route: tuple[str, str]) -> None:
    """Each route gets every fourth pair of header and value; similar routes get the others."""
    pairs = list(product(HEADERS_READ, INVALID_VALUES))
    for name, value in pairs[ROUTES.index(route) % 4 :: 4]:
        send(*route, {name: value})


HEADER_TEXT = st.text(st.characters(max_codepoint=255, exclude_characters="\0\r\n"), max_size=60)
HEADERS = st.dictionaries(
    st.sampled_from(HEADERS_READ), HEADER_TEXT | st.sampled_from(INVALID_VALUES), min_size=1, max_size=6
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(route=st.sampled_from(ROUTES), headers=HEADERS)
def test_no_combination_of_headers_causes_an_error(send: Send, route: tuple[str, str], headers: dict[str, str]) -> None:
    send(*route, headers)


@pytest.mark.parametrize("origin", ["http://[", "http://[::1", "https://[x]:1", "http://]"])
def test_invalid_origin_is_refused_as_cross_site(shopper: Person, origin: str) -> None:
    assert shopper.post("/cart/items", {"product_id": "beans"}, headers={"Origin": origin}).status_code == 403
    answer = shopper.api("POST", "/carts", {}, headers={"Origin": origin})
    assert answer.status_code == 403
    assert answer.mimetype == "application/problem+json"
    assert answer.json["type"] == "/problems/cross-site"


def test_any_block_of_any_page_can_be_requested_as_a_partial(app: Flask, send: Send) -> None:
    env = app.jinja_env
    blocks = {block for name in env.list_templates() for block in env.get_template(name).blocks}
    assert len(blocks) > 15
    for path in ("/", "/?q=zzz", "/products/beans", "/cart", "/checkout", "/api/v1/docs", "/nothing"):
        for block in blocks:
            send("GET", path, {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": f"div#{block}"})


@pytest.mark.parametrize("scheme", ["javascript", "[", "HTTPS x", "ftp"])
def test_invalid_forwarded_scheme_is_not_repeated(make_app: Callable[..., Flask], scheme: str) -> None:
    client = make_app(TRUSTED_PROXIES="1").test_client()
    page = client.get("/t/north/sitemap.xml", headers={"X-Forwarded-Proto": scheme})
    assert page.status_code == 200
    assert "<loc>http://localhost/" in page.text


@pytest.mark.parametrize("address", ["2001:db8::1", "[2001:db8::1]:443", "\xff", "x" * 5000, "203.0.113.7:5000", ""])
def test_any_forwarded_client_address_is_accepted(make_app: Callable[..., Flask], address: str) -> None:
    client = make_app(TRUSTED_PROXIES="1", RATELIMIT_ENABLED="true").test_client()
    headers = {"X-Forwarded-For": address}
    assert client.get("/t/north/?q=beans", headers=headers).status_code == 200
    assert client.get("/t/north/events", headers=headers).status_code == 200
