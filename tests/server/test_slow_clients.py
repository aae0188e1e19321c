"""With any number of slow clients, others are served at once, and the server stops when told to."""

import json
import os
import resource
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from gunicorn.config import Config

from storefront.file_limit import MAX_CONNECTIONS
from storefront.server.connection import HEAD_TIMEOUT_SECONDS, MIN_BODY_BYTES_PER_SECOND, Connection
from tests.server.clients import HALF_HEAD, SLOW, Client, check_page, request, slow_clients
from tests.servers import GRACE_SECONDS, Server, lines, serving, wait, wait_for_line, workers


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One worker, so that all clients are its."""
    with serving(tmp_path_factory.mktemp("slow"), WEB_CONCURRENCY="1", RATELIMIT_ENABLED="false") as running:
        wait(running.is_up)
        check_page(running)
        yield running


@pytest.fixture
def many_files() -> Iterator[None]:
    """Leave to open thousands of connections from here."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(before[1], 6000), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_page_comes_before_five_hundred_slow_clients_are_given_up(server: Server, many_files: None) -> None:
    """It came after that when slow clients held threads."""
    with slow_clients(server, 125) as clients:
        check_page(server)
        assert server.get("/healthz")[0].status == 200
        assert [client.is_waiting() for client in clients] == [True] * 500


def test_more_connections_than_a_process_takes_leave_room_for_a_page(server: Server, many_files: None) -> None:
    """Those that have waited longest make room."""
    with ExitStack() as stack:
        clients = [Client(server) for _ in range(MAX_CONNECTIONS + 100)]
        for client in clients:
            stack.callback(client.socket.close)
        check_page(server)
        assert clients[0].is_closed()
        assert clients[-1].is_waiting(), "the page came while this one was still held"
        wait(lambda: any("connection limit" in str(line["message"]) for line in lines(server)))


def test_slow_clients_are_told_so_and_silent_ones_are_closed(server: Server) -> None:
    with slow_clients(server, 1) as clients, ExitStack() as stack:
        api = Client(server)
        stack.callback(api.socket.close)
        api.send(b"POST /t/north/api/v1/carts HTTP/1.1\r\nX-Request-ID: too-slow\r\n")
        dripping = Client(server)
        stack.callback(dripping.socket.close)
        start = time.monotonic()
        drip_until_answered(dripping)
        assert time.monotonic() - start > HEAD_TIMEOUT_SECONDS / 2
        for kind, client in zip(SLOW, clients, strict=True):
            if kind == "silent":
                assert client.is_closed()
                continue
            answer = client.answer()
            assert (answer.status, answer.headers["content-type"]) == (408, "text/html; charset=utf-8"), kind
            assert client.is_closed()
        answer = api.answer()
        assert (answer.status, answer.headers["content-type"]) == (408, "application/problem+json")
        problem = json.loads(answer.body)
        assert (problem["status"], problem["type"]) == (408, "/problems/request-timeout")
        assert answer.headers["x-request-id"] == "too-slow"
    line = wait_for_line(server, request_id="too-slow")
    assert (line["status"], line["method"], line["logger"]) == (408, "POST", "storefront.access")


def drip_until_answered(client: Client) -> None:
    """A byte now and then doesn't prolong the deadline of a head."""
    client.send(HALF_HEAD)
    client.socket.settimeout(0.5)
    while True:
        try:
            client.send(b"x")
            assert client.head()[0] == 408
            return
        except TimeoutError:
            continue


def test_a_body_has_time_as_long_as_it_comes_at_the_minimum_rate() -> None:
    left, right = socket.socketpair()
    with left, right:
        connection = Connection(Config(), left, "", "")
        connection.buffer.feed(b"POST / HTTP/1.1\r\nContent-Length: 100000\r\n\r\n")
        assert connection.buffer.next_request() is None
        before = time.monotonic()
        connection.note_arrival()
        first = connection.deadline
        assert before + 10 <= first <= time.monotonic() + 10
        connection.buffer.feed(b"x" * 50_000)
        assert connection.buffer.next_request() is None
        connection.note_arrival()
        assert connection.deadline - first == pytest.approx(50_000 / MIN_BODY_BYTES_PER_SECOND)
        connection.close()


def test_clients_that_do_not_read_their_answers_hold_no_thread(server: Server) -> None:
    """Each asks for more than the system's buffers take; there are more of them than threads."""
    with ExitStack() as stack:
        clients = []
        for _ in range(24):
            client = Client(server)
            stack.callback(client.socket.close)
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.send(request("GET", "/t/north/", "Accept-Encoding: identity") * 200)
            clients.append(client)
        check_page(server)
        assert [clients[0].answer().status for _ in range(10)] == [200] * 10, "whoever reads on gets the rest"


def beside(kind: str, server: Server, stack: ExitStack) -> None:
    """Clients of this kind, as they are when the server is told to stop."""
    for _ in range(30):
        client = Client(server)
        stack.callback(client.socket.close)
        if kind == "not reading":
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.send(request("GET", "/t/north/", "Accept-Encoding: identity") * 200)
        elif kind == "kept alive":
            client.send(request("GET", "/healthz"))
            assert client.answer().status == 200
        else:
            client.send(SLOW[kind])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_it_stops_at_once_beside_clients_of_every_kind(tmp_path: Path, number: int) -> None:
    with serving(tmp_path, WEB_CONCURRENCY="1") as server, ExitStack() as stack:
        wait(server.is_up)
        for kind in (*SLOW, "not reading", "kept alive"):
            beside(kind, server, stack)
        check_page(server)
        start = time.monotonic()
        assert server.stop(number) == 0
        assert time.monotonic() - start < GRACE_SECONDS, "it waited for its clients"
        assert "Traceback" not in server.log.read_text()
        assert not any(line["level"] == "ERROR" for line in lines(server))


def test_ctrl_c_at_a_terminal_reaches_master_and_workers_together(tmp_path: Path) -> None:
    with serving(tmp_path, WEB_CONCURRENCY="2") as server, slow_clients(server_when_up(server), 5):
        start = time.monotonic()
        os.killpg(server.process.pid, signal.SIGINT)
        assert server.process.wait(timeout=60) == 0
        assert time.monotonic() - start < GRACE_SECONDS, "it waited for its clients"
        assert "Traceback" not in server.log.read_text()


def server_when_up(server: Server) -> Server:
    wait(server.is_up)
    return server


def test_connections_that_are_over_are_forgotten(server: Server) -> None:
    """Whatever they were in the middle of."""
    (worker,) = workers(server)

    def sockets() -> int:
        return sum(link_of(file).startswith("socket:") for file in Path(f"/proc/{worker}/fd").iterdir())

    wait(lambda: sockets() < 20)
    before = sockets()  # some of these may be connections of the test before that are just being closed
    with slow_clients(server, 10):
        wait(lambda: sockets() >= 40)
    wait(lambda: sockets() <= before)


def link_of(file: Path) -> str:
    try:
        return str(file.readlink())
    except FileNotFoundError:
        return ""
