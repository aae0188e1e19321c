"""The circuit breaker opens after repeated failures and closes after a successful probe."""

from collections.abc import Callable

import pytest
from flask import Flask

from storefront.circuit_breaker import (
    FAILURE_THRESHOLD,
    MAX_RESET_TIMEOUT_SECONDS,
    RESET_TIMEOUT_SECONDS,
    CircuitBreaker,
)
from storefront.state import state_of
from tests.concurrency import at_once
from tests.conftest import Person
from tests.upsell import model_server as server
from tests.upsell.conftest import CARTS, stored_calls, stored_impressions
from tests.upsell.llm.conftest import Clock
from tests.upsell.model_server import ModelServer


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker(clock)


def record_failures(breaker: CircuitBreaker, count: int) -> None:
    for _ in range(count):
        assert breaker.allow_request()
        breaker.record(False)


def test_it_opens_after_five_failures_in_a_row(breaker: CircuitBreaker) -> None:
    record_failures(breaker, FAILURE_THRESHOLD - 1)
    assert not breaker.open
    assert breaker.allow_request()
    breaker.record(False)
    assert breaker.open
    assert not breaker.allow_request()


def test_a_success_resets_the_failure_count(breaker: CircuitBreaker) -> None:
    for _ in range(5):
        record_failures(breaker, FAILURE_THRESHOLD - 1)
        breaker.record(True)
    assert breaker.allow_request()


def test_one_call_probes_after_the_reset_timeout(breaker: CircuitBreaker, clock: Clock) -> None:
    record_failures(breaker, FAILURE_THRESHOLD)
    clock.time += RESET_TIMEOUT_SECONDS - 0.1
    assert not breaker.allow_request()
    clock.time += 0.2
    assert not breaker.open
    assert at_once([breaker.allow_request] * 8).count(True) == 1
    assert breaker.open, "other calls are rejected until the probe ends"
    breaker.record(True)
    assert all(breaker.allow_request() for _ in range(10)), "the circuit is closed again"


def test_each_failed_probe_doubles_the_reset_timeout_up_to_the_maximum(breaker: CircuitBreaker, clock: Clock) -> None:
    record_failures(breaker, FAILURE_THRESHOLD)
    timeouts = []
    for _ in range(6):
        start = clock.time
        while not breaker.allow_request():
            clock.time += 1
        breaker.record(False)
        timeouts.append(clock.time - start)
    assert timeouts == [
        RESET_TIMEOUT_SECONDS,
        2 * RESET_TIMEOUT_SECONDS,
        4 * RESET_TIMEOUT_SECONDS,
        8 * RESET_TIMEOUT_SECONDS,
        MAX_RESET_TIMEOUT_SECONDS,
        MAX_RESET_TIMEOUT_SECONDS,
    ]


def test_a_success_restores_the_initial_reset_timeout(breaker: CircuitBreaker, clock: Clock) -> None:
    record_failures(breaker, FAILURE_THRESHOLD)
    clock.time += RESET_TIMEOUT_SECONDS
    record_failures(breaker, 1)
    clock.time += 2 * RESET_TIMEOUT_SECONDS
    assert breaker.allow_request()
    breaker.record(True)
    record_failures(breaker, FAILURE_THRESHOLD)
    clock.time += RESET_TIMEOUT_SECONDS
    assert breaker.allow_request()


def test_failures_of_calls_started_before_it_opened_do_not_extend_the_reset_timeout(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    """Up to sixteen calls are in flight and may fail together."""
    assert all(breaker.allow_request() for _ in range(16))
    for _ in range(16):
        breaker.record(False)
    clock.time += RESET_TIMEOUT_SECONDS
    assert breaker.allow_request()


def suggestion_source(app: Flask, cart: dict[str, int]) -> str:
    """Get suggestions for a new cart and return their source."""
    person = Person(app.test_client(), "north")
    answer = person.api("GET", f"/carts/{person.cart(**cart)}/upsell")
    assert answer.json["suggestions"]
    return str(answer.json["source"])


def test_no_calls_are_made_while_open_and_calls_resume_after_the_reset_timeout(
    make_llm_app: Callable[..., Flask], model: ModelServer, clock: Clock
) -> None:
    app = make_llm_app()
    state_of(app).llm_reranker.model.breaker = CircuitBreaker(clock)
    model.behave = server.fails(500)
    for cart in CARTS[: FAILURE_THRESHOLD + 2]:
        assert suggestion_source(app, cart) == "rules"
    assert len(model.requests) == FAILURE_THRESHOLD
    assert [row.decision for row in stored_impressions(app)] == ["failed"] * FAILURE_THRESHOLD + ["circuit_open"] * 2
    assert len(stored_calls(app)) == FAILURE_THRESHOLD, "a rejected request stores no call"
    model.behave = server.good
    assert suggestion_source(app, CARTS[-1]) == "rules"
    clock.time += RESET_TIMEOUT_SECONDS
    assert suggestion_source(app, CARTS[-1]) == "llm"
    assert suggestion_source(app, CARTS[-2]) == "llm"


def test_unusable_answers_do_not_open_the_circuit(make_llm_app: Callable[..., Flask], model: ModelServer) -> None:
    """The server works, and a product text that steers the model must not disable it for all shoppers."""
    app = make_llm_app()
    model.behave = server.answers_with("Sure! I would suggest the pot.")
    for cart in CARTS[: FAILURE_THRESHOLD + 2]:
        assert suggestion_source(app, cart) == "rules"
    assert len(model.requests) == FAILURE_THRESHOLD + 2


def test_cached_answers_are_used_while_open(make_llm_app: Callable[..., Flask], model: ModelServer) -> None:
    app = make_llm_app()
    assert suggestion_source(app, CARTS[0]) == "llm"
    model.behave = server.fails(500)
    for cart in CARTS[1 : FAILURE_THRESHOLD + 1]:
        suggestion_source(app, cart)
    assert state_of(app).llm_reranker.model.breaker.open
    assert suggestion_source(app, CARTS[0]) == "llm"
