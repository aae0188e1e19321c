"""What a response is written to: as much as the connection takes is sent at once, the rest waits."""

import os
import select
import socket
import time
from typing import IO

MAX_UNSENT_BYTES = 1024 * 1024
"""What may wait before the thread that makes the response waits, too. Nearly every response is smaller."""
MAX_PIECES_AT_ONCE = 64
SEND_TIMEOUT_SECONDS = 30.0
"""How long a client may take nothing of a response that waits for it."""


class FilePart:
    """A part of a file, with a descriptor of its own, because the app closes its file when it is done."""

    def __init__(self, descriptor: int, offset: int, size: int) -> None:
        self.descriptor, self.offset, self.size = os.dup(descriptor), offset, size

    def send(self, connection: socket.socket) -> int:
        """Send what the connection takes. Raises `ConnectionError` for a file that has become shorter."""
        sent = os.sendfile(connection.fileno(), self.descriptor, self.offset, self.size)
        if not sent:
            raise ConnectionError("the file has become shorter while it was sent")
        self.offset += sent
        self.size -= sent
        return sent

    def close(self) -> None:
        os.close(self.descriptor)


class ResponseOutput:
    """Has the methods of a socket that gunicorn's `Response` calls. One thread at a time uses it."""

    __slots__ = ("_connection", "_send_timeout", "_waiting", "has_sent", "unsent_bytes")

    def __init__(self, connection: socket.socket, send_timeout: float = SEND_TIMEOUT_SECONDS) -> None:
        self._connection, self._send_timeout = connection, send_timeout
        self._waiting: list[memoryview | FilePart] = []
        self.unsent_bytes = 0
        self.has_sent = False
        """Whether something of the current response has been sent."""

    def sendall(self, data: bytes) -> None:
        """Take the next piece of the response. It is sent by `flush`, so that head and body go out together."""
        if data:
            self._waiting.append(memoryview(data))
            self.unsent_bytes += len(data)

    def sendfile(self, file: IO[bytes], offset: int, count: int) -> None:
        if count > 0:
            self._waiting.append(FilePart(file.fileno(), offset, count))
            self.unsent_bytes += count

    def flush(self) -> None:
        """Send what the connection takes without waiting. Raises `OSError` when it is broken."""
        try:
            while self._waiting:
                first = self._waiting[0]
                sent = first.send(self._connection) if isinstance(first, FilePart) else self._send_pieces()
                self.has_sent = True
                self._forget(sent)
        except BlockingIOError:
            return

    def flush_or_wait(self) -> None:
        """As `flush`, but wait for the client when too much is unsent. Raises `TimeoutError` when it takes nothing."""
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
        """What has not been sent, for who writes to the connection from now on."""
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

    def _forget(self, sent: int) -> None:
        """Let go of what has been sent. A part of a file counts its own bytes."""
        self.unsent_bytes -= sent
        first = self._waiting[0]
        if isinstance(first, FilePart):
            if not first.size:
                first.close()
                del self._waiting[0]
            return
        while sent:
            piece = self._waiting[0]
            assert isinstance(piece, memoryview)  # noqa: S101 - what `_send_pieces` has sent
            if sent < len(piece):
                self._waiting[0] = piece[sent:]
                return
            sent -= len(piece)
            del self._waiting[0]
