"""A model that keeps failing is left alone, then tried with one call at a time until it answers."""

from collections.abc import Callable

import pytest
from flask import Flask

from storefront.state import state_of
from storefront.upsell.llm.circuit_breaker import (
    FAILURE_THRESHOLD,
    MAX_RESET_TIMEOUT_SECONDS,
    RESET_TIMEOUT_SECONDS,
    CircuitBreaker,
)
from tests.concurrency import at_once
from tests.conftest import Person
from tests.upsell import model_server as server
from tests.upsell.conftest import CARTS, calls, showings
from tests.upsell.llm.conftest import Clock
from tests.upsell.model_server import ModelServer


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker(clock)


def fail(breaker: CircuitBreaker, times: int) -> None:
    for _ in range(times):
        assert breaker.allow_request()
        breaker.record(False)


def test_it_opens_after_five_failures_in_a_row(breaker: CircuitBreaker) -> None:
    fail(breaker, FAILURE_THRESHOLD - 1)
    assert not breaker.open
    assert breaker.allow_request()
    breaker.record(False)
    assert breaker.open
    assert not breaker.allow_request()


def test_a_success_in_between_starts_the_count_anew(breaker: CircuitBreaker) -> None:
    for _ in range(5):
        fail(breaker, FAILURE_THRESHOLD - 1)
        breaker.record(True)
    assert breaker.allow_request()


def test_one_call_probes_when_its_rest_is_over(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker, FAILURE_THRESHOLD)
    clock.time += RESET_TIMEOUT_SECONDS - 0.1
    assert not breaker.allow_request()
    clock.time += 0.2
    assert not breaker.open
    assert at_once([breaker.allow_request] * 8).count(True) == 1
    assert breaker.open, "the others wait for what comes of the probe"
    breaker.record(True)
    assert all(breaker.allow_request() for _ in range(10)), "it is closed again"


def test_each_probe_that_fails_doubles_the_rest_up_to_five_minutes(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker, FAILURE_THRESHOLD)
    rests = []
    for _ in range(6):
        start = clock.time
        while not breaker.allow_request():
            clock.time += 1
        breaker.record(False)
        rests.append(clock.time - start)
    assert rests == [
        RESET_TIMEOUT_SECONDS,
        2 * RESET_TIMEOUT_SECONDS,
        4 * RESET_TIMEOUT_SECONDS,
        8 * RESET_TIMEOUT_SECONDS,
        MAX_RESET_TIMEOUT_SECONDS,
        MAX_RESET_TIMEOUT_SECONDS,
    ]


def test_after_a_success_the_rest_is_short_again(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker, FAILURE_THRESHOLD)
    clock.time += RESET_TIMEOUT_SECONDS
    fail(breaker, 1)
    clock.time += 2 * RESET_TIMEOUT_SECONDS
    assert breaker.allow_request()
    breaker.record(True)
    fail(breaker, FAILURE_THRESHOLD)
    clock.time += RESET_TIMEOUT_SECONDS
    assert breaker.allow_request()


def test_calls_that_were_under_way_when_it_opened_do_not_open_it_for_longer(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    """Sixteen may be in flight, and all of them fail at once."""
    assert all(breaker.allow_request() for _ in range(16))
    for _ in range(16):
        breaker.record(False)
    clock.time += RESET_TIMEOUT_SECONDS
    assert breaker.allow_request()


def ask(app: Flask, cart: dict[str, int]) -> str:
    person = Person(app.test_client(), "north")
    answer = person.api("GET", f"/carts/{person.cart(**cart)}/upsell")
    assert answer.json["suggestions"]
    return str(answer.json["source"])


def test_a_shop_whose_model_fails_lets_it_rest_and_finds_it_well_again(
    asking: Callable[..., Flask], model: ModelServer, clock: Clock
) -> None:
    app = asking()
    state_of(app).llm_reranker.model.breaker = CircuitBreaker(clock)
    model.behave = server.fails(500)
    for cart in CARTS[: FAILURE_THRESHOLD + 2]:
        assert ask(app, cart) == "rules"
    assert len(model.requests) == FAILURE_THRESHOLD
    assert [one.decision for one in showings(app)] == ["failed"] * FAILURE_THRESHOLD + ["circuit_open"] * 2
    assert len(calls(app)) == FAILURE_THRESHOLD, "what was not asked is no call"
    model.behave = server.good
    assert ask(app, CARTS[-1]) == "rules"
    clock.time += RESET_TIMEOUT_SECONDS
    assert ask(app, CARTS[-1]) == "llm"
    assert ask(app, CARTS[-2]) == "llm"


def test_answers_that_are_worth_nothing_open_no_breaker(asking: Callable[..., Flask], model: ModelServer) -> None:
    """The server lives; and nobody can stop the model for all by what a product's text makes it say."""
    app = asking()
    model.behave = server.says("Sure! I would suggest the pot.")
    for cart in CARTS[: FAILURE_THRESHOLD + 2]:
        assert ask(app, cart) == "rules"
    assert len(model.requests) == FAILURE_THRESHOLD + 2


def test_what_was_answered_before_is_shown_while_the_model_rests(
    asking: Callable[..., Flask], model: ModelServer
) -> None:
    app = asking()
    assert ask(app, CARTS[0]) == "llm"
    model.behave = server.fails(500)
    for cart in CARTS[1 : FAILURE_THRESHOLD + 1]:
        ask(app, cart)
    assert state_of(app).llm_reranker.model.breaker.open
    assert ask(app, CARTS[0]) == "llm"
