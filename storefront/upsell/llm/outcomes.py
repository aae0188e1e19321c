"""What a call of the language model came to."""

from enum import StrEnum

HTTP_PREFIX = "http_"


class LlmOutcome(StrEnum):
    """Stored in the call log and counted in the metrics, beside `http_429` and the like: see `http_outcome`."""

    OK = "ok"
    REFUSED = "refused"
    """The model declined to answer."""
    EMPTY = "empty"
    TRUNCATED = "truncated"
    """The answer was cut off at its token limit, and is no JSON therefore."""
    INVALID_JSON = "invalid_json"
    INVALID_RESPONSE = "invalid_response"
    """The server sent what the SDK can't read."""
    RESPONSE_TOO_LARGE = "response_too_large"
    TIMEOUT = "timeout"
    CONNECTION_ERROR = "connection_error"
    CONCURRENCY_LIMITED = "concurrency_limited"
    """Not called: too many calls are in flight."""
    CIRCUIT_OPEN = "circuit_open"
    """Not called: the model has failed too often just now."""
    CLIENT_CLOSED = "client_closed"
    """Not called: the process is about to end."""
    SHUTTING_DOWN = "shutting_down"
    """Running when the process ended. It may have to be paid for."""


RESPONDED = frozenset(
    {LlmOutcome.OK, LlmOutcome.REFUSED, LlmOutcome.EMPTY, LlmOutcome.TRUNCATED, LlmOutcome.INVALID_JSON}
)
"""Outcomes that show that the server is alive, whatever its answer is worth."""
NOT_CALLED = frozenset({LlmOutcome.CONCURRENCY_LIMITED, LlmOutcome.CIRCUIT_OPEN, LlmOutcome.CLIENT_CLOSED})


def http_outcome(status: int) -> str:
    """The outcome of a call that the server answered with an error status, such as `http_429`."""
    return f"{HTTP_PREFIX}{status}"
