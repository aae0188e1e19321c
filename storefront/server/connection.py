"""What the worker knows of one connection, and how long it waits for its client."""

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
"""From the first byte of a head, or from the connection's start, to the head's end."""
BODY_GRACE_SECONDS = 10.0
MIN_BODY_BYTES_PER_SECOND = 500
"""A body may take the grace, and then a second more for each so many bytes that have arrived."""
LINGER_SECONDS = 2.0
"""Time for the client to close its end, too, so that its last response isn't cut."""
MAX_IGNORED_BYTES = 32 * 1024 * 1024
"""What it may still send meanwhile: as a rule the rest of a body that was refused."""
STOP_GRACE_SECONDS = 1.0
"""How long a worker that stops waits for its clients. Requests that a thread has are finished all the same."""
log = logging.getLogger("storefront.server")
TakeOver = Callable[[socket.socket, bytes], None]


class State(Enum):
    READING = auto()
    """Waits for a complete request; also kept alive."""
    BUSY = auto()
    """A thread has its request."""
    SENDING = auto()
    """Waits for the client to read the rest of a response."""
    LINGERING = auto()
    """The response was the last one; the client may close, too."""
    CLOSED = auto()


class Connection:
    """Only the worker's main thread uses it, but for `output`, `keep_alive` and `take_over`: while the state is BUSY,
    they belong to the thread that has the request. Times are seconds of `time.monotonic()`."""

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
        """What the server stores for this connection."""
        return self.buffer.held_bytes + self.output.unsent_bytes

    def note_arrival(self) -> None:
        """Bytes of an unfinished request have arrived: set the deadline for the next ones."""
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
        """From now on the socket belongs to whoever asked for it."""
        take_over, self.take_over = self.take_over, None  # it leads back here, and would keep all this in memory
        assert take_over is not None  # noqa: S101 - else nobody would call this
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
