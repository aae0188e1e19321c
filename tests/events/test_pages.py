"""`/events`: messages, recipients and starting point, on a server without socket handover."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
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
from storefront.timings import timings_of
from tests.conftest import PATIENT_DATABASE, Person

Message = dict[str, Any]


@contextmanager
def listening(person: Person, query: str = "", **headers: str) -> Iterator[Iterator[str]]:
    """Open a stream; yields an iterator over its chunks."""
    answer = person.get("/events" + query, headers={name.replace("_", "-"): text for name, text in headers.items()})
    assert (answer.status_code, answer.mimetype) == (200, "text/event-stream")
    try:
        yield (chunk.decode() for chunk in answer.iter_encoded())
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


def test_stream_sends_the_retry_interval_and_then_changes(app: Flask, shopper: Person) -> None:
    buy(shopper, pot=1)
    with listening(shopper) as chunks:
        assert next(chunks).startswith("retry: 2000\n: ")
        buy(shopper, beans=3)
        (stock,) = parsed(next(chunks))
        change_price(app, "north", "cup", 1250)
        (price,) = parsed(next(chunks))
    assert stock["event"] == "stock", "the stream sent an earlier event"
    assert stock["data"] == {"product_id": "beans", "variant_id": "beans", "stock": shopper.stock("beans")}
    assert price["event"] == "price"
    assert price["data"] == {
        "product_id": "cup",
        "variant_id": "cup",
        "price": {"amount": 1250, "currency": "EUR"},
    }
    assert (int(stock["id"]), int(price["id"])) == (latest(app) - 1, latest(app))


@pytest.mark.parametrize("way", ["header", "query", "age"])
def test_reconnected_stream_gets_missed_events(app: Flask, shopper: Person, way: str) -> None:
    with time_machine.travel(now() - timedelta(hours=1)):
        buy(shopper, pot=1)
    last = latest(app)
    for _ in range(3):
        buy(shopper, beans=1, cup=1)
    query = {"header": "", "query": f"?last={last}", "age": "?age=30"}[way]
    headers = {"Last_Event_ID": str(last)} if way == "header" else {}
    with listening(shopper, query, **headers) as chunks:
        next(chunks)
        missed = parsed(next(chunks))
    assert [message["data"]["product_id"] for message in missed] == ["beans", "cup"] * 3
    assert min(int(message["id"]) for message in missed) > last


@pytest.mark.parametrize("last_id", ["-1", "²"])
def test_stream_with_an_invalid_id_starts_now(app: Flask, shopper: Person, last_id: str) -> None:
    buy(shopper, pot=1)
    with listening(shopper, f"?last={last_id}") as chunks:
        next(chunks)
        buy(shopper, beans=1)
        assert [message["data"]["product_id"] for message in parsed(next(chunks))] == ["beans"]


def test_stream_with_an_unknown_id_starts_now(app: Flask, shopper: Person) -> None:
    with listening(shopper, "?last=999999") as chunks:
        next(chunks)
        buy(shopper, beans=1)
        assert len(parsed(next(chunks))) == 1


def test_stream_that_missed_too_many_events_gets_a_reset(app: Flask, shopper: Person) -> None:
    many = sse_format.MAX_REPLAYED_EVENTS
    with app.app_context(), tenant_context("north"), write():
        record_events([(EventType.PRICE_CHANGED, "cup", {"price": price}) for price in range(many)])
    with listening(shopper, Last_Event_ID="0") as chunks:
        assert next(chunks) == sse_format.opening_message(0).decode()
        assert len(parsed(next(chunks))) == many
    buy(shopper, beans=1)
    with listening(shopper, Last_Event_ID="0") as chunks:
        (reset,) = parsed(next(chunks).removeprefix(sse_format.opening_message(latest(app)).decode()))
        assert (reset["event"], int(reset["id"]), reset["data"]) == ("reset", latest(app), {})
        buy(shopper, cup=1)
        assert [message["data"]["product_id"] for message in parsed(next(chunks))] == ["cup"]


def test_stream_gets_no_events_of_another_shop(shopper: Person, stranger: Person) -> None:
    with listening(shopper) as north, listening(stranger) as south:
        next(north), next(south)
        buy(shopper, shared=2)
        buy(stranger, shared=3)
        ours, theirs = parsed(next(north)), parsed(next(south))
    shared = {"product_id": "shared", "variant_id": "shared"}
    assert [message["data"] for message in ours] == [shared | {"stock": shopper.stock("shared")}]
    assert [message["data"] for message in theirs] == [shared | {"stock": stranger.stock("shared")}]
    assert shopper.stock("shared") != stranger.stock("shared")


def test_stream_contains_no_personal_data(shopper: Person) -> None:
    with listening(shopper) as chunks:
        next(chunks)
        order = shopper.checkout(shopper.cart(beans=1), email="ada@example.com", name="Ada Byron").json
        message = next(chunks)
    assert "beans" in message
    for secret in (order["id"], order["number"], "ada", "Byron", str(order["total"]["amount"]), "order"):
        assert secret not in message


def test_stream_is_served_for_both_forms_of_the_url(app: Flask, shopper: Person) -> None:
    answer = app.test_client().get("/events", base_url="http://north.localhost")
    assert (answer.status_code, answer.mimetype) == (200, "text/event-stream")
    assert "no-store" in answer.headers["Cache-Control"]
    assert "Set-Cookie" not in answer.headers
    answer.close()
    assert app.test_client().get("/events").status_code == 404, "no shop, no stream"
    assert app.test_client().head("/t/north/events").data == b""


def test_stream_above_the_limit_is_refused_with_retry_after(app: Flask, shopper: Person) -> None:
    streams = pages.event_tailer(app).broadcaster
    streams._tenant_counts["north"] = sse_format.MAX_STREAMS - 1
    with listening(shopper):
        pass
    streams._tenant_counts["north"] += 1
    refused = shopper.get("/events")
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "20")
    assert shopper.get("/").status_code == 200


def test_streams_per_public_address_are_limited(app: Flask) -> None:
    streams = pages.event_tailer(app).broadcaster
    for address in ("8.8.8.8", "10.0.0.1", "2001:4860::1"):
        streams._address_counts[address] = sse_format.MAX_STREAMS_PER_ADDRESS
    assert [streams.has_capacity(address) for address in ("8.8.8.8", "2001:4860::1")] == [False, False]
    assert [streams.has_capacity(address) for address in ("8.8.4.4", "10.0.0.1", "127.0.0.1", "")] == [True] * 4


class FakeBroadcaster:
    """Records the batches published for `north`."""

    def __init__(self) -> None:
        self.batches: list[EventBatch] = []

    def tenants_with_streams(self) -> set[str]:
        return {"north"}

    def publish(self, batch: EventBatch) -> None:
        self.batches.append(batch)


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """An app that polls for events every millisecond."""
    return make_app(replace(PATIENT_DATABASE, event_poll=0.001))


@pytest.fixture
def tailer_and_broadcaster(app: Flask) -> tuple[tailer.EventTailer, FakeBroadcaster]:
    event_tailer, broadcaster = tailer.EventTailer(app, timings_of(app)), FakeBroadcaster()
    event_tailer.broadcaster = broadcaster  # type: ignore[assignment]
    return event_tailer, broadcaster


def test_tailer_reads_each_event_once_and_rereads_for_a_new_stream(
    app: Flask, shopper: Person, tailer_and_broadcaster: tuple[tailer.EventTailer, FakeBroadcaster]
) -> None:
    event_tailer, broadcaster = tailer_and_broadcaster
    start = latest(app)
    event_tailer._read_to["north"] = start
    buy(shopper, beans=1)
    event_tailer.poll()
    event_tailer.poll()
    assert [len(batch.ids) for batch in broadcaster.batches] == [1]
    event_tailer._read_to["north"] = start
    buy(shopper, cup=1)
    event_tailer.poll()
    assert [len(batch.ids) for batch in broadcaster.batches] == [1, 2]
    assert event_tailer._read_to == {"north": latest(app)}
    event_tailer._read_to["north"] = start  # like a stream that is added while the tailer reads
    event_tailer._advance("north", latest(app), 99)
    assert event_tailer._read_to == {"north": start}


def test_unavailable_database_is_logged_once_and_retried(
    tailer_and_broadcaster: tuple[tailer.EventTailer, FakeBroadcaster],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    event_tailer, _ = tailer_and_broadcaster
    polls = []

    def poll() -> None:
        polls.append(1)
        if len(polls) == 5:
            event_tailer._stopped.set()
        raise OperationalError("SELECT", {}, Exception("unavailable"))

    monkeypatch.setattr(event_tailer, "poll", poll)
    event_tailer._wanted.set()
    with caplog.at_level(logging.WARNING):
        event_tailer._run()
    assert len(polls) == 5
    assert [record.name for record in caplog.records] == ["storefront.events"]


def test_idle_stream_has_a_heartbeat(make_app: Callable[..., Flask]) -> None:
    shopper = Person(make_app(replace(PATIENT_DATABASE, stream_heartbeat=0.05, event_poll=0.01)).test_client(), "north")
    with listening(shopper) as chunks:
        next(chunks)
        assert next(chunks) == ":\n\n"


def test_streams_of_one_ipv6_network_are_counted_together(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider assigns a whole /64 to one customer."""
    counted = []

    def has_capacity(address: str) -> bool:
        counted.append(address)
        return False

    monkeypatch.setattr(pages.event_tailer(app).broadcaster, "has_capacity", has_capacity)
    for host in ("1", "2:3:4:5"):
        address = {"REMOTE_ADDR": f"2a02:8108:1:2:{host if ':' in host else ':' + host}"}
        assert app.test_client().get("/t/north/events", environ_base=address).status_code == 503
    assert counted == ["2a02:8108:1:2::"] * 2
    assert sse_format.is_public_address(counted[0]), "the network isn't limited"
