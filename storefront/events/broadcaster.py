"""The open streams of this process: one thread writes to all of them, so that none holds a thread of the server."""

import logging
import os
import selectors
import socket
import threading
import time
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from storefront.events.sse_format import (
    HEARTBEAT,
    LAST_CHUNK,
    MAX_STREAMS,
    MAX_STREAMS_PER_ADDRESS,
    encode_chunk,
    is_public_address,
)
from storefront.server.file_limit import MAX_CONNECTIONS, connections_that_fit

MAX_PENDING_BYTES = 256 * 1024
"""Bytes that may wait for a client that doesn't read; then it is hung up on."""
TCP_USER_TIMEOUT_MILLISECONDS = 60_000
"""Milliseconds after which a client that acknowledges nothing is taken for gone."""
STREAMS_PER_SLICE = 50
"""Streams written to before requests get their turn."""
log = logging.getLogger("storefront.events")


@dataclass(eq=False, slots=True)
class Stream:
    """A connection that was taken over. `address` is its client's (`client_key`), `seen` the id of the last
    event that it was told."""

    socket: socket.socket
    tenant_id: str
    address: str
    last_event_id: int
    chunked: bool
    heartbeat_at: float = 0.0
    pending: bytearray = field(default_factory=bytearray)


@dataclass(frozen=True)
class EventBatch:
    """A tenant's messages, with the ids of their events, in order: all that happened since event `after`."""

    tenant_id: str
    after: int
    ids: Sequence[int]
    messages: Sequence[bytes]


class SseBroadcaster:
    """One instance an app. Others only leave streams and news in `_inbox`; what is open belongs to the one thread."""

    def __init__(self, heartbeat_seconds: float) -> None:
        self._heartbeat_seconds = heartbeat_seconds
        self._inbox: deque[Stream | EventBatch | None] = deque()
        self._lock = threading.Lock()
        self._tenant_counts: Counter[str] = Counter()
        self._address_counts: Counter[str] = Counter()
        self._open: dict[str, set[Stream]] = {}
        self._thread: threading.Thread | None = None
        self._selector: selectors.BaseSelector
        self._wakeup_fd: int
        self._max_streams = MAX_STREAMS

    def has_capacity(self, address: str) -> bool:
        """Whether one more stream may be opened for a client at this address."""
        with self._lock:
            if self._tenant_counts.total() >= self._max_streams:
                return False
            return not is_public_address(address) or self._address_counts[address] < MAX_STREAMS_PER_ADDRESS

    def tenants_with_streams(self) -> set[str]:
        """The tenants that have streams here."""
        with self._lock:
            return {tenant_id for tenant_id, many in self._tenant_counts.items() if many}

    def add(self, stream: Stream) -> None:
        with self._lock:
            self._tenant_counts[stream.tenant_id] += 1
            self._address_counts[stream.address] += 1
            if self._thread is None:
                self._start()
        self._enqueue(stream)

    def publish(self, news: EventBatch) -> None:
        self._enqueue(news)

    def stop(self) -> None:
        """End all streams, properly where their clients read."""
        if self._thread is not None:
            self._enqueue(None)
            self._thread.join(2)

    def _start(self) -> None:
        self._max_streams = raise_fd_limit()
        self._selector = selectors.DefaultSelector()
        read, self._wakeup_fd = os.pipe()
        os.set_blocking(read, False)
        os.set_blocking(self._wakeup_fd, False)
        self._selector.register(read, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="streams", daemon=True)
        self._thread.start()

    def _enqueue(self, what: Stream | EventBatch | None) -> None:
        self._inbox.append(what)
        with suppress(BlockingIOError):  # rung often enough
            os.write(self._wakeup_fd, b"!")

    def _run(self) -> None:
        beat_at = time.monotonic() + 1.0
        while True:
            try:
                self._poll()
                while self._inbox:
                    what = self._inbox.popleft()
                    if what is None:
                        self._close_all()
                        return
                    self._register(what) if isinstance(what, Stream) else self._broadcast(what)
                if time.monotonic() >= beat_at:
                    beat_at = time.monotonic() + 1.0
                    self._send_heartbeats()
            except Exception:
                log.exception("a live stream broke")
                time.sleep(0.1)

    def _poll(self) -> None:
        """Wait for news, for clients that hang up, and for those that read on."""
        for key, ready in self._selector.select(1.0):
            if key.data is None:
                os.read(key.fd, 4096)
            elif ready & selectors.EVENT_READ and self._is_disconnected(key.data):
                self._drop(key.data)
            elif ready & selectors.EVENT_WRITE:
                self._write(key.data)

    def _register(self, stream: Stream) -> None:
        with suppress(OSError):
            stream.socket.setsockopt(
                socket.IPPROTO_TCP, getattr(socket, "TCP_USER_TIMEOUT", 18), TCP_USER_TIMEOUT_MILLISECONDS
            )
        stream.socket.setblocking(False)
        stream.heartbeat_at = time.monotonic() + self._heartbeat_seconds
        self._open.setdefault(stream.tenant_id, set()).add(stream)
        self._selector.register(stream.socket, selectors.EVENT_READ, stream)
        if stream.pending:
            self._write(stream)

    def _broadcast(self, news: EventBatch) -> None:
        """Tell each of the shop's streams what it hasn't been told yet."""
        for i, stream in enumerate(list(self._open.get(news.tenant_id, ()))):
            new = bisect_right(news.ids, stream.last_event_id)
            if stream.last_event_id < news.after:
                continue  # it came while these were read; the next look goes back for what it lacks
            if new < len(news.ids):
                stream.last_event_id = news.ids[-1]
                self._send(stream, b"".join(news.messages[new:]))
            if i % STREAMS_PER_SLICE == STREAMS_PER_SLICE - 1:
                time.sleep(0.001)

    def _send_heartbeats(self) -> None:
        now = time.monotonic()
        for stream in [stream for streams in self._open.values() for stream in streams if stream.heartbeat_at <= now]:
            self._send(stream, HEARTBEAT)

    def _send(self, stream: Stream, words: bytes) -> None:
        stream.heartbeat_at = time.monotonic() + self._heartbeat_seconds
        stream.pending += encode_chunk(words) if stream.chunked else words
        self._write(stream)

    def _write(self, stream: Stream) -> None:
        had_to_wait = bool(self._selector.get_key(stream.socket).events & selectors.EVENT_WRITE)
        try:
            if stream.pending:
                del stream.pending[: stream.socket.send(stream.pending)]
        except BlockingIOError:
            pass
        except OSError:
            self._drop(stream)
            return
        if len(stream.pending) > MAX_PENDING_BYTES:
            self._drop(stream)
        elif bool(stream.pending) != had_to_wait:
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if stream.pending else 0)
            self._selector.modify(stream.socket, events, stream)

    def _is_disconnected(self, stream: Stream) -> bool:
        """What a client still sends has no meaning; that it sends nothing more means that it is gone."""
        try:
            return not stream.socket.recv(4096)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def _drop(self, stream: Stream) -> None:
        self._open[stream.tenant_id].discard(stream)
        self._selector.unregister(stream.socket)
        stream.socket.close()
        with self._lock:
            for counted, name in ((self._tenant_counts, stream.tenant_id), (self._address_counts, stream.address)):
                counted[name] -= 1
                if not counted[name]:
                    del counted[name]

    def _close_all(self) -> None:
        for stream in [stream for streams in self._open.values() for stream in streams]:
            if stream.chunked and not stream.pending:
                with suppress(OSError):
                    stream.socket.send(LAST_CHUNK)
            self._drop(stream)


def raise_fd_limit() -> int:
    """How many streams this process may have, after asking the system for as many open files as that takes beside the
    connections that are no streams."""
    return min(MAX_STREAMS, connections_that_fit(MAX_CONNECTIONS))
