"""Rate limits per client, for expensive requests and for guesses."""

from collections.abc import Callable
from itertools import count

import pytest
from flask import Flask
from werkzeug import Response

from storefront.staff.permissions import Role
from storefront.web.client_address import client_key_of
from tests.conftest import Person
from tests.staff.factories import PASSWORD, api_key, bearer, newcomer

ON_ONE_DATABASE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # nothing here is stored in it
addresses = (f"10.1.{number // 250}.{number % 250}" for number in count())
"""A test's clients are nobody else's, as limits are remembered by the process."""


@pytest.fixture
def limited(make_app: Callable[..., Flask]) -> Person:
    client = make_app(RATELIMIT_ENABLED="true").test_client()
    client.environ_base["REMOTE_ADDR"] = next(addresses)
    return Person(client, "north")


def until_refused(send: Callable[[], Response], at_most: int) -> int:
    """After how many the next one is refused, with the time to wait; as problem+json or as a page."""
    for sent in range(at_most + 1):
        answer = send()
        if answer.status_code == 429:
            assert int(answer.headers["Retry-After"]) > 0
            assert answer.mimetype in ("application/problem+json", "text/html")
            return sent
    raise AssertionError(f"{at_most} and no end")


@ON_ONE_DATABASE
def test_wrong_promo_codes_are_counted_at_both_doors_together(limited: Person) -> None:
    limited.post("/cart/items", {"product_id": "beans"})
    cart_id = limited.cart(beans=1)
    for _ in range(30):
        assert limited.post("/cart/promo", {"code": "GUESS"}).status_code == 422
    left = until_refused(lambda: limited.api("PUT", f"/carts/{cart_id}/promo", {"code": "GUESS"}), 60)
    assert left == 30
    assert limited.post("/cart/promo", {"code": "GUESS"}).status_code == 429


@ON_ONE_DATABASE
def test_right_promo_codes_are_not_counted_as_guesses(limited: Person) -> None:
    cart_id = limited.cart(beans=1)
    for _ in range(80):
        assert limited.api("PUT", f"/carts/{cart_id}/promo", {"code": "summer10"}).status_code == 200


@ON_ONE_DATABASE
def test_wrong_api_keys_are_counted_and_right_ones_are_not(limited: Person) -> None:
    right, wrong = bearer(api_key(limited.client.application, "north", "upsell:read")), bearer("guess")
    for _ in range(80):
        assert limited.api("GET", "/upsell/calls", headers=right).status_code == 200
    for _ in range(30):
        assert limited.api("GET", "/upsell/calls", headers=wrong).status_code == 401
    assert until_refused(lambda: limited.api("GET", "/upsell/report", headers=wrong), 60) == 30
    assert limited.api("GET", "/upsell/calls", headers=right).status_code == 429


@ON_ONE_DATABASE
def test_a_right_key_may_ask_for_what_is_not_there(limited: Person) -> None:
    key = bearer(api_key(limited.client.application, "north", "upsell:write"))
    for _ in range(80):
        assert limited.api("GET", "/upsell/calls", headers=key).status_code == 403


@ON_ONE_DATABASE
def test_failed_sign_ins_have_an_end_per_address(limited: Person) -> None:
    newcomer(limited.client.application, "north", Role.CLERK, "ada@north.example")
    names = count()

    def guess() -> Response:
        return limited.post("/admin/sign-in", {"email": f"{next(names)}@north.example", "password": PASSWORD})

    assert until_refused(guess, 30) == 20
    right = {"email": "ada@north.example", "password": PASSWORD}
    assert limited.post("/admin/sign-in", right).status_code == 429
    limited.client.environ_base["REMOTE_ADDR"] = next(addresses)
    assert limited.post("/admin/sign-in", right).status_code == 303


@ON_ONE_DATABASE
@pytest.mark.parametrize("email", ["bob@north.example", "nobody@north.example"])
def test_failed_sign_ins_of_an_account_have_an_end_from_all_addresses(limited: Person, email: str) -> None:
    newcomer(limited.client.application, "north", Role.CLERK, "bob@north.example")

    def guess() -> Response:
        limited.client.environ_base["REMOTE_ADDR"] = next(addresses)
        return limited.post("/admin/sign-in", {"email": email, "password": "a wrong password"})

    assert until_refused(guess, 30) == 10


@ON_ONE_DATABASE
def test_an_order_that_there_is_may_be_looked_at_as_often_as_one_likes(limited: Person) -> None:
    order_id = limited.checkout(limited.cart(beans=1)).json["id"]
    assert {limited.get(f"/orders/{order_id}").status_code for _ in range(80)} == {200}


@ON_ONE_DATABASE
@pytest.mark.parametrize("path", ["/?q=beans", "/suggest?q=be", "/api/v1/products?q=beans"])
def test_searches_have_an_end_and_the_front_page_has_none(limited: Person, path: str) -> None:
    assert until_refused(lambda: limited.get(path), 1300) == 1200
    assert limited.get("/").status_code == 200
    assert limited.get("/products/beans").status_code == 200


@ON_ONE_DATABASE
@pytest.mark.parametrize("path", ["/sitemap.xml", "/feed.xml"])
def test_the_long_files_have_an_end(limited: Person, path: str) -> None:
    assert until_refused(lambda: limited.get(path), 100) == 60


@ON_ONE_DATABASE
def test_changes_of_a_cart_have_an_end(limited: Person) -> None:
    limited.post("/cart/items", {"product_id": "beans"})
    assert until_refused(lambda: limited.post("/cart/items/beans", {"quantity": "2"}), 700) == 600
    cart_id = limited.cart(beans=1)
    path = f"/carts/{cart_id}/items/beans"
    assert until_refused(lambda: limited.api("PUT", path, {"quantity": 1}), 700) == 600


@ON_ONE_DATABASE
def test_streams_have_an_end(limited: Person) -> None:
    def connect() -> Response:
        with limited.get("/events", buffered=False) as answer:
            return answer

    assert until_refused(connect, 700) == 600


@ON_ONE_DATABASE
def test_one_ipv6_network_is_one_client(limited: Person) -> None:
    host = count(1)

    def read(network: str) -> Response:
        address = {"REMOTE_ADDR": f"{network}::{next(host):x}"}
        return limited.get("/feed.xml", environ_base=address)

    assert until_refused(lambda: read("2001:db8:1:2"), 100) == 60
    assert read("2001:db8:1:3").status_code == 200, "the neighbour is another client"


SAME = [
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


@pytest.mark.parametrize(("address", "key"), SAME, ids=str)
def test_the_key_of_a_client(address: str, key: str) -> None:
    assert client_key_of(address) == key


@ON_ONE_DATABASE
def test_only_who_is_refused_is_told_when_to_come_back(limited: Person) -> None:
    cart_id = limited.cart(beans=1)
    answers = [limited.get("/?q=beans"), limited.api("GET", "/products"), limited.api("GET", f"/carts/{cart_id}")]
    answers += [limited.api("PUT", f"/carts/{cart_id}/promo", {"code": "GUESS"}), limited.api("GET", "/carts/none")]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 422, 404]
    assert not [answer.headers["Retry-After"] for answer in answers if "Retry-After" in answer.headers]
    for _ in range(61):
        refused = limited.get("/sitemap.xml")
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
