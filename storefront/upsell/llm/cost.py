"""The use of a model's call: tokens, and their price in millionths of UPSELL_CURRENCY."""

import json
import math
from typing import Any, NamedTuple

from storefront.config_values import TokenPrices
from storefront.upsell.llm.client import LlmClient, LlmResponse

BYTES_PER_TOKEN = 4
"""An estimate for servers that don't count tokens. In bytes, because a Japanese character is about one token."""


class Use(NamedTuple):
    """`cost_micros` is None without a price."""

    prompt_tokens: int
    completion_tokens: int
    cost_micros: int | None

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


def estimate_tokens(text: str) -> int:
    return math.ceil(len(text.encode(errors="replace")) / BYTES_PER_TOKEN)


def priced(prompt_tokens: int, completion_tokens: int, rates: TokenPrices | None) -> Use:
    cost_micros = math.ceil(rates.prompt * prompt_tokens + rates.completion * completion_tokens) if rates else None
    return Use(prompt_tokens, completion_tokens, cost_micros)


def actual_use(answer: LlmResponse, prompt: str, rates: TokenPrices | None) -> Use:
    """What a call has used, estimated by length where the server didn't count it. A call that failed without an answer
    counts its prompt, because the server may have read it; one that was refused with an error status counts nothing,
    because providers don't charge for it."""
    if answer.was_refused:
        return priced(0, 0, rates)
    prompt_tokens = estimate_tokens(prompt) if answer.prompt_tokens is None else answer.prompt_tokens
    completion_tokens = (
        estimate_tokens(answer.response) if answer.completion_tokens is None else answer.completion_tokens
    )
    return priced(prompt_tokens, completion_tokens, rates)


def max_use(model: LlmClient, prompt: str, response_format: dict[str, Any]) -> Use:
    """The most that a call can use: the estimate of its prompt and its schema, which some servers count, and the limit
    of its answer."""
    return priced(estimate_tokens(prompt) + estimate_tokens(json.dumps(response_format)), model.max_tokens, model.rates)
