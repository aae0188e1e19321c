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

from bench.__main__ import API, print_columns, write_catalog
from bench.load import Connection, Measured, closed_loop
from bench.servers import Server, serve

STREAMS = 1000
CLIENTS = 4
ROUNDS = 5
SECONDS = 6.0
PURCHASE_INTERVAL_SECONDS = 0.3
"""Interval between two purchases, each of which changes the stock of one product."""


def list_page(connection: Connection, _: random.Random) -> Iterator[int]:
    yield connection.request("GET", "/t/bench/")[0]


def hold_streams(port: int, pipe: Pipe) -> None:
    """Run in a process: hold the streams open, count their messages, and send the number when requested."""
    streams = [socket.create_connection(("127.0.0.1", port)) for _ in range(STREAMS)]
    for stream in streams:
        stream.sendall(b"GET /t/bench/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    for stream in streams:
        received = b""
        while b"retry:" not in received:
            received += stream.recv(4096)
        if b" 200 OK" not in received:
            sys.exit(f"a stream was refused: {received!r}")
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
def open_streams(port: int) -> Iterator[list[int]]:
    """Hold the streams open; afterwards the yielded list has the number of messages of all streams."""
    parent_end, child_end = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=hold_streams, args=(port, child_end), daemon=True)
    process.start()
    message_counts: list[int] = []
    assert parent_end.recv() == STREAMS
    try:
        yield message_counts
    finally:
        parent_end.send("stop")
        message_counts.append(parent_end.recv())
        process.join()


@contextmanager
def background_purchases(port: int) -> Iterator[None]:
    """Buy products one after another in the background."""
    stopped = threading.Event()

    def buy_until_stopped() -> None:
        connection, number = Connection(port), 0
        while not stopped.wait(PURCHASE_INTERVAL_SECONDS):
            number += 1
            items = [{"product_id": f"p{number % 500}", "quantity": 1}]
            status, cart = connection.request("POST", f"{API}/carts", {"items": items})
            cart_id = cart.split(b'"id":', 1)[1].split(b'"', 2)[1].decode()
            buyer = {"email": "ada@example.com", "name": "Ada"}
            placed, _ = connection.request("POST", f"{API}/carts/{cart_id}/checkout", buyer)
            if (status, placed) != (201, 201):
                sys.exit(f"background purchases: returned {status} and {placed}")
        connection.close()

    buyer_thread = threading.Thread(target=buy_until_stopped)
    buyer_thread.start()
    try:
        yield
    finally:
        stopped.set()
        buyer_thread.join()


def measured(shop: Server) -> Measured:
    with background_purchases(shop.port):
        found = closed_loop(list_page, shop.port, CLIENTS, SECONDS)
    if set(found.statuses) != {200}:
        sys.exit(f"list page: returned {found.statuses}")
    return found


def measure(shop: Server) -> None:
    measured(shop)
    without_streams, with_streams, memory, messages = [], [], [], []
    for _ in range(ROUNDS):
        without_streams.append(measured(shop))
        before = shop.memory()
        with open_streams(shop.port) as message_counts:
            with_streams.append(measured(shop))
            memory.append(shop.memory() - before)
        messages.append(message_counts[0])
        time.sleep(1)
    print_columns(f"list page, {CLIENTS} clients, ms", f"alone  with {STREAMS} streams  ratio")
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        without, loaded = (
            statistics.median(found.percentile(share) * 1000 for found in rounds)
            for rounds in (without_streams, with_streams)
        )
        print_columns(f"  {name}", f"{without:6.1f} {loaded:12.1f} {loaded / without:13.2f}")
    print_columns("memory of the streams, MB (PSS; first round, most)", f"{memory[0]:.1f}, {max(memory):.1f}")
    print_columns("messages per stream and second", f"{statistics.median(messages) / STREAMS / SECONDS:.1f}")


def main() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_catalog(folder / "catalog.json")
        environment = {"CATALOG": str(folder / "catalog.json"), "WEB_CONCURRENCY": "2"}
        if len(sys.argv) > 1:
            environment |= {"DATABASE_URL": sys.argv[1], "SECRET_KEY": "for measurements only, of the required length"}
        with serve(folder / "shop", **environment) as shop:
            measure(shop)


if __name__ == "__main__":
    main()
