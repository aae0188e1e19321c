"""The Host header selects the shop and is never repeated; an invalid one breaks nothing."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from werkzeug.test import TestResponse

HOSTILE = ("evil.example", "evil.example:8000", "north.localhost.evil.example", "evil.example.", "EVIL.example")
MALFORMED = (
    "", " ", ".", "..", ":", ":80", "localhost:notaport", "localhost:99999999", "[::1]", "[::1]:8000", "[", "]", "[]",
    "a" * 5000, "%00", "\x7f", "ünïcode.localhost", "-.localhost", ".localhost", "..localhost", "a..localhost",
    "'; DROP TABLE tenant;--.localhost", "../north.localhost", "north.localhost/..", "user@north.localhost",
    "north\tlocalhost", "a b.localhost", "<b>.localhost", "{{7*7}}.localhost", "localhost,evil.example",
)  # fmt: skip
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # a host never reaches a database
PATHS = ("/", "/t/north/", "/t/north/cart", "/t/north", "/t/nosuch/", "/nowhere", "/t/north/api/v1/openapi.json")


def whole(answer: TestResponse) -> str:
    """Body and headers, without the random text of a session's cookie."""
    headers = re.sub(r"(Set-Cookie: \w+=)[^;\s]*", r"\1", str(answer.headers))
    return f"{headers}\n{answer.text}".lower()


@pytest.mark.parametrize("host", HOSTILE)
def test_a_host_is_never_repeated(app: Flask, host: str):
    client = app.test_client()
    for path in PATHS:
        answer = client.get(path, headers={"Host": host})
        assert "evil" not in whole(answer), path
        assert answer.status_code == client.get(path).status_code, "any other host serves the prefix form"
    for path in (
        "/t/north//cart",
        "/t/north/api/v1//products",
        "/t/north/api/v1/carts//items",
        "//cart",
        "/t/north/cart/",
    ):
        answer = client.get(path, headers={"Host": host})
        assert "evil" not in whole(answer), f"{path}: doubled slashes must not lead to the host that was sent"
    posts = [
        client.post("/t/north/cart/items", data={"product_id": "beans"}, headers={"Host": host}),
        client.post("/t/north/api/v1/carts", json={}, headers={"Host": host}),
        client.post("/t/north/checkout", data={"email": "a@b.ie", "name": "A"}, headers={"Host": host}),
    ]
    assert [answer.status_code for answer in posts] == [303, 201, 303]
    for answer in posts:
        assert "evil" not in whole(answer)


def test_what_proxies_say_is_not_believed_from_strangers(app: Flask):
    said = {
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Prefix": "/evil",
        "Forwarded": "host=evil.example",
        "X-Original-URL": "/evil",
        "X-Forwarded-Proto": "evil",
    }
    client = app.test_client()
    for path in PATHS:
        assert "evil" not in whole(client.get(path, headers=said)), path
    assert "evil" not in whole(client.post("/t/north/cart/items", data={"product_id": "beans"}, headers=said))


@pytest.mark.parametrize("host", MALFORMED)
def test_a_malformed_host_serves_the_prefix_form_unless_it_could_be_a_shops(app: Flask, host: str):
    client, given = app.test_client(), {"HTTP_HOST": host}
    statuses = [
        client.get(path, environ_overrides=given).status_code for path in ("/", "/t/north/", "/t/north/api/v1/products")
    ]
    for method, data in (("POST", {"product_id": "beans"}), ("PUT", {})):
        answer = client.open("/t/north/cart/items", method=method, data=data, environ_overrides=given)
        statuses.append(answer.status_code)
    assert statuses == ([404] * 5 if host == "-.localhost" else [200, 200, 200, 303, 405])


@pytest.mark.parametrize("host", ["north.localhost", "NORTH.LocalHost", "north.localhost.", "north.localhost:8000"])
def test_the_ways_to_write_a_host_are_one_shop(app: Flask, host: str):
    answer = app.test_client().get("/api/v1/products/beans", environ_overrides={"HTTP_HOST": host})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("host", "leads_to"),
    [
        ("www.localhost", "http://localhost"),
        ("WWW.LocalHost", "http://localhost"),
        ("www.localhost.", "http://localhost"),
        ("www.localhost:8000", "http://localhost:8000"),
    ],
)
def test_www_before_the_base_domain_leads_to_it(app: Flask, host: str, leads_to: str):
    client = app.test_client()
    for path in (
        "/",
        "/t/north/?q=caf%C3%A9&page=2",
        "/t/north",
        "/caf%C3%A9%2F%3Fx",
        "/x//evil.example/",
        "/%0d%0aX%3A%20y",
    ):
        answer = client.get(path, environ_overrides={"HTTP_HOST": host})
        assert answer.status_code == 308
        assert answer.headers["Location"].startswith(leads_to + "/"), path
        assert answer.headers["Location"].lower() == (leads_to + path.replace("%2F", "/")).lower()
    posted = client.post("/t/north/cart/items", data={"product_id": "beans"}, environ_overrides={"HTTP_HOST": host})
    assert (posted.status_code, posted.headers["Location"]) == (308, leads_to + "/t/north/cart/items")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("www.evil.example", 200),
        ("www.north.localhost", 404),
        ("wwww.localhost", 404),
        ("xwww.localhost", 404),
        ("www.localhost.evil.example", 200),
    ],
)
def test_www_elsewhere_leads_nowhere(app: Flask, host: str, status: int):
    answer = app.test_client().get("/", environ_overrides={"HTTP_HOST": host})
    assert answer.status_code == status
    assert "evil" not in whole(answer)


def test_www_behind_a_proxy_leads_to_the_scheme_that_shoppers_use(make_app: Callable[..., Flask]):
    client = make_app(BASE_DOMAIN="example.com", TRUSTED_PROXIES="1").test_client()
    said = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "www.example.com"}
    assert client.get("/t/north/?a=b", headers=said).headers["Location"] == "https://example.com/t/north/?a=b"


@pytest.mark.parametrize("host", ["a.north.localhost", "northlocalhost", "north.localhost.evil.example", "xlocalhost"])
def test_what_only_looks_like_the_shops_host_is_not_it(app: Flask, host: str):
    answer = app.test_client().get("/api/v1/products/beans", environ_overrides={"HTTP_HOST": host})
    assert answer.status_code == 404


def test_the_base_domain_is_what_the_operator_says(make_app: Callable[..., Flask]):
    client = make_app(BASE_DOMAIN="shops.example.com").test_client()
    assert client.get("/api/v1/products/beans", base_url="http://north.shops.example.com").status_code == 200
    assert client.get("/api/v1/products/beans", base_url="http://north.localhost").status_code == 404
    assert client.get("/t/north/api/v1/products/beans", base_url="http://shops.example.com").status_code == 200
    assert client.get("/t/north/api/v1/products/beans", base_url="http://my-host.example").status_code == 200


@pytest.mark.parametrize(
    "tenant_id", ["NORTH", "%6Eorth", "north%2F", "north%00", "n" * 5000, "%F0%9F%90%9D", "%ff", ".."]
)
def test_a_mad_prefix_breaks_nothing(app: Flask, tenant_id: str):
    paths = (f"/t/{tenant_id}/", f"/t/{tenant_id}", f"/t/{tenant_id}/api/v1/products")
    answers = [app.test_client().get(path) for path in paths]
    expected = {"%6Eorth": [200, 308, 200], "north%2F": [200, 200, 200]}.get(tenant_id, [404, 308, 404])
    assert [answer.status_code for answer in answers] == expected
    assert "\n" not in "".join(answer.headers.get("Location", "") for answer in answers)


def test_a_prefix_cannot_lead_away(app: Flask):
    for path in ("/t//evil.example", "//evil.example/t/north", "/t/north//evil.example", "/t/\\evil.example"):
        answer = app.test_client().get(path)
        location = answer.headers.get("Location", "")
        assert not location.startswith(("//", "/\\", "http")), f"{path} leads to {location}"
