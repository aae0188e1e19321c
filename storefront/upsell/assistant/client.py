"""One call of a language model, within a wall-clock deadline over the whole exchange.

The call runs in an event loop of its own thread, because only there a deadline ends everything: connecting, headers
that drip in byte by byte, and a body that never ends. The openai SDK costs 26 MB and a second to import, so it is
imported at the first call.
"""

import asyncio
import json
import math
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from storefront.config import Settings
from storefront.upsell.assistant.breaker import Breaker

if TYPE_CHECKING:
    from openai import AsyncOpenAI

OPENAI = "https://api.openai.com/v1"
ANSWERED = ("ok", "refused", "empty", "truncated", "not json")
"""Outcomes that show the server alive, whatever its answer is worth."""
LONGEST_TOKENS = 600
LONGEST_KEPT = 4000
"""Characters of an answer that the journal keeps."""
SIGNS_A_TOKEN = 4
"""About how many characters make a token, where the server doesn't say how many it counted."""


@dataclass(frozen=True)
class Answer:
    """What came of a call. `outcome` is "ok" with `content`, the parsed JSON; otherwise the cause, and no content."""

    outcome: str
    latency_ms: int = 0
    content: object = None
    response: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None

    @property
    def was_sent(self) -> bool:
        """Whether the server was asked at all, so that it may have to be paid."""
        return self.outcome not in (BUSY, RESTING, STOPPED)


BUSY, RESTING, STOPPED = "busy", "resting", "stopped"
"""Outcomes of calls that were not made: as many are in flight as may be; the model has failed too often just now; the
shop is being shut down."""


@dataclass(frozen=True)
class Running:
    """What a process needs to ask: an event loop in a thread of its own, and the client that belongs to it."""

    loop: asyncio.AbstractEventLoop
    thread: threading.Thread
    client: "AsyncOpenAI"


class Model:
    """The configured model. Made once an app; connects at the first call, in the process that calls. Where nobody waits
    for it, `timeout` and the tokens of an answer may be more than usual."""

    def __init__(self, settings: Settings, timeout: float | None = None, longest: int = LONGEST_TOKENS) -> None:
        self.settings = settings
        self.timeout = timeout or settings.upsell_timeout
        self.longest = longest
        self.name = settings.upsell_model
        self.breaker = Breaker()
        self._free = threading.BoundedSemaphore(settings.upsell_in_flight)
        self._lock = threading.Lock()
        self._began: Running | None = None

    def ask(self, messages: list[dict[str, str]], response_format: dict[str, Any]) -> "Future[Answer]":
        """Ask without waiting. The future has its answer after `timeout` seconds at the latest, and at once when
        the call isn't made. It never raises: whatever goes wrong is an outcome."""
        if not self._free.acquire(blocking=False):
            return settled(Answer(BUSY))
        if not self.breaker.allows():
            self._free.release()
            return settled(Answer(RESTING))
        try:
            running = self._started()
        except Exception as fault:  # noqa: BLE001 - an address or a key that the SDK won't take
            self._free.release()
            self.breaker.count(went_well=False)
            return settled(Answer(cause(fault), response=str(fault)[:500]))
        asked = asyncio.run_coroutine_threadsafe(self._answer(running.client, messages, response_format), running.loop)
        asked.add_done_callback(lambda _: self._free.release())
        return asked

    @property
    def priced(self) -> bool:
        """Whether UPSELL_PRICES names it."""
        return self.name in self.settings.upsell_prices

    @property
    def is_busy(self) -> bool:
        """Whether as many calls are in flight as may be, at this moment."""
        free = self._free.acquire(blocking=False)
        if free:
            self._free.release()
        return not free

    async def _answer(self, client: "AsyncOpenAI", messages: Any, response_format: Any) -> Answer:
        start = time.monotonic()
        try:
            async with asyncio.timeout(self.timeout):
                completion = await complete(client, self.name, messages, response_format, self.longest)
            found = read(completion)
        except TimeoutError:
            found = {"outcome": "timeout"}
        except asyncio.CancelledError:
            return Answer(STOPPED)  # the shop is being shut down
        except Exception as fault:  # noqa: BLE001 - whatever its server or the SDK does, it must not cost a sale
            found = {"outcome": cause(fault), "response": str(fault)[:500]}
        self.breaker.count(found["outcome"] in ANSWERED)
        return Answer(latency_ms=round((time.monotonic() - start) * 1000), **found)

    def cost(self, answer: Answer, prompt: str) -> tuple[int, int, int | None]:
        """The tokens of prompt and completion, estimated by length where the server didn't count them, and what they
        cost in millionths of UPSELL_CURRENCY; None when UPSELL_PRICES doesn't name the model."""
        prompt_tokens = estimated(prompt) if answer.prompt_tokens is None else answer.prompt_tokens
        completion = estimated(answer.response) if answer.completion_tokens is None else answer.completion_tokens
        rates = self.settings.upsell_prices.get(self.name)
        cost = math.ceil(rates.prompt * prompt_tokens + rates.completion * completion) if rates else None
        return prompt_tokens, completion, cost

    def _started(self) -> "Running":
        """The loop and the client of this process, started now if need be."""
        with self._lock:
            if self._began is None:
                loop = asyncio.new_event_loop()
                thread = threading.Thread(target=loop.run_forever, name="upsell-model", daemon=True)
                thread.start()
                self._began = Running(loop, thread, connect(self.settings, self.timeout))
            return self._began

    def close(self) -> None:
        """Hang up and end the loop's thread, if there is one."""
        with self._lock:
            began, self._began = self._began, None
        if began is not None:
            asyncio.run_coroutine_threadsafe(hang_up(began.client), began.loop).result(2)
            began.loop.call_soon_threadsafe(began.loop.stop)
            began.thread.join(1)
            began.loop.close()


async def complete(client: "AsyncOpenAI", model: str, messages: Any, response_format: Any, longest: int) -> Any:
    return await client.chat.completions.create(
        model=model, messages=messages, response_format=response_format, max_completion_tokens=longest
    )


async def hang_up(client: "AsyncOpenAI") -> None:
    """End the calls that are under way, each with an outcome, and close the connections."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await client.close()


def settled(answer: Answer) -> "Future[Answer]":
    future: Future[Answer] = Future()
    future.set_result(answer)
    return future


def estimated(text: str) -> int:
    return math.ceil(len(text) / SIGNS_A_TOKEN)


class TooLarge(Exception):
    """The server sent more than an answer can be."""


def connect(settings: Settings, timeout: float) -> "AsyncOpenAI":
    import httpx2  # noqa: PLC0415
    from openai import AsyncOpenAI  # noqa: PLC0415

    from storefront.upsell.assistant.line import Line  # noqa: PLC0415

    return AsyncOpenAI(
        api_key=settings.openai_api_key or "none",
        base_url=settings.openai_base_url or OPENAI,
        timeout=timeout,
        max_retries=0,
        default_headers={"Accept-Encoding": "identity"},
        http_client=httpx2.AsyncClient(transport=Line(), follow_redirects=False, trust_env=False),
    )


def get_ready() -> None:
    """Import what a call needs, and make one that is answered here. The workers that are forked then share what that
    took (half a second, and tens of megabytes), and no order meets it."""
    import anyio  # noqa: PLC0415
    import httpx2  # noqa: PLC0415
    from openai import AsyncOpenAI  # noqa: PLC0415

    from storefront.upsell.assistant.line import trusted  # noqa: PLC0415

    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "{}"}}
    completion = {"id": "0", "object": "chat.completion", "created": 0, "model": "none", "choices": [choice]}
    here = httpx2.MockTransport(lambda _: httpx2.Response(200, json=completion))

    async def ask() -> None:
        pretended = httpx2.AsyncClient(transport=here)
        async with AsyncOpenAI(api_key="none", base_url=OPENAI, http_client=pretended) as client:
            await complete(client, "none", [{"role": "user", "content": "?"}], {"type": "json_object"}, 1)
        await anyio.sleep(0)  # has it import its part for asyncio

    trusted()
    asyncio.run(ask())


def read(completion: Any) -> dict[str, Any]:
    """The fields of an `Answer` but its latency: the parsed content of a completion, or the cause why it has none."""
    usage = getattr(completion, "usage", None)
    tokens = {
        "prompt_tokens": whole(getattr(usage, "prompt_tokens", None)),
        "completion_tokens": whole(getattr(usage, "completion_tokens", None)),
    }
    choices = getattr(completion, "choices", None)
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = getattr(choice, "message", None)
    text, refusal = getattr(message, "content", None), getattr(message, "refusal", None)
    if refusal:
        return {"outcome": "refused", "response": str(refusal)[:LONGEST_KEPT], **tokens}
    if not isinstance(text, str) or not text.strip():
        return {"outcome": "empty", **tokens}
    if getattr(choice, "finish_reason", None) == "length":
        return {"outcome": "truncated", "response": text[:LONGEST_KEPT], **tokens}
    try:
        return {"outcome": "ok", "content": json.loads(text), "response": text[:LONGEST_KEPT], **tokens}
    except ValueError:
        return {"outcome": "not json", "response": text[:LONGEST_KEPT], **tokens}


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
