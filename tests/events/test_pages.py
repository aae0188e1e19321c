"""`/events`: messages, recipients and starting point, with a server that can't hand over sockets."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy.exc import OperationalError

from storefront.clock import now
from storefront.db.tenant_context import tenant_context
from storefront.db.transactions import write
from storefront.events import pages, sse_format, tailer
from storefront.events.actions import record_events
from storefront.events.broadcaster import EventBatch
from storefront.events.models import EventType
from storefront.events.queries import last_event_id
from storefront.timings import Timings, timings_of
from tests.conftest import Person

Message = dict[str, Any]


@contextmanager
def listening(person: Person, query: str = "", **headers: str) -> Iterator[Iterator[str]]:
    """The pieces of a stream as they come."""
    answer = person.get("/events" + query, headers={name.replace("_", "-"): text for name, text in headers.items()})
    assert (answer.status_code, answer.mimetype) == (200, "text/event-stream")
    try:
        yield (piece.decode() for piece in answer.iter_encoded())
    finally:
        answer.close()


def parsed(text: str) -> list[Message]:
    blocks = [dict(line.split(": ", 1) for line in block.splitlines()) for block in text.split("\n\n") if block]
    return [block | {"data": json.loads(block["data"])} for block in blocks]


def buy(person: Person, **items: int) -> str:
    answer = person.checkout(person.cart(**items))
    assert answer.status_code == 201
    return str(answer.json["id"])


def change_price(app: Flask, tenant_id: str, product_id: str, price: int) -> None:
    with app.app_context(), tenant_context(tenant_id), write():
        record_events([(EventType.PRICE_CHANGED, product_id, {"price": price})])


def latest(app: Flask, tenant_id: str = "north") -> int:
    with app.app_context(), tenant_context(tenant_id):
        return last_event_id()


def test_a_stream_says_how_to_come_back_and_then_what_changes(app: Flask, shopper: Person) -> None:
    buy(shopper, pot=1)
    with listening(shopper) as pieces:
        assert next(pieces).startswith("retry: 2000\n: ")
        buy(shopper, beans=3)
        (stock,) = parsed(next(pieces))
        change_price(app, "north", "cup", 1250)
        (price,) = parsed(next(pieces))
    assert stock["event"] == "stock", "what was before the stream is not told"
    assert stock["data"] == {"product_id": "beans", "variant_id": "beans", "stock": shopper.stock("beans")}
    assert price["event"] == "price"
    assert price["data"] == {
        "product_id": "cup",
        "variant_id": "cup",
        "price": {"amount": 1250, "currency": "EUR"},
    }
    assert (int(stock["id"]), int(price["id"])) == (latest(app) - 1, latest(app))


@pytest.mark.parametrize("way", ["header", "query", "age"])
def test_who_comes_back_misses_nothing(app: Flask, shopper: Person, way: str) -> None:
    with time_machine.travel(now() - timedelta(hours=1)):
        buy(shopper, pot=1)
    last = latest(app)
    for _ in range(3):
        buy(shopper, beans=1, cup=1)
    query = {"header": "", "query": f"?last={last}", "age": "?age=30"}[way]
    headers = {"Last_Event_ID": str(last)} if way == "header" else {}
    with listening(shopper, query, **headers) as pieces:
        next(pieces)
        missed = parsed(next(pieces))
    assert [message["data"]["product_id"] for message in missed] == ["beans", "cup"] * 3
    assert min(int(message["id"]) for message in missed) > last


@pytest.mark.parametrize("said", ["-1", "²"])
def test_what_is_no_id_begins_at_the_present(app: Flask, shopper: Person, said: str) -> None:
    buy(shopper, pot=1)
    with listening(shopper, f"?last={said}") as pieces:
        next(pieces)
        buy(shopper, beans=1)
        assert [message["data"]["product_id"] for message in parsed(next(pieces))] == ["beans"]


def test_an_id_that_was_never_given_begins_at_the_present(app: Flask, shopper: Person) -> None:
    with listening(shopper, "?last=999999") as pieces:
        next(pieces)
        buy(shopper, beans=1)
        assert len(parsed(next(pieces))) == 1


def test_who_missed_too_much_is_told_to_look_anew(app: Flask, shopper: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MAX_REPLAYED_EVENTS", 4)
    buy(shopper, beans=1)
    buy(shopper, beans=1)  # an order and a change of stock each
    with listening(shopper, Last_Event_ID="0") as pieces:
        assert next(pieces) == sse_format.opening_message(0).decode()
        assert len(parsed(next(pieces))) == 2
    buy(shopper, beans=1)
    with listening(shopper, Last_Event_ID="0") as pieces:
        (reset,) = parsed(next(pieces).removeprefix(sse_format.opening_message(latest(app)).decode()))
        assert (reset["event"], int(reset["id"]), reset["data"]) == ("reset", latest(app), {})
        buy(shopper, cup=1)
        assert [message["data"]["product_id"] for message in parsed(next(pieces))] == ["cup"]


def test_one_shop_hears_nothing_of_another(shopper: Person, stranger: Person) -> None:
    with listening(shopper) as north, listening(stranger) as south:
        next(north), next(south)
        buy(shopper, shared=2)
        buy(stranger, shared=3)
        ours, theirs = parsed(next(north)), parsed(next(south))
    shared = {"product_id": "shared", "variant_id": "shared"}
    assert [message["data"] for message in ours] == [shared | {"stock": shopper.stock("shared")}]
    assert [message["data"] for message in theirs] == [shared | {"stock": stranger.stock("shared")}]
    assert shopper.stock("shared") != stranger.stock("shared")


def test_nothing_personal_is_told(shopper: Person) -> None:
    with listening(shopper) as pieces:
        next(pieces)
        order = shopper.checkout(shopper.cart(beans=1), email="ada@example.com", name="Ada Byron").json
        told = next(pieces)
    assert "beans" in told
    for secret in (order["id"], order["number"], "ada", "Byron", str(order["total"]["amount"]), "order"):
        assert secret not in told


def test_both_forms_of_a_shops_address_have_the_stream(app: Flask, shopper: Person) -> None:
    answer = app.test_client().get("/events", base_url="http://north.localhost")
    assert (answer.status_code, answer.mimetype) == (200, "text/event-stream")
    assert "no-store" in answer.headers["Cache-Control"]
    assert "Set-Cookie" not in answer.headers
    answer.close()
    assert app.test_client().get("/events").status_code == 404, "no shop, no stream"
    assert app.test_client().head("/t/north/events").data == b""


def test_over_the_cap_there_is_polling(app: Flask, shopper: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    streams = pages.event_tailer(app).broadcaster
    monkeypatch.setattr(streams, "_max_streams", 1)
    with listening(shopper):
        pass
    streams._tenant_counts["north"] = 1
    refused = shopper.get("/events")
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "20")
    assert shopper.get("/").status_code == 200


def test_one_address_leaves_room_for_others_unless_it_is_a_proxy(app: Flask) -> None:
    streams = pages.event_tailer(app).broadcaster
    for address in ("8.8.8.8", "10.0.0.1", "2001:4860::1"):
        streams._address_counts[address] = sse_format.MAX_STREAMS_PER_ADDRESS
    assert [streams.has_capacity(address) for address in ("8.8.8.8", "2001:4860::1")] == [False, False]
    assert [streams.has_capacity(address) for address in ("8.8.4.4", "10.0.0.1", "127.0.0.1", "")] == [True] * 4


class Heard:
    """Stands for the streams of one shop: what the tail tells them."""

    def __init__(self) -> None:
        self.news: list[EventBatch] = []

    def tenants_with_streams(self) -> set[str]:
        return {"north"}

    def publish(self, news: EventBatch) -> None:
        self.news.append(news)


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """One that looks for events all the time."""
    return make_app(Timings(event_poll=0.001))


@pytest.fixture
def tailing(app: Flask) -> tuple[tailer.EventTailer, Heard]:
    follower, heard = tailer.EventTailer(app, timings_of(app)), Heard()
    follower.broadcaster = heard  # type: ignore[assignment]
    return follower, heard


def test_the_tail_reads_each_event_once_and_goes_back_for_who_saw_less(
    app: Flask, shopper: Person, tailing: tuple[tailer.EventTailer, Heard]
) -> None:
    follower, heard = tailing
    start = latest(app)
    follower._read_to["north"] = start
    buy(shopper, beans=1)
    follower.poll()
    follower.poll()
    assert [len(news.ids) for news in heard.news] == [1]
    follower._read_to["north"] = start
    buy(shopper, cup=1)
    follower.poll()
    assert [len(news.ids) for news in heard.news] == [1, 2]
    assert follower._read_to == {"north": latest(app)}
    follower._read_to["north"] = start  # as a stream does that comes while the tail reads
    follower._advance("north", latest(app), 99)
    assert follower._read_to == {"north": start}


def test_a_database_that_is_away_is_said_once_and_asked_again(
    tailing: tuple[tailer.EventTailer, Heard], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    follower, _ = tailing
    looks = []

    def look() -> None:
        looks.append(1)
        if len(looks) == 5:
            follower._stopped.set()
        raise OperationalError("SELECT", {}, Exception("away"))

    monkeypatch.setattr(follower, "poll", look)
    follower._wanted.set()
    with caplog.at_level(logging.WARNING):
        follower._run()
    assert len(looks) == 5
    assert [record.name for record in caplog.records] == ["storefront.events"]


def test_a_silent_stream_has_a_heartbeat(make_app: Callable[..., Flask]) -> None:
    shopper = Person(make_app(Timings(stream_heartbeat=0.05, event_poll=0.01)).test_client(), "north")
    with listening(shopper) as pieces:
        next(pieces)
        assert next(pieces) == ":\n\n"


def test_streams_of_one_ipv6_network_are_counted_together(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """One customer has all addresses of a /64."""
    counted = []

    def has_capacity(address: str) -> bool:
        counted.append(address)
        return False

    monkeypatch.setattr(pages.event_tailer(app).broadcaster, "has_capacity", has_capacity)
    for host in ("1", "2:3:4:5"):
        address = {"REMOTE_ADDR": f"2a02:8108:1:2:{host if ':' in host else ':' + host}"}
        assert app.test_client().get("/t/north/events", environ_base=address).status_code == 503
    assert counted == ["2a02:8108:1:2::"] * 2
    assert sse_format.is_public_address(counted[0]), "as such they are limited"
