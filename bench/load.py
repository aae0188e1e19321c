"""A closed loop of clients, each of which sends its next request after the last response. Loopback only.

The clients are separate processes that use HTTP/1.1 over raw sockets, so that they cost little compared with the
server.
"""

import json
import multiprocessing
import random
import socket
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Thread
from typing import Any


@dataclass
class Measured:
    """Number and total time (seconds) of the steps, the duration of each (seconds), and the response statuses."""

    done: int
    seconds: float
    times: list[float]
    statuses: dict[int, int]

    @property
    def rate(self) -> float:
        return self.done / self.seconds

    def percentile(self, share: float) -> float:
        return statistics.quantiles(self.times, n=1000)[round(share * 1000) - 1] if len(self.times) > 1 else 0.0


class Connection:
    """A keep-alive connection."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.socket: socket.socket | None = None
        self.buffer = self.head = b""

    def request(self, method: str, path: str, body: Any = None, headers: str = "") -> tuple[int, bytes]:
        content = b"" if body is None else json.dumps(body).encode()
        if body is not None:
            headers += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
        self.send(method, path, headers, content)
        return self.read_response()

    def post_form(self, path: str, fields: str, cookie: str) -> str:
        """Post a form with this cookie. Return the cookie that the shop sets, or this one."""
        headers = f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(fields)}\r\n"
        self.send("POST", path, headers + (f"Cookie: {cookie}\r\n" if cookie else ""), fields.encode())
        status, _ = self.read_response()
        if status != 303:
            raise AssertionError(f"{path} returned {status}")
        at = self.head.lower().find(b"set-cookie:")
        return self.head[at + 11 :].split(b";", 1)[0].strip().decode() if at >= 0 else cookie

    def send(self, method: str, path: str, headers: str, content: bytes) -> None:
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n{headers}"
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=30)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(head.encode() + b"\r\n" + content)

    def close(self) -> None:
        if self.socket:
            self.socket.close()

    def read_response(self) -> tuple[int, bytes]:
        while b"\r\n\r\n" not in self.buffer:
            self.receive()
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        self.head = head
        lowered = head.lower()
        at = lowered.find(b"content-length:")
        length = int(lowered[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        while len(self.buffer) < length:
            self.receive()
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        if b"connection: close" in lowered and self.socket:
            self.socket.close()
            self.socket = None
        return int(head[9:12]), body

    def receive(self) -> None:
        assert self.socket is not None
        part = self.socket.recv(65536)
        if not part:
            raise ConnectionError("the server closed the connection")
        self.buffer += part


Step = Callable[[Connection, random.Random], Iterator[int]]
"""One unit of work: sends requests and yields each response's status."""


def run_client(step: Step, port: int, seed: int, until: float, results: Any) -> None:
    connection, rng = Connection(port), random.Random(seed)
    times: list[float] = []
    statuses: dict[int, int] = {}
    while time.monotonic() < until:
        start = time.monotonic()
        for status in step(connection, rng):
            statuses[status] = statuses.get(status, 0) + 1
        times.append(time.monotonic() - start)
    results.append((times, statuses))


def run_process(step: Step, port: int, seeds: list[int], until: float, queue: Any) -> None:
    results: list[tuple[list[float], dict[int, int]]] = []
    threads = [Thread(target=run_client, args=(step, port, seed, until, results)) for seed in seeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    queue.put(results)


def closed_loop(step: Step, port: int, clients: int, seconds: float, processes: int = 2) -> Measured:
    """Run `clients` loops of `step` for the given number of seconds."""
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    start = time.monotonic()
    until = start + seconds
    seeds = [random.randrange(2**31) for _ in range(clients)]
    workers = [
        context.Process(target=run_process, args=(step, port, seeds[i::processes], until, queue))
        for i in range(processes)
    ]
    for worker in workers:
        worker.start()
    parts = [part for _ in workers for part in queue.get(timeout=seconds + 60)]
    for worker in workers:
        worker.join()
    times = [duration for part, _ in parts for duration in part]
    statuses: dict[int, int] = {}
    for _, counts in parts:
        for status, count in counts.items():
            statuses[status] = statuses.get(status, 0) + count
    return Measured(len(times), time.monotonic() - start, times, statuses)
