"""`python -m bench.streams`: the cost of a thousand open event streams for an instance of two workers, compared with
none.

Rounds without and with streams alternate in one run while stock changes a few times a second; medians of the rounds.
"""

import multiprocessing
import random
import resource
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

from bench.__main__ import API, say, write_catalog
from bench.load import Connection, Measured, closed_loop
from bench.servers import Server, serve

STREAMS = 1000
CLIENTS = 4
ROUNDS = 5
SECONDS = 6.0
BETWEEN_CHANGES = 0.3
"""Interval between two purchases, each of which changes the stock of one product."""


def list_page(connection: Connection, _: random.Random) -> Iterator[int]:
    yield connection.ask("GET", "/t/bench/")[0]


def listen(port: int, pipe: Pipe) -> None:
    """Run in a process: hold the streams open, count their messages, and send the number when requested."""
    streams = [socket.create_connection(("127.0.0.1", port)) for _ in range(STREAMS)]
    for stream in streams:
        stream.sendall(b"GET /t/bench/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    for stream in streams:
        heard = b""
        while b"retry:" not in heard:
            heard += stream.recv(4096)
        if b" 200 OK" not in heard:
            sys.exit(f"a stream was refused: {heard!r}")
        stream.setblocking(False)
    pipe.send(len(streams))
    pipe.recv()
    messages = sum(drain(stream) for stream in streams)
    pipe.send(messages)


def drain(stream: socket.socket) -> int:
    """Read and count the messages in the sockets' buffers."""
    try:
        return stream.recv(1 << 20).count(b"event: stock")
    except BlockingIOError:
        return 0


@contextmanager
def many_streams(port: int) -> Iterator[list[int]]:
    """Hold the streams open; afterwards the yielded list has the number of messages of all streams."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=listen, args=(port, theirs), daemon=True)
    process.start()
    heard: list[int] = []
    assert ours.recv() == STREAMS
    try:
        yield heard
    finally:
        ours.send("enough")
        heard.append(ours.recv())
        process.join()


@contextmanager
def selling(port: int) -> Iterator[None]:
    """Buy products one after another in the background."""
    stopped = threading.Event()

    def sell() -> None:
        connection, number = Connection(port), 0
        while not stopped.wait(BETWEEN_CHANGES):
            number += 1
            items = [{"product_id": f"p{number % 500}", "quantity": 1}]
            status, cart = connection.ask("POST", f"{API}/carts", {"items": items})
            cart_id = cart.split(b'"id":', 1)[1].split(b'"', 2)[1].decode()
            buyer = {"email": "ada@example.com", "name": "Ada"}
            placed, _ = connection.ask("POST", f"{API}/carts/{cart_id}/checkout", buyer)
            if (status, placed) != (201, 201):
                sys.exit(f"selling: answers {status} and {placed}")
        connection.close()

    seller = threading.Thread(target=sell)
    seller.start()
    try:
        yield
    finally:
        stopped.set()
        seller.join()


def measured(shop: Server) -> Measured:
    with selling(shop.port):
        found = closed_loop(list_page, shop.port, CLIENTS, SECONDS)
    if set(found.statuses) != {200}:
        sys.exit(f"list page: answers with {found.statuses}")
    return found


def measure(shop: Server) -> None:
    measured(shop)
    alone, beside, memory, messages = [], [], [], []
    for _ in range(ROUNDS):
        alone.append(measured(shop))
        before = shop.memory()
        with many_streams(shop.port) as heard:
            beside.append(measured(shop))
            memory.append(shop.memory() - before)
        messages.append(heard[0])
        time.sleep(1)
    say(f"list page, {CLIENTS} clients, ms", f"alone  with {STREAMS} streams  ratio")
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        without, with_streams = (
            statistics.median(found.percentile(share) * 1000 for found in rounds) for rounds in (alone, beside)
        )
        say(f"  {name}", f"{without:6.1f} {with_streams:12.1f} {with_streams / without:13.2f}")
    say("memory of the streams, MB (PSS; first round, most)", f"{memory[0]:.1f}, {max(memory):.1f}")
    say("messages heard a stream and second", f"{statistics.median(messages) / STREAMS / SECONDS:.1f}")


def main() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_catalog(folder / "catalog.json")
        environment = {"CATALOG": str(folder / "catalog.json"), "WEB_CONCURRENCY": "2"}
        if len(sys.argv) > 1:
            environment |= {"DATABASE_URL": sys.argv[1], "SECRET_KEY": "only for measuring, and as long as it must be"}
        with serve(folder / "shop", **environment) as shop:
            measure(shop)


if __name__ == "__main__":
    main()
