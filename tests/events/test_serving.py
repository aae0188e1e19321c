"""Event streams of the real server: threads stay free with hundreds of streams, and none leaks."""

import http.client
import re
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from flask import Flask

from storefront import create_app
from storefront.db.tenant_context import tenant_context
from storefront.db.transactions import write
from storefront.events.actions import record_events
from storefront.events.models import EventType
from tests.conftest import SECRET, Prepared, dispose, settings_for
from tests.postgres import Postgres
from tests.servers import GRACE_SECONDS, Server, serving, wait, workers

STREAM_COUNT = 200


class StreamClient:
    """A client of `/events` that keeps everything it has received."""

    def __init__(self, server: Server, shop: str = "north", version: str = "1.1", **headers: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        self.received = b""
        sent = "".join(f"{name.replace('_', '-')}: {text}\r\n" for name, text in headers.items())
        self.socket.sendall(f"GET /t/{shop}/events HTTP/{version}\r\nHost: 127.0.0.1\r\n{sent}\r\n".encode())

    def __enter__(self) -> "StreamClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def receive_until(self, text: str) -> str:
        """Read until the stream contains `text`. Returns everything received so far."""
        while text.encode() not in self.received:
            chunk = self.socket.recv(65536)
            assert chunk, f"the stream ended before {text!r}: {self.received!r}"
            self.received += chunk
        return self.received.decode()

    def receive_to_end(self) -> bytes:
        while chunk := self.socket.recv(65536):
            self.received += chunk
        return self.received


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("streams"), WEB_CONCURRENCY="2", RATELIMIT_ENABLED="false") as running:
        wait(running.is_up)
        yield running


def buy(server: Server, product_id: str = "beans", shop: str = "north") -> None:
    cart = server.post(f"/t/{shop}/api/v1/carts", items=[{"product_id": product_id, "quantity": 1}])
    server.post(f"/t/{shop}/api/v1/carts/{cart['id']}/checkout", email="ada@example.com", name="Ada")


def connections(server: Server) -> int:
    """Return the number of open sockets of the workers."""
    files = [file for pid in workers(server) for file in Path(f"/proc/{pid}/fd").iterdir()]
    return sum(link_target(file).startswith("socket:") for file in files)


def link_target(file: Path) -> str:
    try:
        return str(file.readlink())
    except FileNotFoundError:
        return ""


def test_hundreds_of_streams_occupy_no_thread_get_each_event_and_are_closed(server: Server) -> None:
    """Two workers have sixteen threads together; streams of one worker get purchases at the other."""
    with ExitStack() as stack:
        clients = [stack.enter_context(StreamClient(server)) for _ in range(STREAM_COUNT)]
        for client in clients:
            client.receive_until("retry: 2000")
        assert connections(server) >= STREAM_COUNT
        assert [server.get("/t/north/")[0].status for _ in range(20)] == [200] * 20
        buy(server)
        for client in clients:
            client.receive_until("event: stock")
    wait(lambda: connections(server) < 20)
    assert "Traceback" not in server.log.read_text()


def test_stream_gets_no_events_of_another_shop(server: Server) -> None:
    with StreamClient(server) as north, StreamClient(server, "south") as south:
        north.receive_until("retry: 2000"), south.receive_until("retry: 2000")
        buy(server, "pot")
        north.receive_until('"pot"')
        buy(server, "pen", "south")
        received = south.receive_until('"pen"')
    assert re.findall(r'"product_id": "(\w+)"', received) == ["pen"], "the stream sent an event of another shop"


def test_event_of_another_process_arrives_and_a_reconnect_misses_none(
    tmp_path: Path, prepared: Prepared, postgres: Postgres
) -> None:
    url = prepared.postgresql(postgres)
    app = create_app(settings_for(url, tmp_path))
    with serving(tmp_path, DATABASE_URL=url, SECRET_KEY=SECRET, WEB_CONCURRENCY="1") as server:
        wait(server.is_up)
        with StreamClient(server) as first:
            first.receive_until("retry: 2000")
            change_price(app, 1250)
            told = '{"product_id": "cup", "variant_id": "cup", "price": {"amount": 1250, "currency": "EUR"}}'
            assert told in first.receive_until("}}\n\n")
        change_price(app, 1350)
        with StreamClient(server, Last_Event_ID="1") as again:
            received = again.receive_until("}}\n\n")
        assert "1350" in received and "1250" not in received
    dispose(app)
    postgres.drop(url)


def change_price(app: Flask, price: int) -> None:
    with app.app_context(), tenant_context("north"), write():
        record_events([(EventType.PRICE_CHANGED, "cup", {"price": price})])


def test_stream_is_chunked_for_http_1_1_only(server: Server) -> None:
    with StreamClient(server) as modern, StreamClient(server, version="1.0") as old:
        modern.receive_until("retry: 2000"), old.receive_until("retry: 2000")
        buy(server)
        modern_text, old_text = modern.receive_until('"stock": '), old.receive_until('"stock": ')
    assert "transfer-encoding: chunked" in modern_text.lower()
    assert "transfer-encoding" not in old_text.lower() and "connection: close" in old_text.lower()
    body = old_text.split("\r\n\r\n", 1)[1]
    assert body.startswith("retry: 2000\n: ") and "\r" not in body


def test_keep_alive_connection_can_become_a_stream(server: Server) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)) as connection:
        connection.request("HEAD", "/t/north/events")
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"")
        connection.request("GET", "/t/north/")
        assert connection.getresponse().read().endswith(b"</html>")
        connection.request("GET", "/t/north/events")
        stream = connection.getresponse()
        assert stream.readline() == b"retry: 2000\n"
        buy(server)
        lines = [stream.readline() for _ in range(5)]
        assert b"event: stock\n" in lines


def test_request_duration_of_a_stream_is_the_time_until_it_is_open(server: Server) -> None:
    """Each stream is counted in the metric while it is still open."""

    def counted() -> float:
        text = server.get("/metrics")[1]
        found = re.findall(r'storefront_http_request_duration_seconds_count\{route="/events"\} (\S+)', text)
        return sum(float(value) for value in found)

    before = counted()
    with StreamClient(server) as first, StreamClient(server) as second:
        first.receive_until("retry: 2000"), second.receive_until("retry: 2000")
        wait(lambda: counted() >= before + 2)


def test_stopping_server_ends_its_streams(tmp_path: Path) -> None:
    with serving(tmp_path, WEB_CONCURRENCY="1") as server, ExitStack() as stack:
        wait(server.is_up)
        clients = [stack.enter_context(StreamClient(server)) for _ in range(20)]
        for client in clients:
            client.receive_until("retry: 2000")
        start = time.monotonic()
        assert server.stop(signal.SIGTERM) == 0
        assert time.monotonic() - start < GRACE_SECONDS, "it waited for its clients"
        assert all(client.receive_to_end().endswith(b"0\r\n\r\n") for client in clients)
        assert "Traceback" not in server.log.read_text()
