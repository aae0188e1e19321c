"""The SSE broadcaster: one thread of a process writes to all open streams, so that none occupies a server thread."""

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
from storefront.file_limit import MAX_CONNECTIONS, connections_that_fit

MAX_PENDING_BYTES = 256 * 1024
"""Unsent bytes above which a client that doesn't read is disconnected."""
TCP_USER_TIMEOUT_MILLISECONDS = 60_000
"""Time without TCP acknowledgement after which a client is considered disconnected."""
STREAMS_PER_SLICE = 50
"""Streams written to before yielding to requests."""
log = logging.getLogger("storefront.events")


@dataclass(eq=False, slots=True)
class Stream:
    """A connection that was taken over. `address` is the client's `client_key`, `last_event_id` the last event sent to
    it."""

    socket: socket.socket
    tenant_id: str
    address: str
    last_event_id: int
    chunked: bool
    heartbeat_due_at: float = 0.0
    pending: bytearray = field(default_factory=bytearray)


@dataclass(frozen=True)
class EventBatch:
    """All of a tenant's messages since event `after`, some of them empty, with the ids of their events, in order."""

    tenant_id: str
    after: int
    ids: Sequence[int]
    messages: Sequence[bytes]


class SseBroadcaster:
    """One instance per app. Other threads only append to `_inbox`; open streams belong to the broadcaster's thread."""

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
        """Whether another stream may be opened for the client with this `client_key`."""
        with self._lock:
            if self._tenant_counts.total() >= self._max_streams:
                return False
            return not is_public_address(address) or self._address_counts[address] < MAX_STREAMS_PER_ADDRESS

    def tenants_with_streams(self) -> set[str]:
        """Return the tenants with streams in this process."""
        with self._lock:
            return {tenant_id for tenant_id, count in self._tenant_counts.items() if count}

    def add(self, stream: Stream) -> None:
        with self._lock:
            self._tenant_counts[stream.tenant_id] += 1
            self._address_counts[stream.address] += 1
            if self._thread is None:
                self._start()
        self._enqueue(stream)

    def publish(self, batch: EventBatch) -> None:
        self._enqueue(batch)

    def stop(self) -> None:
        """Close all streams, with the last chunk where the client reads."""
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

    def _enqueue(self, item: Stream | EventBatch | None) -> None:
        self._inbox.append(item)
        with suppress(BlockingIOError):  # the pipe is full, so the thread wakes up anyway
            os.write(self._wakeup_fd, b"!")

    def _run(self) -> None:
        heartbeats_due_at = time.monotonic() + 1.0
        while True:
            try:
                self._poll()
                while self._inbox:
                    item = self._inbox.popleft()
                    if item is None:
                        self._close_all()
                        return
                    self._register(item) if isinstance(item, Stream) else self._broadcast(item)
                if time.monotonic() >= heartbeats_due_at:
                    heartbeats_due_at = time.monotonic() + 1.0
                    self._send_heartbeats()
            except Exception:
                log.exception("event stream failed")
                time.sleep(0.1)

    def _poll(self) -> None:
        """Wait for new items, disconnecting clients, and clients that can receive more."""
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
        stream.heartbeat_due_at = time.monotonic() + self._heartbeat_seconds
        self._open.setdefault(stream.tenant_id, set()).add(stream)
        self._selector.register(stream.socket, selectors.EVENT_READ, stream)
        if stream.pending:
            self._write(stream)

    def _broadcast(self, batch: EventBatch) -> None:
        """Send each of the tenant's streams the messages that it hasn't received."""
        for i, stream in enumerate(list(self._open.get(batch.tenant_id, ()))):
            new = bisect_right(batch.ids, stream.last_event_id)
            if stream.last_event_id < batch.after:
                continue  # registered meanwhile; the tailer reads again from its last event
            if new < len(batch.ids):
                stream.last_event_id = batch.ids[-1]
                if data := b"".join(batch.messages[new:]):
                    self._send(stream, data)
            if i % STREAMS_PER_SLICE == STREAMS_PER_SLICE - 1:
                time.sleep(0.001)

    def _send_heartbeats(self) -> None:
        now = time.monotonic()
        for stream in [
            stream for streams in self._open.values() for stream in streams if stream.heartbeat_due_at <= now
        ]:
            self._send(stream, HEARTBEAT)

    def _send(self, stream: Stream, data: bytes) -> None:
        stream.heartbeat_due_at = time.monotonic() + self._heartbeat_seconds
        stream.pending += encode_chunk(data) if stream.chunked else data
        self._write(stream)

    def _write(self, stream: Stream) -> None:
        was_waiting = bool(self._selector.get_key(stream.socket).events & selectors.EVENT_WRITE)
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
        elif bool(stream.pending) != was_waiting:
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if stream.pending else 0)
            self._selector.modify(stream.socket, events, stream)

    def _is_disconnected(self, stream: Stream) -> bool:
        """Discard what the client sends. Return whether it has disconnected."""
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
    """Raise the limit of open files for the streams, besides other connections. Return how many streams fit."""
    return min(MAX_STREAMS, connections_that_fit(MAX_CONNECTIONS))
