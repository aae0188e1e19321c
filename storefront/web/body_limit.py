"""The request class: a body above the limit is rejected, never truncated, with or without Content-Length."""

from io import BytesIO
from typing import IO

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.utils import cached_property


class LimitedRequest(Request):
    """Werkzeug truncates the body of a chunked request at the limit as if it were complete; this class rejects it."""

    @cached_property
    def stream(self) -> IO[bytes]:
        """The body. Raises `RequestEntityTooLarge` (413) before any of it is used if it exceeds `max_content_length`
        bytes."""
        limit = self.max_content_length
        if limit is None or not self.environ.get("wsgi.input_terminated"):
            return super().stream  # Werkzeug enforces the declared length
        if self.content_length is not None:
            if self.content_length > limit:
                raise RequestEntityTooLarge
            return self.input_stream
        return BytesIO(read_at_most(self.input_stream, limit))


def read_at_most(body: IO[bytes], limit: int) -> bytes:
    """Read the whole body. Raises `RequestEntityTooLarge` (413) if it has more than `limit` bytes."""
    pieces, left = [], limit + 1
    while left and (piece := body.read(left)):
        pieces.append(piece)
        left -= len(piece)
    if not left:
        raise RequestEntityTooLarge
    return b"".join(pieces)
