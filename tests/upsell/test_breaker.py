"""A model that keeps failing is left alone, then tried with one call at a time until it answers."""

from collections.abc import Callable

import pytest
from flask import Flask

from storefront.upsell.assistant.breaker import FAILURES, LONGEST_REST, REST, Breaker
from tests.conftest import Person
from tests.orders.crowd import at_once
from tests.upsell import model_server as server
from tests.upsell.conftest import CARTS, calls, showings
from tests.upsell.model_server import ModelServer


class Clock:
    """A time that passes when a test says so."""

    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(clock)


def fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        assert breaker.allows()
        breaker.count(False)


def test_it_opens_after_five_failures_in_a_row(breaker: Breaker) -> None:
    fail(breaker, FAILURES - 1)
    assert not breaker.open
    assert breaker.allows()
    breaker.count(False)
    assert breaker.open
    assert not breaker.allows()


def test_a_success_in_between_starts_the_count_anew(breaker: Breaker) -> None:
    for _ in range(5):
        fail(breaker, FAILURES - 1)
        breaker.count(True)
    assert breaker.allows()


def test_one_call_probes_when_its_rest_is_over(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, FAILURES)
    clock.time += REST - 0.1
    assert not breaker.allows()
    clock.time += 0.2
    assert not breaker.open
    assert at_once([breaker.allows] * 8).count(True) == 1
    assert breaker.open, "the others wait for what comes of the probe"
    breaker.count(True)
    assert all(breaker.allows() for _ in range(10)), "it is closed again"


def test_each_probe_that_fails_doubles_the_rest_up_to_five_minutes(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, FAILURES)
    rests = []
    for _ in range(6):
        start = clock.time
        while not breaker.allows():
            clock.time += 1
        breaker.count(False)
        rests.append(clock.time - start)
    assert rests == [REST, 2 * REST, 4 * REST, 8 * REST, LONGEST_REST, LONGEST_REST]


def test_after_a_success_the_rest_is_short_again(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, FAILURES)
    clock.time += REST
    fail(breaker, 1)
    clock.time += 2 * REST
    assert breaker.allows()
    breaker.count(True)
    fail(breaker, FAILURES)
    clock.time += REST
    assert breaker.allows()


def test_calls_that_were_under_way_when_it_opened_do_not_open_it_for_longer(breaker: Breaker, clock: Clock) -> None:
    """Sixteen may be in flight, and all of them fail at once."""
    assert all(breaker.allows() for _ in range(16))
    for _ in range(16):
        breaker.count(False)
    clock.time += REST
    assert breaker.allows()


def ask(app: Flask, cart: dict[str, int]) -> str:
    person = Person(app.test_client(), "north")
    answer = person.api("GET", f"/carts/{person.cart(**cart)}/upsell")
    assert answer.json["suggestions"]
    return str(answer.json["source"])


def test_a_shop_whose_model_fails_lets_it_rest_and_finds_it_well_again(
    asking: Callable[..., Flask], model: ModelServer, clock: Clock
) -> None:
    app = asking()
    app.extensions["storefront_assistant"].model.breaker = Breaker(clock)
    model.behave = server.fails(500)
    for cart in CARTS[: FAILURES + 2]:
        assert ask(app, cart) == "rules"
    assert len(model.requests) == FAILURES
    assert [one.outcome for one in showings(app)] == ["failed"] * FAILURES + ["resting"] * 2
    assert len(calls(app)) == FAILURES, "what was not asked is no call"
    model.behave = server.good
    assert ask(app, CARTS[-1]) == "rules"
    clock.time += REST
    assert ask(app, CARTS[-1]) == "llm"
    assert ask(app, CARTS[-2]) == "llm"


def test_answers_that_are_worth_nothing_open_no_breaker(asking: Callable[..., Flask], model: ModelServer) -> None:
    """The server lives; and nobody can stop the model for all by what a product's text makes it say."""
    app = asking()
    model.behave = server.says("Sure! I would suggest the pot.")
    for cart in CARTS[: FAILURES + 2]:
        assert ask(app, cart) == "rules"
    assert len(model.requests) == FAILURES + 2


def test_what_was_answered_before_is_shown_while_the_model_rests(
    asking: Callable[..., Flask], model: ModelServer
) -> None:
    app = asking()
    assert ask(app, CARTS[0]) == "llm"
    model.behave = server.fails(500)
    for cart in CARTS[1 : FAILURES + 1]:
        ask(app, cart)
    assert app.extensions["storefront_assistant"].model.breaker.open
    assert ask(app, CARTS[0]) == "llm"
