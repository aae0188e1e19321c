"""The client of the language model: one call within a wall-clock deadline over the whole exchange.

The call runs in an event loop of its own thread, because only there a deadline ends everything: connecting, headers
that drip in byte by byte, and a body that never ends. The openai SDK costs 26 MB and a second to import, so it is
imported at the first call.
"""

import asyncio
import json
import threading
import time
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from storefront.circuit_breaker import CircuitBreaker
from storefront.config import Settings
from storefront.config_values import TokenPrices
from storefront.observability.redaction import redact
from storefront.upsell.llm.answer_reader import ResponseTooLarge, parse_completion
from storefront.upsell.llm.outcomes import HTTP_PREFIX, NOT_CALLED, RESPONDED, LlmOutcome, http_outcome
from storefront.upsell.llm.server_features import Features, KnownFeatures

if TYPE_CHECKING:
    from openai import AsyncOpenAI

OPENAI = "https://api.openai.com/v1"
MAX_COMPLETION_TOKENS = 600
MAX_ERROR_KEPT = 500
"""Characters of an error message that the call log keeps."""
CLOSE_SECONDS = 0.5
"""Seconds that the end of a process waits for the connections to the model's server."""


@dataclass(frozen=True)
class LlmResponse:
    """The result of a call. `outcome` is `LlmOutcome.OK` with `content`, the parsed JSON; otherwise the cause, without
    content."""

    outcome: str
    latency_ms: int = 0
    content: object = None
    response: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None

    @property
    def was_billable(self) -> bool:
        """Whether a request was sent, so that it may have to be paid for."""
        return self.outcome not in NOT_CALLED

    @property
    def was_refused(self) -> bool:
        """Whether the server answered with an error status, which no provider charges for."""
        return self.outcome.startswith(HTTP_PREFIX)


@dataclass(frozen=True)
class ClientRuntime:
    """A process's event loop in a thread of its own, and the SDK's client that belongs to it."""

    loop: asyncio.AbstractEventLoop
    thread: threading.Thread
    client: "AsyncOpenAI"


class LlmClient:
    """The configured model. Made once per app; connects at the first call, in the process that calls. Background calls
    may have a longer `timeout` and more tokens of an answer (`max_tokens`)."""

    def __init__(
        self, settings: Settings, timeout: float | None = None, max_tokens: int = MAX_COMPLETION_TOKENS
    ) -> None:
        self.settings = settings
        self.timeout = timeout or settings.upsell_timeout
        self.max_tokens = max_tokens
        self.name = settings.upsell_model
        self.breaker = CircuitBreaker()
        self.features = KnownFeatures()
        self._free = threading.BoundedSemaphore(settings.upsell_in_flight)
        self._lock = threading.Lock()
        self._runtime: ClientRuntime | None = None
        self.is_closed = False

    def complete(self, messages: list[dict[str, str]], response_format: dict[str, Any]) -> "Future[LlmResponse]":
        """Send a request without waiting for its response. The future has a result after `timeout` seconds at the
        latest, and at once when the call isn't made. It never raises: every error is an outcome."""
        if self.is_closed:
            return completed_future(LlmResponse(LlmOutcome.CLIENT_CLOSED))
        if not self._free.acquire(blocking=False):
            return completed_future(LlmResponse(LlmOutcome.CONCURRENCY_LIMITED))
        if not self.breaker.allow_request():
            self._free.release()
            return completed_future(LlmResponse(LlmOutcome.CIRCUIT_OPEN))
        try:
            runtime = self._start_runtime()
        except Exception as error:  # noqa: BLE001 - an address or a key that the SDK won't take
            self._free.release()
            self.breaker.record(success=False)
            return completed_future(LlmResponse(error_code(error), response=logged_error(error)))
        future = asyncio.run_coroutine_threadsafe(self._call(runtime.client, messages, response_format), runtime.loop)
        future.add_done_callback(lambda _: self._free.release())
        return future

    @property
    def rates(self) -> TokenPrices | None:
        """The model's prices; None when UPSELL_PRICES doesn't have any."""
        return self.settings.upsell_prices.get(self.name)

    @property
    def is_busy(self) -> bool:
        """Whether the maximum of calls is in flight at this moment."""
        free = self._free.acquire(blocking=False)
        if free:
            self._free.release()
        return not free

    async def _call(self, client: "AsyncOpenAI", messages: Any, response_format: Any) -> LlmResponse:
        start = time.monotonic()
        tries: list[Features] = []
        try:
            async with asyncio.timeout(self.timeout):
                completion = await self._complete(client, messages, response_format, tries)
            found = parse_completion(completion)
        except TimeoutError:
            found = {"outcome": LlmOutcome.TIMEOUT}
        except asyncio.CancelledError:
            found = {"outcome": LlmOutcome.SHUTTING_DOWN}
        except Exception as error:  # noqa: BLE001 - whatever its server or the SDK does, it must not cost a sale
            found = {"outcome": error_code(error), "response": logged_error(error)}
        self._count(found["outcome"], tries)
        return LlmResponse(latency_ms=round((time.monotonic() - start) * 1000), **found)

    async def _complete(self, client: "AsyncOpenAI", messages: Any, response_format: Any, tries: list[Features]) -> Any:
        """Send the request, and again without the features that the server refuses, all within the caller's deadline.
        `tries` collects the features of each request."""
        features: Features | None = self.features.known
        while features:
            tries.append(features)
            try:
                completion = await complete(
                    client, self.name, features.request(messages, response_format, self.max_tokens)
                )
            except Exception as error:
                status = getattr(error, "status_code", None)
                features = self.features.after_refusal(features, status, error_text(error))
                if features is None:
                    raise
            else:
                self.features.works(features)
                return completion
        raise AssertionError("a refusal is raised or answered by another try")

    def _count(self, outcome: str, tries: list[Features]) -> None:
        """Report the outcome to the circuit breaker, unless the call was spent on finding out the server's features, or
        was ended here."""
        if outcome in RESPONDED:
            self.breaker.record(True)
        elif len(tries) > 1 or outcome == LlmOutcome.SHUTTING_DOWN:
            self.breaker.release()
        else:
            self.breaker.record(False)

    def _start_runtime(self) -> "ClientRuntime":
        """The loop and the client of this process, started if necessary."""
        with self._lock:
            if self._runtime is None:
                loop = asyncio.new_event_loop()
                thread = threading.Thread(target=loop.run_forever, name="upsell-model", daemon=True)
                thread.start()
                self._runtime = ClientRuntime(loop, thread, connect(self.settings, self.timeout))
            return self._runtime

    def close(self) -> None:
        """Close the connections and end the loop's thread, if there is one; running calls end as
        `LlmOutcome.SHUTTING_DOWN`. Takes about `CLOSE_SECONDS` at most, whatever the server does."""
        with self._lock:
            runtime, self._runtime, self.is_closed = self._runtime, None, True
        if runtime is None:
            return
        closing = asyncio.run_coroutine_threadsafe(shutdown(runtime.client), runtime.loop)
        with suppress(FutureTimeout):
            closing.result(CLOSE_SECONDS)
        runtime.loop.call_soon_threadsafe(runtime.loop.stop)
        runtime.thread.join(CLOSE_SECONDS)
        if not runtime.thread.is_alive():
            runtime.loop.close()


async def complete(client: "AsyncOpenAI", model: str, request: dict[str, Any]) -> Any:
    return await client.chat.completions.create(model=model, **request)


async def shutdown(client: "AsyncOpenAI") -> None:
    """End the running calls, each with an outcome, and close the connections."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.wait(others, timeout=CLOSE_SECONDS / 2) if others else None
    with suppress(TimeoutError):
        await asyncio.wait_for(client.close(), CLOSE_SECONDS / 2)


def answer_of(future: "Future[LlmResponse]") -> LlmResponse:
    """The result of a call; `LlmOutcome.SHUTTING_DOWN` if it isn't done."""
    if future.cancelled():
        return LlmResponse(LlmOutcome.CLIENT_CLOSED)  # before it was sent
    return future.result() if future.done() else LlmResponse(LlmOutcome.SHUTTING_DOWN)


def completed_future(answer: LlmResponse) -> "Future[LlmResponse]":
    future: Future[LlmResponse] = Future()
    future.set_result(answer)
    return future


def connect(settings: Settings, timeout: float) -> "AsyncOpenAI":
    import httpx2  # noqa: PLC0415
    from openai import AsyncOpenAI  # noqa: PLC0415

    from storefront.upsell.llm.http_transport import LimitedTransport  # noqa: PLC0415

    return AsyncOpenAI(
        api_key=settings.openai_api_key or "none",
        base_url=settings.openai_base_url or OPENAI,
        timeout=timeout,
        max_retries=0,
        default_headers={"Accept-Encoding": "identity"},
        http_client=httpx2.AsyncClient(transport=LimitedTransport(), follow_redirects=False, trust_env=False),
    )


def warm_up() -> None:
    """Import all modules of a call, and make one with a mocked response. Workers that are forked afterwards share the
    memory, and no order waits for the half second that this takes."""
    import anyio  # noqa: PLC0415
    import httpx2  # noqa: PLC0415
    from openai import AsyncOpenAI  # noqa: PLC0415

    from storefront.upsell.llm.http_transport import default_ssl_context  # noqa: PLC0415

    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "{}"}}
    completion = {"id": "0", "object": "chat.completion", "created": 0, "model": "none", "choices": [choice]}
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, json=completion))

    async def call_once() -> None:
        mock_client = httpx2.AsyncClient(transport=transport)
        async with AsyncOpenAI(api_key="none", base_url=OPENAI, http_client=mock_client) as client:
            request = Features().request([{"role": "user", "content": "?"}], {"type": "json_object"}, 1)
            await complete(client, "none", request)
        await anyio.sleep(0)  # makes anyio import its asyncio backend

    default_ssl_context()
    asyncio.run(call_once())


def error_text(error: Exception) -> str:
    """The text of an error. For a server's error it is the whole body: the SDK's message omits parts where some servers
    say what is wrong."""
    status, body = getattr(error, "status_code", None), getattr(error, "body", None)
    if status is None or body is None:
        return str(error)
    return f"Error code: {status} - {body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)}"


def logged_error(error: Exception) -> str:
    """The error's text for the call log, redacted because a provider may repeat the key that it was sent."""
    return redact(error_text(error))[:MAX_ERROR_KEPT]


def error_code(error: Exception) -> str:
    """The outcome that names the error."""
    status = getattr(error, "status_code", None)
    if status:
        return http_outcome(status)
    if isinstance(error.__cause__, ResponseTooLarge) or isinstance(error, ResponseTooLarge):
        return LlmOutcome.RESPONSE_TOO_LARGE
    by_name = {"APITimeoutError": LlmOutcome.TIMEOUT, "APIConnectionError": LlmOutcome.CONNECTION_ERROR}
    return by_name.get(type(error).__name__, LlmOutcome.INVALID_RESPONSE)
