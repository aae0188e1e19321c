"""The staff's calls about orders."""

from functools import partial
from typing import Any

import pytest
from flask import Flask

from storefront.events.models import EventType
from tests.api_contract import ORDER, assert_problem, assert_shape
from tests.concurrency import at_once
from tests.conftest import Person
from tests.factories import cancel, place_order
from tests.staff.factories import api_key, bearer


class Program(Person):
    """A program with an API key of these scopes."""

    headers: dict[str, str]

    @classmethod
    def with_key(cls, app: Flask, *scopes: str, shop: str = "north") -> "Program":
        made = cls(app.test_client(), shop)
        made.headers = bearer(api_key(app, shop, *scopes))
        return made

    def call(self, method: str, path: str, json: Any = None) -> Any:
        return self.api(method, path, json, headers=self.headers)

    def orders(self, query: str = "") -> list[str]:
        answer = self.call("GET", f"/orders?{query}")
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json["items"]]

    def events(self, *types: str) -> list[dict[str, Any]]:
        items = self.call("GET", "/events?limit=100").json["items"]
        return [item for item in items if item["type"] in types]


@pytest.fixture
def program(app: Flask) -> Program:
    return Program.with_key(app, "orders:read", "orders:write", "audit:read")


def buy(shopper: Person, name: str, email: str, **items: int) -> str:
    answer = shopper.checkout(shopper.cart(**items or {"beans": 1}), email=email, name=name)
    assert answer.status_code == 201, answer.text
    return str(answer.json["id"])


def test_orders_come_newest_first_in_pages(program: Program, shopper: Person) -> None:
    placed = [place_order(shopper, beans=1) for _ in range(5)]
    first = program.call("GET", "/orders?limit=2").json
    assert_shape(first, {"items": [ORDER], "next_cursor": str})
    second = program.call("GET", f"/orders?limit=2&cursor={first['next_cursor']}").json
    third = program.call("GET", f"/orders?limit=2&cursor={second['next_cursor']}").json
    found = [item["id"] for page in (first, second, third) for item in page["items"]]
    assert found == placed[::-1]
    assert third["next_cursor"] is None
    assert first["items"][0] == shopper.api("GET", f"/orders/{placed[-1]}").json


def test_orders_by_status_and_since(app: Flask, program: Program, shopper: Person) -> None:
    kept, gone, sent = (place_order(shopper, beans=1) for _ in range(3))
    cancel(app, gone)
    assert program.call("POST", f"/orders/{sent}/fulfil", {}).status_code == 200
    assert program.orders("status=placed") == [kept]
    assert program.orders("status=cancelled") == [gone]
    assert program.orders("status=fulfilled&q=&since=&cursor=") == [sent]
    moment = shopper.api("GET", f"/orders/{gone}").json["created_at"]
    assert program.orders(f"since={moment}")[-1] == gone
    assert program.orders("since=2100-01-01T00:00:00Z") == []


@pytest.mark.parametrize(
    ("q", "finds"),
    {
        "a name's first word": ("ada", True),
        "the last word, begun": ("okaf", True),
        "both words": ("Ada  OKAFOR", True),
        "without the accent": ("zoe", True),
        "an address": ("ada.okafor@mail.example", True),
        "the address, begun": ("ada.oka", True),
        "its last word": ("okafor@", True),
        "a product": ("honey", True),
        "a product's beginning": ("hon", True),
        "the domain": ("mail.example", False),
        "the middle of a word": ("kafor", False),
        "somebody else": ("jonas", False),
        "only signs": ("?!", False),
        "a long text": ("x" * 200, False),
        "a wildcard": ("%", False),
    }.values(),
)
def test_a_search_finds(program: Program, shopper: Person, q: str, finds: bool) -> None:
    wanted = buy(shopper, "Ada Zoë Okafor" if q == "zoe" else "Ada Okafor", "ada.okafor@mail.example", honey=1)
    buy(shopper, "Chloé Lambert", "chloe@else.example", beans=1)
    assert program.orders(f"q={q}") == ([wanted] if finds else [])


def test_a_search_finds_numbers_by_their_beginning_in_every_spelling(
    program: Program, shopper: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = iter(["K7QF-3M9T", "K7RF-3M9T"])
    monkeypatch.setattr("storefront.orders.actions.new_order_number", lambda: next(numbers))
    wanted, _other = place_order(shopper, beans=1), place_order(shopper, beans=1)
    number = shopper.api("GET", f"/orders/{wanted}").json["number"]
    for q in (number, number.lower(), number.replace("-", ""), number.replace("-", "%20"), number[:6], number[:3]):
        assert program.orders(f"q={q}") == [wanted], q
    assert program.orders(f"q={number}2") == program.orders(f"q={number[5:]}") == []


def test_a_search_has_pages_and_a_status(app: Flask, program: Program, shopper: Person) -> None:
    placed = [buy(shopper, "Ada Okafor", "ada@mail.example", beans=1, honey=1) for _ in range(5)]
    cancel(app, placed[2])
    for q in ("okafor", "honey"):
        first = program.call("GET", f"/orders?q={q}&limit=3").json
        rest = program.orders(f"q={q}&limit=3&cursor={first['next_cursor']}")
        assert [item["id"] for item in first["items"]] + rest == placed[::-1]
        assert program.orders(f"q={q}&status=cancelled") == [placed[2]]


def test_another_shops_orders_are_not_found(app: Flask, program: Program, stranger: Person) -> None:
    theirs = buy(stranger, "Ada Okafor", "ada@mail.example", shared=1)
    assert program.orders() == program.orders("q=okafor") == program.orders("q=shared") == []
    for act in ("fulfil", "cancel"):
        assert_problem(program.call("POST", f"/orders/{theirs}/{act}", {}), 404, "not-found")
    owner = Program.with_key(app, "orders:write", "orders:read", shop="south")
    assert owner.orders("q=okafor") == [theirs]
    assert owner.call("POST", f"/orders/{theirs}/fulfil", {}).status_code == 200


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=lost", "status"),
        ("since=yesterday", "since"),
        ("since=0.5", "since"),
        ("since=1764500000", "since"),
        ("since=2026-01-01T00:00:00", "since"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("cursor=x", "cursor"),
        ("q=" + "x" * 201, "q"),
    ],
)
def test_a_faulty_query_is_refused(program: Program, query: str, field: str) -> None:
    assert_problem(program.call("GET", f"/orders?{query}"), 422, "invalid", field)


def test_an_order_is_fulfilled_once(program: Program, shopper: Person) -> None:
    order_id = place_order(shopper, beans=2)
    shipment = {"carrier": " An Post ", "tracking": "RR123456785IE"}
    answer = program.call("POST", f"/orders/{order_id}/fulfil", shipment)
    assert answer.status_code == 200
    assert_shape(answer.json, ORDER)
    assert answer.json["status"] == "fulfilled"
    delivery = {"method": None, "name": None, "carrier": "An Post", "tracking": "RR123456785IE"}
    assert answer.json["delivery"] == delivery
    again = program.call("POST", f"/orders/{order_id}/fulfil", {"tracking": "another"})
    assert (again.status_code, again.json) == (200, answer.json)
    [event] = program.events(EventType.ORDER_FULFILLED)
    assert event["before"] == {"status": "placed"}
    assert event["after"] == {"status": "fulfilled", "carrier": "An Post", "tracking": "RR123456785IE"}
    assert (event["subject"], event["actor"]["type"]) == (order_id, "key")
    assert_problem(program.call("POST", f"/orders/{order_id}/cancel", {}), 409, "wrong-state")
    assert shopper.stock("beans") == 98


def test_an_order_is_cancelled_once(program: Program, shopper: Person) -> None:
    order_id = place_order(shopper, beans=2)
    answer = program.call("POST", f"/orders/{order_id}/cancel", {"reason": "Wrong address"})
    assert answer.status_code == 200
    assert (answer.json["status"], answer.json["delivery"]) == ("cancelled", None)
    again = program.call("POST", f"/orders/{order_id}/cancel", {"restock": False})
    assert (again.status_code, again.json) == (200, answer.json)
    assert shopper.stock("beans") == 100
    [event] = program.events(EventType.ORDER_CANCELLED)
    assert (event["before"], event["after"]) == ({"status": "placed"}, {"status": "cancelled"})
    assert event["data"] == {"restocked": True}
    assert_problem(program.call("POST", f"/orders/{order_id}/fulfil", {}), 409, "wrong-state")


def test_without_restocking_the_stock_stays(program: Program, shopper: Person) -> None:
    order_id = place_order(shopper, beans=2)
    assert program.call("POST", f"/orders/{order_id}/cancel", {"restock": False}).status_code == 200
    assert shopper.stock("beans") == 98
    assert program.events(EventType.ORDER_CANCELLED)[0]["data"] == {"restocked": False}


def test_a_body_may_be_left_out(program: Program, shopper: Person) -> None:
    sent, gone = place_order(shopper, beans=1), place_order(shopper, beans=1)
    assert program.call("POST", f"/orders/{sent}/fulfil").json["status"] == "fulfilled"
    assert program.call("POST", f"/orders/{gone}/cancel").json["status"] == "cancelled"


@pytest.mark.parametrize(
    ("act", "body", "field"),
    [
        ("fulfil", {"carrier": "x" * 61}, "carrier"),
        ("fulfil", {"tracking": "x" * 101}, "tracking"),
        ("fulfil", {"tracking": "a\0b"}, "tracking"),
        ("fulfil", {"tracking": 5}, "tracking"),
        ("fulfil", {"parcel": "x"}, "parcel"),
        ("cancel", {"reason": "x" * 501}, "reason"),
        ("cancel", {"restock": "yes"}, "restock"),
    ],
)
def test_a_faulty_body_is_refused(
    program: Program, shopper: Person, act: str, body: dict[str, Any], field: str
) -> None:
    order_id = place_order(shopper, beans=1)
    assert_problem(program.call("POST", f"/orders/{order_id}/{act}", body), 422, "invalid", field)
    assert shopper.api("GET", f"/orders/{order_id}").json["status"] == "placed"


def test_of_fulfilling_and_cancelling_at_once_one_happens(app: Flask, shopper: Person) -> None:
    order_id = place_order(shopper, beans=4)
    programs = [Program.with_key(app, "orders:write", "audit:read") for _ in range(6)]
    acts = ("fulfil", "cancel") * 3
    calls = [partial(one.call, "POST", f"/orders/{order_id}/{act}") for one, act in zip(programs, acts, strict=True)]
    answers = at_once(calls)
    status = shopper.api("GET", f"/orders/{order_id}").json["status"]
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [409] * 3
    assert len(programs[0].events(EventType.ORDER_FULFILLED, EventType.ORDER_CANCELLED)) == 1
    assert shopper.stock("beans") == (100 if status == "cancelled" else 96)
