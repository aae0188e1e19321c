"""The HTTP transport to the model's server, which limits the size of a response. Imported with the SDK, at the first
call."""

import ssl
from collections.abc import AsyncIterator
from functools import cache
from typing import Any

import httpx2

from storefront.upsell.llm.answer_reader import ResponseTooLarge

MAX_RESPONSE_BYTES = 64 * 1024
CONNECTION_LIMITS = httpx2.Limits(max_connections=None, max_keepalive_connections=20, keepalive_expiry=5.0)
"""`LlmClient` counts its calls itself. Idle connections are kept for 5 seconds."""


@cache
def default_ssl_context() -> ssl.SSLContext:
    """The trusted certificate authorities, read once because that takes 0.1 s."""
    return httpx2.create_ssl_context()


class LimitedTransport(httpx2.AsyncHTTPTransport):
    """Stops reading a response, good or bad, after `MAX_RESPONSE_BYTES` bytes."""

    def __init__(self) -> None:
        super().__init__(verify=default_ssl_context(), limits=CONNECTION_LIMITS)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Raises `ResponseTooLarge` for a compressed response, too: a few bytes may unpack to any number."""
        response = await super().handle_async_request(request)
        if response.headers.get("Content-Encoding", "identity") != "identity":
            await response.aclose()
            raise ResponseTooLarge
        response.stream = SizeLimitedStream(response.stream)
        return response


class SizeLimitedStream(httpx2.AsyncByteStream):
    def __init__(self, stream: Any) -> None:
        self.stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for part in self.stream:
            size += len(part)
            if size > MAX_RESPONSE_BYTES:
                raise ResponseTooLarge
            yield part

    async def aclose(self) -> None:
        await self.stream.aclose()
