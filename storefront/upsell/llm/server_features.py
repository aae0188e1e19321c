"""The API features that a model's server supports. They are found by trying: after a refusal the request is sent again
without the refused parameter, and what worked is cached for a while.

OpenAI's own API supports everything. Others refuse strict schemas (DeepSeek, older llama.cpp), JSON mode (LM Studio),
`max_completion_tokens` (Mistral, vLLM before 0.6.4), or a system message (templates of Gemma), with a 400, a 422 or,
older llama.cpp, a 500.
"""

import logging
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

CACHE_SECONDS = 3600.0
"""Time for which a refused feature isn't tried again; the server may have been updated since."""
NO_GUESS_SECONDS = 300.0
"""Time without guesses after a guess that didn't help."""
FORMATS = ("json_schema", "json_object", None)
LIMITS = ("max_completion_tokens", "max_tokens", None)
"""From the best to none."""
REFUSALS, UNNAMED_REFUSALS = (400, 404, 415, 422, 500, 501), (400, 422)
"""Statuses with which a server refuses a parameter that it names, or one that it doesn't name."""
NAMES_FORMAT = re.compile(r"response.?format|json.?schema|json.?object|json.?mode|structured|grammar|guided|schema")
NAMES_SYSTEM = re.compile(r"system (?:role|message|prompt|instruction)|developer instruction|roles (?:must|are)")
ABOUT_CONTENT = re.compile(r"context (?:length|size|window)|content.?(?:filter|management|policy)|prompt is too long")
"""Such an error is about this request, not about the server's features."""
log = logging.getLogger("storefront.upsell")


@dataclass(frozen=True)
class Features:
    response_format: str | None = FORMATS[0]
    token_limit: str | None = LIMITS[0]
    system_message: bool = True

    def request(
        self, messages: Sequence[dict[str, str]], response_format: dict[str, Any], max_tokens: int
    ) -> dict[str, Any]:
        """The arguments of a request that uses these features only."""
        arguments: dict[str, Any] = {"messages": list(messages)}
        if not self.system_message:
            text = "\n\n".join(message["content"] for message in messages)
            arguments["messages"] = [{"role": "user", "content": text}]
        if self.response_format:
            is_schema = self.response_format == FORMATS[0]
            arguments["response_format"] = response_format if is_schema else {"type": self.response_format}
        if self.token_limit:
            arguments[self.token_limit] = max_tokens
        return arguments

    def without_named(self, message: str) -> "Features | None":
        """The features without the one that an error message names; None when it names none."""
        message = message.lower()
        if ABOUT_CONTENT.search(message):
            return None
        if self.system_message and NAMES_SYSTEM.search(message):
            return replace(self, system_message=False)
        if self.token_limit and self.token_limit in message:
            return replace(self, token_limit=after(LIMITS, self.token_limit))
        if self.response_format and NAMES_FORMAT.search(message):
            return replace(self, response_format=after(FORMATS, self.response_format))
        return None

    def without_next(self, message: str) -> "Features | None":
        """The features without the one that servers lack most often; None when the error is about something else."""
        if ABOUT_CONTENT.search(message.lower()):
            return None
        if self.response_format:
            return replace(self, response_format=after(FORMATS, self.response_format))
        if self.token_limit:
            return replace(self, token_limit=after(LIMITS, self.token_limit))
        return None


def after(steps: Sequence[str | None], step: str) -> str | None:
    return steps[steps.index(step) + 1]


class KnownFeatures:
    """The known features of one server and model in this process. Used in the thread of the model's event loop only."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known = Features()
        self._expires_at = 0.0
        self._worked: set[Features] = set()
        self._no_guess_until = 0.0

    @property
    def known(self) -> Features:
        if self._known != Features() and self._clock() >= self._expires_at:
            self._known = Features()
            self._worked.clear()
        return self._known

    def after_refusal(self, tried: Features, status: int | None, message: str) -> Features | None:
        """The features for another try after this error, when `tried` were requested; None when the error has another
        cause. Features that have worked before aren't left out by guessing."""
        if status not in REFUSALS:
            return None
        if reduced := tried.without_named(message):
            self._cache(reduced)
            return reduced
        may_guess = status in UNNAMED_REFUSALS and tried not in self._worked and self._clock() >= self._no_guess_until
        reduced = tried.without_next(message) if may_guess else None
        if may_guess and not reduced and tried != self.known:
            self._no_guess_until = self._clock() + NO_GUESS_SECONDS
        return reduced

    def works(self, tried: Features) -> None:
        self._worked.add(tried)
        if tried != self.known:
            self._cache(tried)

    def _cache(self, reduced: Features) -> None:
        log.info("requests to the model's server use the features %s", reduced)
        self._known, self._expires_at = reduced, self._clock() + CACHE_SECONDS
