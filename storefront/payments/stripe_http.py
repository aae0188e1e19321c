"""How Stripe is called: by the library's client, with a limit for the whole response."""

import time
from collections.abc import Mapping
from typing import Any

import stripe
import urllib3

PART_BYTES = 64 * 1024


class LimitedClient(stripe.RequestsClient):
    """The library's limit is for each wait for a part of the response, so a server that sends a byte now and then would
    occupy the thread for as long as it likes. This one gives up `total_seconds` after the call began, once the headers
    of the response are there: neither the library nor `requests` limits how long those take in all."""

    def __init__(self, connect_seconds: float, read_seconds: float, total_seconds: float) -> None:
        super().__init__(timeout=(connect_seconds, read_seconds))
        self._total_seconds = total_seconds

    def request(  # type: ignore[override] # the library's own RequestsClient differs from its base in the same way
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        end = time.monotonic() + self._total_seconds
        response, status, received = self.request_stream(method, url, headers, post_data)
        return read_until(response, end), status, received


def read_until(response: Any, end: float) -> bytes:
    """Return the content of the response, all of which has to come before `end`, a time of `time.monotonic`. Raises
    `stripe.APIConnectionError`."""
    content = b""
    try:
        while part := response.read1(PART_BYTES, decode_content=True):
            content += part
            if time.monotonic() > end:
                response.close()
                raise unanswered("the response took too long")
    except (urllib3.exceptions.HTTPError, OSError) as fault:
        response.close()
        raise unanswered(type(fault).__name__) from fault
    return content


def unanswered(reason: str) -> stripe.APIConnectionError:
    return stripe.APIConnectionError(reason)  # type: ignore[no-untyped-call]
