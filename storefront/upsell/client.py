"""One call of a language model, within a wall-clock deadline over the whole exchange.

The call runs in an event loop of its own thread, because only there a deadline ends everything: connecting, headers
that drip in byte by byte, and a body that never ends. The openai SDK costs 26 MB and a second to import, so it is
imported at the first call.
"""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from storefront.config import Settings

if TYPE_CHECKING:
    from openai import AsyncOpenAI

LARGEST_ANSWER = 64 * 1024
LONGEST_TOKENS = 600
IN_FLIGHT = 4
"""Calls at a time and process; one more is answered by the rules at once, so that a slow model can't use up threads."""


@dataclass(frozen=True)
class Answer:
    """What came of a call. `outcome` is "ok" with `content`, the parsed JSON; otherwise the cause, and no content."""

    outcome: str
    latency_ms: int
    content: object = None
    response: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class Model:
    """The configured model. Made once an app; connects at the first call, in the process that calls."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.name = settings.upsell_model
        self._free = threading.BoundedSemaphore(IN_FLIGHT)
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client: AsyncOpenAI | None = None

    def ask(self, messages: list[dict[str, str]], response_format: dict[str, Any]) -> Answer:
        """Ask and wait, at most `UPSELL_TIMEOUT` seconds. Never raises: whatever goes wrong is an outcome."""
        if not self._free.acquire(blocking=False):
            return Answer("busy", 0)
        start = time.monotonic()

        def answer(outcome: str, **rest: Any) -> Answer:
            return Answer(outcome, round((time.monotonic() - start) * 1000), **rest)

        try:
            self._start()
            limit = self.settings.upsell_timeout
            exchange = asyncio.run_coroutine_threadsafe(self._exchange(messages, response_format, limit), self._running())
            try:
                completion = exchange.result(limit + 0.2)
            finally:
                exchange.cancel()
            return read(completion, answer)
        except (TimeoutError, FutureTimeout):
            return answer("timeout")
        except Exception as fault:  # the model must never cost a sale, whatever its server or the SDK does
            return answer(cause(fault), response=str(fault)[:500])
        finally:
            self._free.release()

    def _running(self) -> asyncio.AbstractEventLoop:
        assert self._loop is not None
        return self._loop

    def _start(self) -> None:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="upsell-model", daemon=True).start()
                self._client = connect(self.settings)

    async def _exchange(self, messages: Any, response_format: Any, limit: float) -> Any:
        assert self._client is not None
        async with asyncio.timeout(limit):
            return await self._client.chat.completions.create(
                model=self.name,
                messages=messages,
                response_format=response_format,
                max_completion_tokens=LONGEST_TOKENS,
            )


class TooLarge(Exception):
    """The server sent more than an answer can be."""


def connect(settings: Settings) -> "AsyncOpenAI":
    import httpx2
    from openai import AsyncOpenAI

    class Limited(httpx2.AsyncHTTPTransport):
        """Stops reading a response, good or bad, after `LARGEST_ANSWER` bytes."""

        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            response = await super().handle_async_request(request)
            response.stream = Counted(response.stream)
            return response

    class Counted(httpx2.AsyncByteStream):
        def __init__(self, stream: Any) -> None:
            self.stream = stream

        async def __aiter__(self) -> AsyncIterator[bytes]:
            seen = 0
            async for part in self.stream:
                seen += len(part)
                if seen > LARGEST_ANSWER:
                    raise TooLarge
                yield part

        async def aclose(self) -> None:
            await self.stream.aclose()

    return AsyncOpenAI(
        api_key=settings.openai_api_key or "none",
        base_url=settings.openai_base_url,
        timeout=settings.upsell_timeout,
        max_retries=0,
        default_headers={"Accept-Encoding": "identity"},
        http_client=httpx2.AsyncClient(transport=Limited(), follow_redirects=False, trust_env=False),
    )


def read(completion: Any, answer: Any) -> Answer:
    """The parsed content of a completion, or the cause why it has none."""
    usage = getattr(completion, "usage", None)
    tokens = {
        "prompt_tokens": whole(getattr(usage, "prompt_tokens", None)),
        "completion_tokens": whole(getattr(usage, "completion_tokens", None)),
    }
    choices = getattr(completion, "choices", None)
    message = getattr(choices[0], "message", None) if isinstance(choices, list) and choices else None
    text = getattr(message, "content", None)
    if getattr(message, "refusal", None):
        return answer("refused", response=str(message.refusal)[:4000], **tokens)  # type: ignore[union-attr]
    if not isinstance(text, str) or not text.strip():
        return answer("empty", **tokens)
    if choices[0].finish_reason == "length":
        return answer("truncated", response=text, **tokens)
    try:
        return answer("ok", content=json.loads(text), response=text, **tokens)
    except ValueError:
        return answer("not json", response=text, **tokens)


def whole(value: object) -> int | None:
    return value if isinstance(value, int) and 0 <= value < 2**31 else None


def cause(fault: Exception) -> str:
    """A short word for what went wrong."""
    status = getattr(fault, "status_code", None)
    if status:
        return f"http {status}"
    if isinstance(fault.__cause__, TooLarge) or isinstance(fault, TooLarge):
        return "too large"
    name = type(fault).__name__
    return {"APITimeoutError": "timeout", "APIConnectionError": "no connection"}.get(name, "bad answer")
