"""The state of a connection and its deadlines."""

import logging
import socket
import time
from collections.abc import Callable
from enum import Enum, auto
from typing import Any

from gunicorn.config import Config

from storefront.server.request_buffer import RequestBuffer
from storefront.server.response_output import ResponseOutput

HEAD_TIMEOUT_SECONDS = 10.0
"""From the first byte of a head, or the start of the connection, to the end of the head."""
BODY_GRACE_SECONDS = 10.0
MIN_BODY_BYTES_PER_SECOND = 500
"""A body may take `BODY_GRACE_SECONDS`, plus one second per this number of bytes that have arrived."""
LINGER_SECONDS = 2.0
"""Time for the client to close its end, so that its last response isn't truncated."""
MAX_IGNORED_BYTES = 32 * 1024 * 1024
"""Limit of the data discarded meanwhile: usually the rest of a rejected body."""
STOP_GRACE_SECONDS = 1.0
"""How long a stopping worker waits for its clients. Requests in progress are completed regardless."""
log = logging.getLogger("storefront.server")
TakeOver = Callable[[socket.socket, bytes], None]


class State(Enum):
    READING = auto()
    """Waits for a complete request, also when kept alive."""
    BUSY = auto()
    """A thread is handling its request."""
    SENDING = auto()
    """Waits for the client to read the rest of a response."""
    LINGERING = auto()
    """The last response was sent; waits for the client to close."""
    CLOSED = auto()


class Connection:
    """One client connection, used by the worker's main thread only. Exceptions: while the state is BUSY, `output`,
    `keep_alive` and `take_over` belong to the thread that handles the request. Times are seconds of
    `time.monotonic()`."""

    __slots__ = (
        "body_began", "buffer", "deadline", "head_began", "ignored_bytes", "keep_alive", "output", "peer", "server",
        "socket", "state", "take_over", "watched",
    )  # fmt: skip

    def __init__(self, cfg: Config, connection: socket.socket, peer: Any, server: Any) -> None:
        self.socket, self.peer, self.server = connection, peer, server
        self.buffer = RequestBuffer(cfg, peer)
        self.state = State.READING
        self.watched = 0
        self.ignored_bytes = 0
        self.head_began: float | None = None
        self.body_began: float | None = None
        self.deadline = time.monotonic() + HEAD_TIMEOUT_SECONDS
        self.output = ResponseOutput(connection)
        self.keep_alive = False
        self.take_over: TakeOver | None = None

    @property
    def held_bytes(self) -> int:
        """Bytes buffered for this connection, received and unsent."""
        return self.buffer.held_bytes + self.output.unsent_bytes

    def note_arrival(self) -> None:
        """Update the deadline after bytes of an incomplete request have arrived."""
        if self.buffer.is_empty:
            return
        now = time.monotonic()
        if self.head_began is None:
            self.head_began = now
            self.deadline = now + HEAD_TIMEOUT_SECONDS
        if self.buffer.message is not None:
            self.body_began = self.body_began or now
            self.deadline = self.body_began + BODY_GRACE_SECONDS + self.buffer.body_received / MIN_BODY_BYTES_PER_SECOND

    def begin_waiting(self, state: State, seconds: float) -> None:
        self.state = state
        self.head_began = self.body_began = None
        self.deadline = time.monotonic() + seconds

    def seconds_since_request_began(self) -> float:
        return 0.0 if self.head_began is None else time.monotonic() - self.head_began

    def give_away(self) -> None:
        """Hand the socket over to the callback that the app has set."""
        take_over, self.take_over = self.take_over, None  # breaks a reference cycle
        assert take_over is not None  # noqa: S101 - the caller has checked it
        unsent = self.output.take_unsent()
        self.state = State.CLOSED
        try:
            take_over(self.socket, unsent)
        except Exception:
            log.exception("could not take over a connection")
            self.socket.close()

    def close(self) -> None:
        self.state = State.CLOSED
        self.buffer.close()
        self.output.close()
        self.socket.close()
