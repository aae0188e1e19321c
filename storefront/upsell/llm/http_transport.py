"""The line to a model's server: what comes over it is limited, and looked at seldom when it drips. Imported with the
SDK, at the first call."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from functools import cache
from typing import Any

import httpcore2
import httpx2

from storefront.upsell.llm.client import ResponseTooLarge

MAX_RESPONSE_BYTES = 64 * 1024
FEW_PARTS, SMALL_PART, PAUSE = 4, 64, 0.25
"""What has come in more parts than this, with fewer bytes each than that, drips: then so many seconds pass between two
looks for more of it, because each look takes its time from somebody who orders."""
MAX_KEEPALIVE_CONNECTIONS, KEEPALIVE_SECONDS = 20, 5.0
"""Connections that are kept for the next calls, and the seconds they are."""


@cache
def default_ssl_context() -> ssl.SSLContext:
    """Whom servers may be vouched for by; read once, as that takes a tenth of a second."""
    return httpx2.create_ssl_context()


class LimitedTransport(httpx2.AsyncHTTPTransport):
    """Stops reading a response, good or bad, after `MAX_RESPONSE_BYTES` bytes."""

    def __init__(self) -> None:
        super().__init__(verify=default_ssl_context())
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=default_ssl_context(),
            max_connections=None,  # the caller counts its calls
            max_keepalive_connections=MAX_KEEPALIVE_CONNECTIONS,
            keepalive_expiry=KEEPALIVE_SECONDS,
            network_backend=Network(),
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        if response.headers.get("Content-Encoding", "identity") != "identity":
            await response.aclose()
            raise ResponseTooLarge  # a few packed bytes could be any number of them
        response.stream = SizeLimitedStream(response.stream)
        return response


class SizeLimitedStream(httpx2.AsyncByteStream):
    def __init__(self, stream: Any) -> None:
        self.stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        seen = 0
        async for part in self.stream:
            seen += len(part)
            if seen > MAX_RESPONSE_BYTES:
                raise ResponseTooLarge
            yield part

    async def aclose(self) -> None:
        await self.stream.aclose()


class Network(httpcore2.AnyIOBackend):
    async def connect_tcp(self, *where: Any, **options: Any) -> httpcore2.AsyncNetworkStream:
        return AtEase(await super().connect_tcp(*where, **options))


class AtEase(httpcore2.AsyncNetworkStream):
    """A connection on which each look for more of an answer that drips, its headers too, comes after a pause."""

    def __init__(self, stream: httpcore2.AsyncNetworkStream) -> None:
        self.stream = stream
        self.parts = self.seen = 0

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self.parts > FEW_PARTS and self.seen < SMALL_PART * self.parts:
            await asyncio.sleep(PAUSE)
        part = await self.stream.read(max_bytes, timeout)
        self.parts, self.seen = self.parts + 1, self.seen + len(part)
        return part

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.parts = self.seen = 0
        await self.stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self.stream.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.AsyncNetworkStream:
        return AtEase(await self.stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self.stream.get_extra_info(info)
