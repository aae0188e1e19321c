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

MANY = 200


class Listener:
    """A client of `/events` that keeps all that it was sent."""

    def __init__(self, server: Server, shop: str = "north", version: str = "1.1", **headers: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        self.heard = b""
        sent = "".join(f"{name.replace('_', '-')}: {text}\r\n" for name, text in headers.items())
        self.socket.sendall(f"GET /t/{shop}/events HTTP/{version}\r\nHost: 127.0.0.1\r\n{sent}\r\n".encode())

    def __enter__(self) -> "Listener":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def hear(self, words: str) -> str:
        """Listen until these words came, and give back all that came with them."""
        while words.encode() not in self.heard:
            piece = self.socket.recv(65536)
            assert piece, f"the stream ended before {words!r}: {self.heard!r}"
            self.heard += piece
        return self.heard.decode()

    def hear_the_end(self) -> bytes:
        while piece := self.socket.recv(65536):
            self.heard += piece
        return self.heard


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("streams"), WEB_CONCURRENCY="2", RATELIMIT_ENABLED="false") as running:
        wait(running.is_up)
        yield running


def buy(server: Server, product_id: str = "beans", shop: str = "north") -> None:
    cart = server.post(f"/t/{shop}/api/v1/carts", items=[{"product_id": product_id, "quantity": 1}])
    server.post(f"/t/{shop}/api/v1/carts/{cart['id']}/checkout", email="ada@example.com", name="Ada")


def connections(server: Server) -> int:
    """How many sockets the workers have open."""
    files = [file for pid in workers(server) for file in Path(f"/proc/{pid}/fd").iterdir()]
    return sum(where_to(file).startswith("socket:") for file in files)


def where_to(file: Path) -> str:
    try:
        return str(file.readlink())
    except FileNotFoundError:
        return ""


def test_hundreds_of_streams_hold_no_thread_hear_each_change_and_are_forgotten(server: Server) -> None:
    """Two workers have sixteen threads between them; who listens at one hears what was bought at the other."""
    with ExitStack() as stack:
        listeners = [stack.enter_context(Listener(server)) for _ in range(MANY)]
        for listener in listeners:
            listener.hear("retry: 2000")
        assert connections(server) >= MANY
        assert [server.get("/t/north/")[0].status for _ in range(20)] == [200] * 20
        buy(server)
        for listener in listeners:
            listener.hear("event: stock")
    wait(lambda: connections(server) < 20)
    assert "Traceback" not in server.log.read_text()


def test_one_shop_hears_nothing_of_another(server: Server) -> None:
    with Listener(server) as north, Listener(server, "south") as south:
        north.hear("retry: 2000"), south.hear("retry: 2000")
        buy(server, "pot")
        north.hear('"pot"')
        buy(server, "pen", "south")
        heard = south.hear('"pen"')
    assert re.findall(r'"product_id": "(\w+)"', heard) == ["pen"], "what happened before in the north was left out"


def test_a_change_by_another_process_arrives_and_a_reconnect_misses_none(
    tmp_path: Path, prepared: Prepared, postgres: Postgres
) -> None:
    url = prepared.postgresql(postgres)
    app = create_app(settings_for(url, tmp_path))
    with serving(tmp_path, DATABASE_URL=url, SECRET_KEY=SECRET, WEB_CONCURRENCY="1") as server:
        wait(server.is_up)
        with Listener(server) as first:
            first.hear("retry: 2000")
            change_price(app, 1250)
            assert '{"product_id": "cup", "price": {"amount": 1250, "currency": "EUR"}}' in first.hear("}}\n\n")
        change_price(app, 1350)
        with Listener(server, Last_Event_ID="1") as again:
            heard = again.hear("}}\n\n")
        assert "1350" in heard and "1250" not in heard
    dispose(app)
    postgres.drop(url)


def change_price(app: Flask, price: int) -> None:
    with app.app_context(), tenant_context("north"), write():
        record_events([(EventType.PRICE_CHANGED, "cup", {"price": price})])


def test_the_stream_is_chunked_for_who_knows_chunks_and_plain_for_others(server: Server) -> None:
    with Listener(server) as modern, Listener(server, version="1.0") as old:
        modern.hear("retry: 2000"), old.hear("retry: 2000")
        buy(server)
        new_words, old_words = modern.hear('"stock": '), old.hear('"stock": ')
    assert "transfer-encoding: chunked" in new_words.lower()
    assert "transfer-encoding" not in old_words.lower() and "connection: close" in old_words.lower()
    body = old_words.split("\r\n\r\n", 1)[1]
    assert body.startswith("retry: 2000\n: ") and "\r" not in body


def test_a_connection_that_was_kept_alive_can_become_a_stream(server: Server) -> None:
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


def test_streams_are_counted_as_the_moment_that_they_take_to_open(server: Server) -> None:
    """Not as the time for which they stay open: each is counted while it still is."""

    def counted() -> float:
        text = server.get("/metrics")[1]
        found = re.findall(r'storefront_http_request_duration_seconds_count\{route="/events"\} (\S+)', text)
        return sum(float(value) for value in found)

    before = counted()
    with Listener(server) as first, Listener(server) as second:
        first.hear("retry: 2000"), second.hear("retry: 2000")
        wait(lambda: counted() >= before + 2)


def test_a_server_that_is_told_to_stop_ends_its_streams(tmp_path: Path) -> None:
    with serving(tmp_path, WEB_CONCURRENCY="1") as server, ExitStack() as stack:
        wait(server.is_up)
        listeners = [stack.enter_context(Listener(server)) for _ in range(20)]
        for listener in listeners:
            listener.hear("retry: 2000")
        start = time.monotonic()
        assert server.stop(signal.SIGTERM) == 0
        assert time.monotonic() - start < GRACE_SECONDS, "it waited for its clients"
        assert all(listener.hear_the_end().endswith(b"0\r\n\r\n") for listener in listeners)
        assert "Traceback" not in server.log.read_text()
