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

from storefront.events.rules import HEARTBEAT, LAST_CHUNK, MOST_OF_ONE_ADDRESS, MOST_STREAMS, chunk, is_one_client
from storefront.server.file_limit import MAX_CONNECTIONS, connections_that_fit

BEAT = 15.0
"""Seconds of silence after which a stream says that it is still there."""
MOST_WAITING = 256 * 1024
"""Bytes that may wait for a client that doesn't read; then it is hung up on."""
GONE_AFTER = 60_000
"""Milliseconds after which a client that acknowledges nothing is taken for gone."""
AT_ONCE = 50
"""Streams written to before requests get their turn."""
log = logging.getLogger("storefront.events")


@dataclass(eq=False, slots=True)
class Stream:
    """A connection that was taken over. `address` is its client's (`client_key`), `seen` the id of the last
    event that it was told."""

    socket: socket.socket
    tenant_id: str
    address: str
    seen: int
    chunked: bool
    beat_at: float = 0.0
    waiting: bytearray = field(default_factory=bytearray)


@dataclass(frozen=True)
class News:
    """A tenant's messages, with the ids of their events, in order: all that happened since event `after`."""

    tenant_id: str
    after: int
    ids: Sequence[int]
    messages: Sequence[bytes]


class Streams:
    """One instance an app. Others only leave streams and news in `_inbox`; what is open belongs to the one thread."""

    def __init__(self) -> None:
        self._inbox: deque[Stream | News | None] = deque()
        self._lock = threading.Lock()
        self._shops: Counter[str] = Counter()
        self._addresses: Counter[str] = Counter()
        self._open: dict[str, set[Stream]] = {}
        self._thread: threading.Thread | None = None
        self._selector: selectors.BaseSelector
        self._bell: int
        self._most = MOST_STREAMS

    def has_room(self, address: str) -> bool:
        """Whether one more stream may be opened for a client at this address."""
        with self._lock:
            if self._shops.total() >= self._most:
                return False
            return not is_one_client(address) or self._addresses[address] < MOST_OF_ONE_ADDRESS

    def shops(self) -> set[str]:
        """The tenants that have streams here."""
        with self._lock:
            return {tenant_id for tenant_id, many in self._shops.items() if many}

    def add(self, stream: Stream) -> None:
        with self._lock:
            self._shops[stream.tenant_id] += 1
            self._addresses[stream.address] += 1
            if self._thread is None:
                self._start()
        self._leave(stream)

    def tell(self, news: News) -> None:
        self._leave(news)

    def stop(self) -> None:
        """End all streams, properly where their clients read."""
        if self._thread is not None:
            self._leave(None)
            self._thread.join(2)

    def _start(self) -> None:
        self._most = make_room()
        self._selector = selectors.DefaultSelector()
        read, self._bell = os.pipe()
        os.set_blocking(read, False)
        os.set_blocking(self._bell, False)
        self._selector.register(read, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="streams", daemon=True)
        self._thread.start()

    def _leave(self, what: Stream | News | None) -> None:
        self._inbox.append(what)
        with suppress(BlockingIOError):  # rung often enough
            os.write(self._bell, b"!")

    def _run(self) -> None:
        beat_at = time.monotonic() + 1.0
        while True:
            try:
                self._attend()
                while self._inbox:
                    what = self._inbox.popleft()
                    if what is None:
                        self._end()
                        return
                    self._take_in(what) if isinstance(what, Stream) else self._spread(what)
                if time.monotonic() >= beat_at:
                    beat_at = time.monotonic() + 1.0
                    self._beat()
            except Exception:
                log.exception("a live stream broke")
                time.sleep(0.1)

    def _attend(self) -> None:
        """Wait for news, for clients that hang up, and for those that read on."""
        for key, ready in self._selector.select(1.0):
            if key.data is None:
                os.read(key.fd, 4096)
            elif ready & selectors.EVENT_READ and self._hung_up(key.data):
                self._forget(key.data)
            elif ready & selectors.EVENT_WRITE:
                self._write(key.data)

    def _take_in(self, stream: Stream) -> None:
        with suppress(OSError):
            stream.socket.setsockopt(socket.IPPROTO_TCP, getattr(socket, "TCP_USER_TIMEOUT", 18), GONE_AFTER)
        stream.socket.setblocking(False)
        stream.beat_at = time.monotonic() + BEAT
        self._open.setdefault(stream.tenant_id, set()).add(stream)
        self._selector.register(stream.socket, selectors.EVENT_READ, stream)
        if stream.waiting:
            self._write(stream)

    def _spread(self, news: News) -> None:
        """Tell each of the shop's streams what it hasn't been told yet."""
        for i, stream in enumerate(list(self._open.get(news.tenant_id, ()))):
            new = bisect_right(news.ids, stream.seen)
            if stream.seen < news.after:
                continue  # it came while these were read; the next look goes back for what it lacks
            if new < len(news.ids):
                stream.seen = news.ids[-1]
                self._say(stream, b"".join(news.messages[new:]))
            if i % AT_ONCE == AT_ONCE - 1:
                time.sleep(0.001)

    def _beat(self) -> None:
        now = time.monotonic()
        for stream in [stream for streams in self._open.values() for stream in streams if stream.beat_at <= now]:
            self._say(stream, HEARTBEAT)

    def _say(self, stream: Stream, words: bytes) -> None:
        stream.beat_at = time.monotonic() + BEAT
        stream.waiting += chunk(words) if stream.chunked else words
        self._write(stream)

    def _write(self, stream: Stream) -> None:
        had_to_wait = bool(self._selector.get_key(stream.socket).events & selectors.EVENT_WRITE)
        try:
            if stream.waiting:
                del stream.waiting[: stream.socket.send(stream.waiting)]
        except BlockingIOError:
            pass
        except OSError:
            self._forget(stream)
            return
        if len(stream.waiting) > MOST_WAITING:
            self._forget(stream)
        elif bool(stream.waiting) != had_to_wait:
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if stream.waiting else 0)
            self._selector.modify(stream.socket, events, stream)

    def _hung_up(self, stream: Stream) -> bool:
        """What a client still sends has no meaning; that it sends nothing more means that it is gone."""
        try:
            return not stream.socket.recv(4096)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def _forget(self, stream: Stream) -> None:
        self._open[stream.tenant_id].discard(stream)
        self._selector.unregister(stream.socket)
        stream.socket.close()
        with self._lock:
            for counted, name in ((self._shops, stream.tenant_id), (self._addresses, stream.address)):
                counted[name] -= 1
                if not counted[name]:
                    del counted[name]

    def _end(self) -> None:
        for stream in [stream for streams in self._open.values() for stream in streams]:
            if stream.chunked and not stream.waiting:
                with suppress(OSError):
                    stream.socket.send(LAST_CHUNK)
            self._forget(stream)


def make_room() -> int:
    """How many streams this process may have, after asking the system for as many open files as that takes beside the
    connections that are no streams."""
    return min(MOST_STREAMS, connections_that_fit(MAX_CONNECTIONS))
