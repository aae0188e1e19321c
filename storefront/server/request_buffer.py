"""Buffers the bytes of a connection until a request is complete. Independent of sockets.

This module only decides where a head ends: at its first empty line. gunicorn then parses the head, once, and determines
the length of the body. So there are no two parsers that could disagree about where a request ends (request smuggling).
"""

from dataclasses import dataclass
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from gunicorn.config import Config
from gunicorn.http.body import ChunkedReader
from gunicorn.http.errors import (
    InvalidHeader,
    InvalidRequestLine,
    LimitRequestHeaders,
    LimitRequestLine,
    NoMoreData,
    ParseException,
    UnsupportedTransferCoding,
)
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader

from storefront.server.chunked import CRLF, ChunkedDecoder, has_bare_line_feed

HEAD_END = CRLF + CRLF
MAX_HEAD_BYTES = 64 * 1024
MAX_WIRE_BODY_BYTES = 16 * 1024 * 1024
"""The limit of a body as sent, chunked or not. The app's own limit is lower and has a better message; this one bounds
what the server buffers for a client."""
MAX_BODY_BYTES_IN_MEMORY = 256 * 1024
"""Larger bodies are stored in a temporary file."""


class BodyTooLarge(ParseException):  # type: ignore[misc]
    """The body is larger than `MAX_WIRE_BODY_BYTES`."""


@dataclass(frozen=True, slots=True)
class CompleteRequest:
    """A completely received request. `body` is decoded and positioned at its start."""

    message: Any
    body: IO[bytes]
    body_bytes: int


class RequestBuffer:
    """The successive requests of one connection. `peer` is the client's address in gunicorn's format."""

    __slots__ = (
        "_body", "_body_bytes", "_body_received", "_cfg", "_decoder", "_head", "_left", "_max_body_bytes", "_message",
        "_peer", "_received", "_requests", "_searched", "expects_continue",
    )  # fmt: skip

    def __init__(self, cfg: Config, peer: object, max_body_bytes: int = MAX_WIRE_BODY_BYTES) -> None:
        self._cfg, self._peer = cfg, peer
        self._max_body_bytes = max_body_bytes
        self._received = bytearray()
        self._searched = 0
        self._requests = 0
        self._head = b""
        self._message: Any = None
        self._left = 0
        self._decoder: ChunkedDecoder | None = None
        self._body: IO[bytes] | None = None
        self._body_bytes = 0
        self._body_received = 0
        self.expects_continue = False
        """Whether the client waits for `100 Continue` before it sends the body."""

    @property
    def message(self) -> Any:
        """gunicorn's parse of the head whose body is still arriving; None before."""
        return self._message

    @property
    def start(self) -> bytes:
        """The beginning of what has arrived, for an answer to a request whose head can't be parsed."""
        return self._head or bytes(self._received[:MAX_HEAD_BYTES])

    @property
    def is_empty(self) -> bool:
        """Whether no request has begun. An empty line before a request doesn't count: some clients end a body so."""
        return self._message is None and self._received in (b"", b"\r", CRLF)

    @property
    def body_received(self) -> int:
        """Bytes of the current body that have arrived, as they were sent."""
        return self._body_received + (len(self._received) if self._message is not None else 0)

    @property
    def held_bytes(self) -> int:
        return len(self._received) + self._body_bytes

    def feed(self, data: bytes) -> None:
        self._received += data

    def next_request(self) -> CompleteRequest | None:
        """Take the first request out, when it is complete.

        Raises `BodyTooLarge` or another `ParseException` when there is no use in reading on, and `OSError` when a
        large body can't be stored.
        """
        if self._message is None:
            head = self._take_head()
            if head is None:
                return None
            self._begin(head)
        self._read_body()
        return None if self._is_unfinished() else self._finish()

    def close(self) -> None:
        """Discard the buffered data and its temporary file."""
        self._received.clear()
        if self._body is not None:
            self._body.close()
            self._body = None

    def _take_head(self) -> bytes | None:
        end = self._received.find(HEAD_END, max(0, self._searched - 3))
        self._check_size(end)
        if end < 0:
            if has_bare_line_feed(self._received, self._searched):
                raise InvalidHeader("bare LF as line terminator")
            self._searched = len(self._received)
            return None
        head = bytes(self._received[: end + 4])
        del self._received[: end + 4]
        self._searched = 0
        return head

    def _check_size(self, end: int) -> None:
        """Refuse a request line that is too long as soon as that is certain, and a head that is too long."""
        received, limit = self._received, self._cfg.limit_request_line
        start = 2 if received[:2] == CRLF else 0
        if limit and len(received) - start - 2 > limit and received.find(CRLF, start, start + limit + 2) < 0:
            raise LimitRequestLine(len(received) - start, limit)
        if (len(received) if end < 0 else end + 4) > MAX_HEAD_BYTES:
            raise LimitRequestHeaders("max buffer headers")

    def _begin(self, head: bytes) -> None:
        self._requests += 1
        self._head = head
        unreader = IterUnreader([head])
        try:
            message = Request(self._cfg, unreader, self._peer, self._requests)
        except (NoMoreData, StopIteration):
            raise InvalidRequestLine("the head doesn't end where its first empty line is") from None
        if unreader.take_buffered():
            raise InvalidRequestLine("the head doesn't end where its first empty line is")
        check_transfer_coding(message)
        self._body_bytes = self._body_received = 0
        self._body = None
        if isinstance(message.body.reader, ChunkedReader):
            self._decoder = ChunkedDecoder(lambda trailers: message.parse_headers(trailers, from_trailer=True))
        else:
            self._decoder, self._left = None, message.body.reader.length
            if self._left > self._max_body_bytes:
                raise BodyTooLarge
        # gunicorn would send "100 Continue" when the app is called, which is after the body has arrived.
        self.expects_continue, message._expected_100_continue = message._expected_100_continue, False
        self._message = message

    def _is_unfinished(self) -> bool:
        return self._left > 0 if self._decoder is None else not self._decoder.is_complete

    def _read_body(self) -> None:
        before = len(self._received)
        if self._decoder is None:
            if not self._left:
                return
            piece = bytes(self._received[: self._left])
            del self._received[: len(piece)]
            self._left -= len(piece)
        else:
            piece = self._decoder.take(self._received)
        self._body_received += before - len(self._received)
        announced = self._body_bytes + len(piece) + (self._decoder.left_of_chunk if self._decoder else 0)
        if max(self._body_received, announced) > self._max_body_bytes:
            raise BodyTooLarge
        self._store(piece)

    def _store(self, piece: bytes) -> None:
        if not piece:
            return
        if self._body is None:
            whole = self._decoder is None and not self._left
            self._body = BytesIO() if whole else SpooledTemporaryFile(MAX_BODY_BYTES_IN_MEMORY)  # noqa: SIM115 - see close
        self._body.write(piece)
        self._body_bytes += len(piece)

    def _finish(self) -> CompleteRequest:
        body = self._body or BytesIO()
        body.seek(0)
        request = CompleteRequest(self._message, body, self._body_bytes)
        self._message, self._head, self._body, self._body_bytes, self.expects_continue = None, b"", None, 0, False
        return request


def check_transfer_coding(message: Any) -> None:
    """Raise `UnsupportedTransferCoding` for codings other than chunked: gunicorn accepts them without decoding the
    body."""
    for name, value in message.headers:
        if name == "TRANSFER-ENCODING" and value.strip().lower() != "chunked":
            raise UnsupportedTransferCoding(value)
