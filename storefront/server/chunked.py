"""Decodes a chunked body (RFC 9112 section 7.1) as its bytes arrive, with the same rules as gunicorn's own reader."""

from collections.abc import Callable
from enum import Enum, auto

from gunicorn.http.body import CHUNK_EXT_RE
from gunicorn.http.errors import (
    ChunkMissingTerminator,
    InvalidChunkExtension,
    InvalidChunkSize,
    InvalidHeader,
    LimitRequestHeaders,
)

CRLF = b"\r\n"
HEX_DIGITS = frozenset(b"0123456789abcdefABCDEF")
MAX_CHUNK_SIZE_LINE_BYTES = 8190
MAX_TRAILER_BYTES = 32 * 1024


class State(Enum):
    SIZE = auto()
    DATA = auto()
    DATA_END = auto()
    TRAILERS = auto()
    DONE = auto()


class ChunkedDecoder:
    """Decodes one body. `check_trailers` raises for a forbidden trailer section; its return value is ignored."""

    def __init__(self, check_trailers: Callable[[bytes], object]) -> None:
        self._check_trailers = check_trailers
        self._state = State.SIZE
        self._left_of_chunk = 0
        self._searched = 0

    @property
    def is_complete(self) -> bool:
        return self._state is State.DONE

    @property
    def left_of_chunk(self) -> int:
        """Bytes of the current chunk that have not arrived."""
        return self._left_of_chunk

    def take(self, received: bytearray) -> bytes:
        """Remove the bytes that can be decoded now from the front of `received`; return them decoded.

        Raises gunicorn's `ParseException` if the body is not valid chunked encoding.
        """
        decoded = []
        while received and not self.is_complete:
            if self._state is State.DATA:
                decoded.append(self._take_data(received))
            elif not self._step(received):
                break
        return b"".join(decoded)

    def _step(self, received: bytearray) -> bool:
        """Read the next part that is not data. Return False if it is incomplete."""
        if self._state is State.SIZE:
            return self._read_size(received)
        if self._state is State.DATA_END:
            return self._read_data_end(received)
        return self._read_trailers(received)

    def _take_data(self, received: bytearray) -> bytes:
        piece = bytes(received[: self._left_of_chunk])
        del received[: len(piece)]
        self._left_of_chunk -= len(piece)
        if not self._left_of_chunk:
            self._state = State.DATA_END
        return piece

    def _read_data_end(self, received: bytearray) -> bool:
        if len(received) < 2:
            return False
        if received[:2] != CRLF:
            raise ChunkMissingTerminator(bytes(received[:2]))
        del received[:2]
        self._state = State.SIZE
        return True

    def _read_size(self, received: bytearray) -> bool:
        end = received.find(CRLF, max(0, self._searched - 1))
        if max(end, 0) > MAX_CHUNK_SIZE_LINE_BYTES or (end < 0 and len(received) > MAX_CHUNK_SIZE_LINE_BYTES):
            raise InvalidChunkSize(b"a line of more than %d bytes" % MAX_CHUNK_SIZE_LINE_BYTES)
        if end < 0:
            self._searched = len(received)
            return False
        self._left_of_chunk = chunk_size(bytes(received[:end]))
        del received[: end + 2]
        self._searched = 0
        self._state = State.DATA if self._left_of_chunk else State.TRAILERS
        return True

    def _read_trailers(self, received: bytearray) -> bool:
        if received[:2] == CRLF:
            del received[:2]
            self._state = State.DONE
            return True
        end = received.find(CRLF + CRLF, max(0, self._searched - 3))
        if max(end, 0) > MAX_TRAILER_BYTES or (end < 0 and len(received) > MAX_TRAILER_BYTES):
            raise LimitRequestHeaders("limit request trailer section size")
        if end < 0:
            if has_bare_line_feed(received, self._searched):
                raise InvalidHeader("bare LF as line terminator")
            self._searched = len(received)
            return False
        self._check_trailers(bytes(received[:end]))
        del received[: end + 4]
        self._state = State.DONE
        return True


def chunk_size(line: bytes) -> int:
    """Parse a chunk's size line (without its line end). Raises the same errors as gunicorn's reader."""
    size, *extension = line.split(b";", 1)
    if extension:
        if b"\r" in extension[0]:
            raise InvalidChunkExtension("bare CR not allowed")
        size = size.rstrip(b" \t")
    if not size or not HEX_DIGITS.issuperset(size):
        raise InvalidChunkSize(size)
    if extension and not CHUNK_EXT_RE.fullmatch(b";" + extension[0]):
        raise InvalidChunkExtension("invalid chunk extension")
    return int(size, 16)


def has_bare_line_feed(received: bytearray, checked: int) -> bool:
    """Whether a line after the first `checked` bytes ends without a carriage return."""
    new = received[max(0, checked - 1) :]
    already_checked = 1 if checked and new[:1] == b"\n" else 0
    return new.count(b"\n") - already_checked != new.count(CRLF)
