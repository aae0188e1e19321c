"""A request whose body is refused when it is too large, however it is sent, and never cut."""

from io import BytesIO
from typing import IO

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.utils import cached_property


class LimitedRequest(Request):
    """Werkzeug ends the body of a chunked request at the limit, as if it were complete."""

    @cached_property
    def stream(self) -> IO[bytes]:
        """The body. Raises 413 when it is larger than `max_content_length`, before any of it can be used."""
        limit = self.max_content_length
        if limit is None or not self.environ.get("wsgi.input_terminated"):
            return super().stream  # it has a declared length, to which Werkzeug holds it
        if self.content_length is not None:
            if self.content_length > limit:
                raise RequestEntityTooLarge
            return self.input_stream
        return BytesIO(read_at_most(self.input_stream, limit))


def read_at_most(body: IO[bytes], limit: int) -> bytes:
    """All of the body; raises 413 when it has more than `limit` bytes."""
    pieces, left = [], limit + 1
    while left and (piece := body.read(left)):
        pieces.append(piece)
        left -= len(piece)
    if not left:
        raise RequestEntityTooLarge
    return b"".join(pieces)
