"""Logs are one JSON object per line with the request's fields, and without personal data."""

import io
import json
import logging
import re
from typing import Any

import pytest
from flask import Flask

from tests.conftest import Lines, Person

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the same on both databases


def requests(lines: Lines) -> list[dict[str, Any]]:
    return [line for line in lines() if line["logger"] == "storefront.access"]


def test_a_request_is_one_line_with_what_an_operator_asks_for(shopper: Person, lines: Lines) -> None:
    answer = shopper.get("/products/beans?utm=secret")
    (line,) = requests(lines)
    assert line["request_id"] == answer.headers["X-Request-ID"]
    assert (line["tenant"], line["route"], line["status"]) == ("north", "/products/<product_id>", 200)
    assert line["method"] == "GET"
    assert line["duration_ms"] > 0
    assert re.match(r"\d{4}-\d\d-\d\dT", line["time"])
    assert "secret" not in json.dumps(line), "addresses may hold what nobody should read"


def test_each_line_says_its_own_shop(shopper: Person, stranger: Person, lines: Lines) -> None:
    shopper.get("/")
    stranger.get("/")
    shopper.client.get("/")
    shopper.client.get("/t/nowhere/")
    assert [(line["tenant"], line["status"]) for line in requests(lines)] == [
        ("north", 200), ("south", 200), (None, 200), (None, 404),
    ]  # fmt: skip


def test_refusals_and_faults_are_logged_with_their_status(shopper: Person, lines: Lines) -> None:
    shopper.get("/products/nothing")
    shopper.post("/cart/items", {"product_id": "beans", "quantity": "0"})
    shopper.api("POST", "/carts", {"items": 1})
    assert [line["status"] for line in requests(lines)] == [404, 422, 422]


def test_probes_are_not_logged(app: Flask, lines: Lines) -> None:
    for address in ("/healthz", "/readyz", "/metrics"):
        app.test_client().get(address)
    assert requests(lines) == []


@pytest.mark.parametrize("given", ["abc", "A-Z_0.9", "3f2b" * 16, "0"])
def test_a_request_id_is_taken_over(shopper: Person, lines: Lines, given: str) -> None:
    assert shopper.get("/", headers={"X-Request-ID": given}).headers["X-Request-ID"] == given
    assert requests(lines)[0]["request_id"] == given


@pytest.mark.parametrize("given", ["", "a b", "a" * 65, 'x","tenant":"south', "é", "<script>", "a\tb", "${jndi:ldap}"])
def test_a_request_id_that_is_none_is_replaced(shopper: Person, lines: Lines, given: str) -> None:
    answer = shopper.get("/", headers={"X-Request-ID": given})
    assert answer.headers["X-Request-ID"] != given
    assert re.fullmatch(r"[A-Za-z0-9._-]{8,64}", answer.headers["X-Request-ID"])
    assert requests(lines)[0]["request_id"] == answer.headers["X-Request-ID"]


def test_two_requests_have_two_ids(shopper: Person) -> None:
    assert shopper.get("/").headers["X-Request-ID"] != shopper.get("/").headers["X-Request-ID"]


def test_an_unhandled_fault_is_one_line_and_the_shopper_learns_nothing_of_it(shopper: Person, lines: Lines) -> None:
    def break_down(**_: object) -> str:
        raise RuntimeError("the secret inside")

    shopper.client.application.view_functions["catalog.product"] = break_down
    answer = shopper.get("/products/beans")
    assert answer.status_code == 500
    assert "secret inside" not in answer.text
    (fault,) = (line for line in lines() if line["level"] == "ERROR")
    assert "the secret inside" in fault["exc_info"]
    assert fault["request_id"] == answer.headers["X-Request-ID"]
    assert requests(lines)[-1]["status"] == 500


def test_nothing_of_the_shopper_stands_in_the_logs_of_a_whole_purchase(
    shopper: Person, stream: io.StringIO, lines: Lines
) -> None:
    """By the pages and by the API, with everything that goes wrong on the way."""
    email, name = "ada.lovelace@example.com", "Ada Lovelace-Byron"
    buyer = {"email": email, "name": name}
    shopper.get(f"/?q={name}")
    shopper.post("/cart/items", {"product_id": "beans"})
    shopper.post("/cart/promo", {"code": "SUMMER10"})
    shopper.get("/checkout/upsell")
    shopper.post("/checkout", {**buyer, "email": email.replace("@", " at ")})
    shopper.post("/checkout", {**buyer, "expected_total": "1"})
    cookie = shopper.client.get_cookie("shop", path="/t/north/")
    placed = shopper.post("/checkout", buyer)
    shopper.client.get(placed.location)
    cart_id = shopper.cart(cup=99)
    for _ in range(2):
        shopper.checkout(cart_id, key="key-of-ada", **buyer)
        shopper.api("PUT", f"/carts/{cart_id}/items/cup", {"quantity": 1})
    shopper.checkout(shopper.cart(beans=1), key="key-of-ada", **buyer)
    shopper.api("POST", f"/carts/{shopper.cart(beans=1)}/checkout", {**buyer, "name": 7})

    assert len(requests(lines)) >= 15
    assert {303, 200, 201, 409, 422} <= {line["status"] for line in requests(lines)}
    said = stream.getvalue()
    private = [email, "lovelace", name, "key-of-ada", "only for tests", cookie.value, cart_id]
    for secret in (*private, placed.location.split("/")[-1]):
        assert secret.lower() not in said.lower()


def test_a_line_break_in_what_is_logged_starts_no_new_line(stream: io.StringIO, app: Flask, lines: Lines) -> None:
    logging.getLogger("storefront.test").info('one\n{"level": "ERROR"}\r\u2028two %s', "x\ny")
    assert stream.getvalue().count("\n") == 1
    assert json.loads(stream.getvalue())["message"].startswith("one\n")
