"""Rate limits per client, for expensive requests and for guesses."""

from collections.abc import Callable
from itertools import count

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from storefront.staff.permissions import Role
from storefront.web.client_address import client_key_of
from tests.conftest import Person
from tests.staff.factories import PASSWORD, api_key, bearer, newcomer

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing here is stored in it
addresses = (f"10.1.{number // 250}.{number % 250}" for number in count())
"""Each test has its own client addresses, because the process keeps the counters of all tests."""


@pytest.fixture
def limited(make_app: Callable[..., Flask]) -> Person:
    client = make_app(RATELIMIT_ENABLED="true").test_client()
    client.environ_base["REMOTE_ADDR"] = next(addresses)
    return Person(client, "north")


def until_refused(send: Callable[[], TestResponse], at_most: int) -> int:
    """Return the number of requests before the first 429, which must have a Retry-After header."""
    for sent in range(at_most + 1):
        answer = send()
        if answer.status_code == 429:
            assert int(answer.headers["Retry-After"]) > 0
            is_api = "/api/" in answer.request.path
            assert answer.mimetype == ("application/problem+json" if is_api else "text/html")
            return sent
    raise AssertionError(f"no limit after {at_most} requests")


@ON_SQLITE
def test_wrong_promo_codes_are_counted_together_for_pages_and_api(limited: Person) -> None:
    limited.post("/cart/items", {"product_id": "beans"})
    cart_id = limited.cart(beans=1)
    for _ in range(30):
        assert limited.post("/cart/promo", {"code": "GUESS"}).status_code == 422
    remaining = until_refused(lambda: limited.api("PUT", f"/carts/{cart_id}/promo", {"code": "GUESS"}), 60)
    assert remaining == 30
    assert limited.post("/cart/promo", {"code": "GUESS"}).status_code == 429


@ON_SQLITE
def test_valid_promo_codes_are_not_counted(limited: Person) -> None:
    cart_id = limited.cart(beans=1)
    for _ in range(80):
        assert limited.api("PUT", f"/carts/{cart_id}/promo", {"code": "summer10"}).status_code == 200


@ON_SQLITE
def test_wrong_api_keys_are_counted_and_right_ones_are_not(limited: Person) -> None:
    right, wrong = bearer(api_key(limited.client.application, "north", "upsell:read")), bearer("guess")
    for _ in range(80):
        assert limited.api("GET", "/upsell/calls", headers=right).status_code == 200
    for _ in range(30):
        assert limited.api("GET", "/upsell/calls", headers=wrong).status_code == 401
    assert until_refused(lambda: limited.api("GET", "/upsell/report", headers=wrong), 60) == 30
    assert limited.api("GET", "/upsell/calls", headers=right).status_code == 429


@ON_SQLITE
def test_valid_key_without_the_scope_is_not_limited(limited: Person) -> None:
    key = bearer(api_key(limited.client.application, "north", "upsell:write"))
    for _ in range(80):
        assert limited.api("GET", "/upsell/calls", headers=key).status_code == 403


@ON_SQLITE
def test_failed_sign_ins_are_limited_per_address(limited: Person) -> None:
    newcomer(limited.client.application, "north", Role.CLERK, "ada@north.example")
    names = count()

    def guess() -> TestResponse:
        return limited.post("/admin/sign-in", {"email": f"{next(names)}@north.example", "password": PASSWORD})

    assert until_refused(guess, 30) == 20
    right = {"email": "ada@north.example", "password": PASSWORD}
    assert limited.post("/admin/sign-in", right).status_code == 429
    limited.client.environ_base["REMOTE_ADDR"] = next(addresses)
    assert limited.post("/admin/sign-in", right).status_code == 303


@ON_SQLITE
@pytest.mark.parametrize("email", ["bob@north.example", "nobody@north.example"])
def test_failed_sign_ins_of_an_account_are_limited_for_all_addresses(limited: Person, email: str) -> None:
    newcomer(limited.client.application, "north", Role.CLERK, "bob@north.example")

    def guess() -> TestResponse:
        limited.client.environ_base["REMOTE_ADDR"] = next(addresses)
        return limited.post("/admin/sign-in", {"email": email, "password": "a wrong password"})

    assert until_refused(guess, 30) == 10


@ON_SQLITE
def test_existing_order_can_be_viewed_without_a_limit(limited: Person) -> None:
    order_id = limited.checkout(limited.cart(beans=1)).json["id"]
    assert {limited.get(f"/orders/{order_id}").status_code for _ in range(80)} == {200}


@ON_SQLITE
@pytest.mark.parametrize("path", ["/?q=beans", "/suggest?q=be", "/api/v1/products?q=beans"])
def test_searches_are_limited_and_other_pages_are_not(limited: Person, path: str) -> None:
    assert until_refused(lambda: limited.get(path), 1300) == 1200
    assert limited.get("/").status_code == 200
    assert limited.get("/products/beans").status_code == 200


@ON_SQLITE
@pytest.mark.parametrize("path", ["/sitemap.xml", "/feed.xml"])
def test_sitemap_and_feed_are_limited(limited: Person, path: str) -> None:
    assert until_refused(lambda: limited.get(path), 100) == 60


@ON_SQLITE
def test_cart_changes_are_limited(limited: Person) -> None:
    limited.post("/cart/items", {"product_id": "beans"})
    assert until_refused(lambda: limited.post("/cart/items/beans", {"quantity": "2"}), 700) == 600
    cart_id = limited.cart(beans=1)
    path = f"/carts/{cart_id}/items/beans"
    assert until_refused(lambda: limited.api("PUT", path, {"quantity": 1}), 700) == 600


@ON_SQLITE
def test_event_streams_are_limited(limited: Person) -> None:
    def connect() -> TestResponse:
        answer = limited.get("/events", buffered=False)
        answer.close()
        return answer

    assert until_refused(connect, 700) == 600


@ON_SQLITE
def test_ipv6_network_is_one_client(limited: Person) -> None:
    host = count(1)

    def read(network: str) -> TestResponse:
        address = {"REMOTE_ADDR": f"{network}::{next(host):x}"}
        return limited.get("/feed.xml", environ_base=address)

    assert until_refused(lambda: read("2001:db8:1:2"), 100) == 60
    assert read("2001:db8:1:3").status_code == 200, "another network was limited too"


CLIENT_KEYS = [
    ("203.0.113.7", "203.0.113.7"),
    ("203.0.113.7:5000", "203.0.113.7"),
    ("::ffff:203.0.113.7", "203.0.113.7"),
    ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
    ("2001:db8:1:2::", "2001:db8:1:2::"),
    ("[2001:db8:1:2::9]:443", "2001:db8:1:2::"),
    ("[2001:db8:1:2::9]", "2001:db8:1:2::"),
    ("fe80::1%eth0", "fe80::"),
    ("::1", "::"),
    ("", "unknown"),
    ("_hidden", "unknown"),
    ("x" * 5000, "unknown"),
]


@pytest.mark.parametrize(("address", "key"), CLIENT_KEYS, ids=str)
def test_client_key(address: str, key: str) -> None:
    assert client_key_of(address) == key


@ON_SQLITE
def test_only_refused_requests_have_retry_after(limited: Person) -> None:
    cart_id = limited.cart(beans=1)
    answers = [limited.get("/?q=beans"), limited.api("GET", "/products"), limited.api("GET", f"/carts/{cart_id}")]
    answers += [limited.api("PUT", f"/carts/{cart_id}/promo", {"code": "GUESS"}), limited.api("GET", "/carts/none")]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 422, 404]
    assert not [answer.headers["Retry-After"] for answer in answers if "Retry-After" in answer.headers]
    for _ in range(61):
        refused = limited.get("/sitemap.xml")
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
