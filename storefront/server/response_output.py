"""The output of a response: sends what the connection accepts at once and buffers the rest."""

import os
import select
import socket
import time
from typing import IO

MAX_UNSENT_BYTES = 1024 * 1024
"""Buffered bytes above which the writing thread blocks. Nearly every response is smaller."""
MAX_PIECES_AT_ONCE = 64
SEND_TIMEOUT_SECONDS = 30.0
"""Time without progress after which a client that doesn't read is disconnected."""


class FilePart:
    """A part of a file, with a duplicated descriptor, because the app closes its own."""

    def __init__(self, descriptor: int, offset: int, size: int) -> None:
        self.descriptor, self.offset, self.size = os.dup(descriptor), offset, size

    def send(self, connection: socket.socket) -> int:
        """Send what the connection accepts. Raises `ConnectionError` if the file was truncated meanwhile."""
        sent = os.sendfile(connection.fileno(), self.descriptor, self.offset, self.size)
        if not sent:
            raise ConnectionError("the file was truncated while it was sent")
        self.offset += sent
        self.size -= sent
        return sent

    def close(self) -> None:
        os.close(self.descriptor)


class ResponseOutput:
    """Implements the socket methods that gunicorn's `Response` calls. Used by one thread at a time."""

    __slots__ = ("_connection", "_send_timeout", "_waiting", "has_sent", "unsent_bytes")

    def __init__(self, connection: socket.socket, send_timeout: float = SEND_TIMEOUT_SECONDS) -> None:
        self._connection, self._send_timeout = connection, send_timeout
        self._waiting: list[memoryview | FilePart] = []
        self.unsent_bytes = 0
        self.has_sent = False
        """Whether a part of the current response has been sent."""

    def sendall(self, data: bytes) -> None:
        """Buffer the next part of the response. `flush` sends it, so that head and body are sent together."""
        if data:
            self._waiting.append(memoryview(data))
            self.unsent_bytes += len(data)

    def sendfile(self, file: IO[bytes], offset: int, count: int) -> None:
        if count > 0:
            self._waiting.append(FilePart(file.fileno(), offset, count))
            self.unsent_bytes += count

    def flush(self) -> None:
        """Send what the connection accepts without blocking. Raises `OSError` if the connection is broken."""
        try:
            while self._waiting:
                first = self._waiting[0]
                sent = first.send(self._connection) if isinstance(first, FilePart) else self._send_pieces()
                self.has_sent = True
                self._discard_sent(sent)
        except BlockingIOError:
            return

    def flush_or_wait(self) -> None:
        """Like `flush`, but block while more than `MAX_UNSENT_BYTES` are unsent. Raises `TimeoutError` without
        progress."""
        self.flush()
        if self.unsent_bytes <= MAX_UNSENT_BYTES:
            return
        poll = select.poll()
        poll.register(self._connection, select.POLLOUT)
        deadline = time.monotonic() + self._send_timeout
        while self.unsent_bytes > MAX_UNSENT_BYTES:
            if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                raise TimeoutError("the client does not read")
            before = self.unsent_bytes
            self.flush()
            if self.unsent_bytes < before:
                deadline = time.monotonic() + self._send_timeout

    def take_unsent(self) -> bytes:
        """Return and clear the unsent bytes, for the new owner of the connection."""
        unsent = b"".join(piece for piece in self._waiting if isinstance(piece, memoryview))
        self.close()
        return unsent

    def close(self) -> None:
        for piece in self._waiting:
            if isinstance(piece, FilePart):
                piece.close()
        self._waiting.clear()
        self.unsent_bytes = 0

    def _send_pieces(self) -> int:
        pieces: list[memoryview] = []
        for piece in self._waiting:
            if isinstance(piece, FilePart) or len(pieces) == MAX_PIECES_AT_ONCE:
                break
            pieces.append(piece)
        return self._connection.sendmsg(pieces)

    def _discard_sent(self, sent: int) -> None:
        """Remove the sent bytes from the buffer. A `FilePart` tracks its own position."""
        self.unsent_bytes -= sent
        first = self._waiting[0]
        if isinstance(first, FilePart):
            if not first.size:
                first.close()
                del self._waiting[0]
            return
        while sent:
            piece = self._waiting[0]
            assert isinstance(piece, memoryview)  # noqa: S101 - `_send_pieces` sends only these
            if sent < len(piece):
                self._waiting[0] = piece[sent:]
                return
            sent -= len(piece)
            del self._waiting[0]
