"""What a model's server takes of what the shop would send. It is found out by asking: who refuses a parameter is asked
again without it, and what worked is remembered for a while.

OpenAI's own API takes everything. Others refuse strict schemas (DeepSeek, older llama.cpp), JSON mode (LM Studio),
`max_completion_tokens` (Mistral, vLLM before 0.6.4), or a system message (templates of Gemma), with a 400, a 422 or,
older llama.cpp, a 500.
"""

import logging
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

REMEMBERED_SECONDS = 3600.0
"""How long a server is asked without what it refused; it may have been updated since."""
NO_GUESS_SECONDS = 300.0
"""How long nothing is left out on suspicion after that was of no use."""
FORMATS = ("json_schema", "json_object", None)
LIMITS = ("max_completion_tokens", "max_tokens", None)
"""From the best to nothing at all."""
REFUSALS, UNNAMED_REFUSALS = (400, 404, 415, 422, 500, 501), (400, 422)
"""Statuses with which a server refuses a parameter that it names, or that it doesn't name."""
NAMES_FORMAT = re.compile(r"response.?format|json.?schema|json.?object|json.?mode|structured|grammar|guided|schema")
NAMES_SYSTEM = re.compile(r"system (?:role|message|prompt|instruction)|developer instruction|roles (?:must|are)")
ABOUT_CONTENT = re.compile(r"context (?:length|size|window)|content.?(?:filter|management|policy)|prompt is too long")
"""What is wrong is in this question, and not what the server is able to do."""
log = logging.getLogger("storefront.upsell")


@dataclass(frozen=True)
class Features:
    response_format: str | None = FORMATS[0]
    token_limit: str | None = LIMITS[0]
    system_message: bool = True

    def request(
        self, messages: Sequence[dict[str, str]], response_format: dict[str, Any], max_tokens: int
    ) -> dict[str, Any]:
        """The arguments of a request that uses these only."""
        asked: dict[str, Any] = {"messages": list(messages)}
        if not self.system_message:
            text = "\n\n".join(message["content"] for message in messages)
            asked["messages"] = [{"role": "user", "content": text}]
        if self.response_format:
            whole = self.response_format == FORMATS[0]
            asked["response_format"] = response_format if whole else {"type": self.response_format}
        if self.token_limit:
            asked[self.token_limit] = max_tokens
        return asked

    def without_named(self, said: str) -> "Features | None":
        """These without what an error message names; None when it names none of them."""
        said = said.lower()
        if ABOUT_CONTENT.search(said):
            return None
        if self.system_message and NAMES_SYSTEM.search(said):
            return replace(self, system_message=False)
        if self.token_limit and self.token_limit in said:
            return replace(self, token_limit=after(LIMITS, self.token_limit))
        if self.response_format and NAMES_FORMAT.search(said):
            return replace(self, response_format=after(FORMATS, self.response_format))
        return None

    def without_next(self, said: str) -> "Features | None":
        """These without what servers lack most often; None when the message says that something else is wrong."""
        if ABOUT_CONTENT.search(said.lower()):
            return None
        if self.response_format:
            return replace(self, response_format=after(FORMATS, self.response_format))
        if self.token_limit:
            return replace(self, token_limit=after(LIMITS, self.token_limit))
        return None


def after(steps: Sequence[str | None], step: str) -> str | None:
    return steps[steps.index(step) + 1]


class KnownFeatures:
    """What is known of one server and model in this process. Used in the thread of the model's event loop only."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known = Features()
        self._forgotten_at = 0.0
        self._worked: set[Features] = set()
        self._no_guess_until = 0.0

    @property
    def known(self) -> Features:
        if self._known != Features() and self._clock() >= self._forgotten_at:
            self._known = Features()
            self._worked.clear()
        return self._known

    def after_refusal(self, tried: Features, status: int | None, said: str) -> Features | None:
        """With what to ask again, when a server has answered so to a request with what was `tried`; None when it
        refused something else. What has worked before isn't left out on suspicion."""
        if status not in REFUSALS:
            return None
        if less := tried.without_named(said):
            self._remember(less)
            return less
        may_guess = status in UNNAMED_REFUSALS and tried not in self._worked and self._clock() >= self._no_guess_until
        less = tried.without_next(said) if may_guess else None
        if may_guess and not less and tried != self.known:
            self._no_guess_until = self._clock() + NO_GUESS_SECONDS
        return less

    def works(self, tried: Features) -> None:
        self._worked.add(tried)
        if tried != self.known:
            self._remember(tried)

    def _remember(self, less: Features) -> None:
        log.info("the model's server is asked without what it refuses: %s", less)
        self._known, self._forgotten_at = less, self._clock() + REMEMBERED_SECONDS
