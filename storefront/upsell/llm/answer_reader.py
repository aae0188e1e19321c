"""Parses a chat completion: the JSON object in it, or the cause why there is none.

A server with strict schemas returns the object alone. Others put it into a code fence, write a sentence around it or
their reasoning before it. The object's content is checked elsewhere, in the same way for all servers.
"""

import json
import re
from typing import Any

from storefront.observability.redaction import redact
from storefront.outside_json import check_levels, read_json
from storefront.upsell.llm.outcomes import LlmOutcome

MAX_LOGGED_RESPONSE_LENGTH = 4000
"""Characters of a response that the call log keeps."""
REASONING_END = re.compile(r"</(?:think|thinking|thought|reasoning|seed:think)>", re.IGNORECASE)
REASONING_START = re.compile(r"\s*<(?:think|thinking|thought|reasoning|seed:think)>", re.IGNORECASE)
OBJECT_START = re.compile(r'\{\s*["}]')
"""A brace in a sentence doesn't match."""


class ResponseTooLarge(Exception):
    """The response exceeds the size limit."""


def parse_completion(completion: Any) -> dict[str, Any]:
    """The fields of an `LlmResponse` without its latency: the parsed content of a completion, or the cause why it has
    none. Secrets of this process that the server repeated are redacted."""
    usage = getattr(completion, "usage", None)
    tokens = {
        "prompt_tokens": token_count(getattr(usage, "prompt_tokens", None)),
        "completion_tokens": token_count(getattr(usage, "completion_tokens", None)),
    }
    choices = getattr(completion, "choices", None)
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = getattr(choice, "message", None)
    text, refusal = getattr(message, "content", None), getattr(message, "refusal", None)
    if refusal:
        return {"outcome": LlmOutcome.REFUSED, "response": redact(str(refusal))[:MAX_LOGGED_RESPONSE_LENGTH], **tokens}
    if not isinstance(text, str) or not text.strip():
        return {"outcome": LlmOutcome.EMPTY, **tokens}
    kept = {"response": redact(text)[:MAX_LOGGED_RESPONSE_LENGTH], **tokens}
    cut_off = getattr(choice, "finish_reason", None) == "length"
    try:
        found = json_in(text)
    except ValueError:
        return {"outcome": LlmOutcome.TRUNCATED if cut_off else LlmOutcome.INVALID_JSON, **kept}
    return {"outcome": LlmOutcome.OK, "content": without_secrets(found), **kept}


def json_in(text: str) -> object:
    """The JSON value of the text, or the first JSON object in it. Raises `ValueError` when there is none."""
    text = text.removeprefix("\ufeff")
    ends = [*REASONING_END.finditer(text)]
    if ends:
        text = text[ends[-1].end() :]  # templates put the opening tag into the prompt
    elif REASONING_START.match(text):
        raise ValueError("the reasoning has no end")
    try:
        return read_json(text)
    except ValueError:
        start = OBJECT_START.search(text)
        if start is None:
            raise
    try:
        found = json.JSONDecoder().raw_decode(text, start.start())[0]
    except RecursionError:
        raise ValueError("nested too deeply") from None
    check_levels(found)
    return found


def without_secrets(content: object) -> object:
    text = json.dumps(content, ensure_ascii=False)
    clean = redact(text)
    return content if clean == text else json.loads(clean)


def token_count(value: object) -> int | None:
    return value if isinstance(value, int) and 0 <= value < 2**31 else None
