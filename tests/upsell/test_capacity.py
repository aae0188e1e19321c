"""A model that keeps everybody waiting costs the shop neither orders nor threads nor sockets."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from storefront.db.base import db
from storefront.state import state_of
from storefront.upsell.llm.circuit_breaker import CircuitBreaker
from storefront.upsell.llm.service import MAX_WAITING_REQUESTS
from tests.conftest import Person
from tests.upsell import model_server as server
from tests.upsell.conftest import CARTS, calls, showings
from tests.upsell.model_server import ModelServer

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the same on both databases


def look(app: Flask, **items: int) -> TestResponse:
    """Somebody with a cart looks at the suggestions."""
    person = Person(app.test_client(), "north")
    return person.api("GET", f"/carts/{person.cart(**items or {'beans': 1})}/upsell")


def test_an_order_is_placed_while_the_model_hangs(asking: Callable[..., Flask], model: ModelServer) -> None:
    """By the page and by a program; the suggestions are still being waited for when both are done."""
    app = asking()
    model.behave = server.hangs
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(look, app)
        assert model.wait_for(lambda: len(model.requests) == 1)
        person = Person(app.test_client(), "north")
        person.post("/cart/items", {"product_id": "beans"})
        review = person.get("/checkout")
        placed = person.post("/checkout", {"email": "ada@example.com", "name": "Ada"})
        confirmation = person.client.get(placed.location)
        order = person.checkout(person.cart(beans=2))
        assert not waiting.done(), "nobody waited for the model"
        assert (review.status_code, placed.status_code, confirmation.status_code) == (200, 303, 200)
        assert order.status_code == 201
        assert order.json["upsell"]["source"] == "rules"
        assert person.stock("beans") == 97
        assert len(model.requests) == 1, "placing an order asks no model"
        model.over.set()
        hang_up(model)
        assert waiting.result().json["source"] == "rules"


def hang_up(model: ModelServer) -> None:
    for line in list(model.lines):
        line.shutdown(2)


def test_the_shopper_of_the_open_panel_can_place_the_same_cart(
    asking: Callable[..., Flask], model: ModelServer
) -> None:
    """No lock on the cart is held while the model thinks, and what it says then is about a cart that was ordered."""
    app = asking()
    model.behave = server.hangs
    person = Person(app.test_client(), "north")
    cart_id = person.cart(beans=1)
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(Person(app.test_client(), "north").api, "GET", f"/carts/{cart_id}/upsell")
        assert model.wait_for(lambda: len(model.requests) == 1)
        assert person.checkout(cart_id).status_code == 201
        assert not waiting.done()
        hang_up(model)
        assert waiting.result().status_code == 200


def test_four_wait_for_the_model_and_the_fifth_gets_rules_at_once(
    asking: Callable[..., Flask], model: ModelServer
) -> None:
    """The fifth cart's question is asked too, for the next time that somebody looks at it."""
    app = asking()
    model.behave = server.hangs
    with ThreadPoolExecutor() as pool:
        waiting: list[Future[TestResponse]] = [pool.submit(look, app, **cart) for cart in CARTS[:MAX_WAITING_REQUESTS]]
        assert model.wait_for(lambda: len(model.requests) == MAX_WAITING_REQUESTS)
        fifth = look(app, **CARTS[MAX_WAITING_REQUESTS])
        assert not any(one.done() for one in waiting), "those who were first still wait"
        assert fifth.status_code == 200
        assert fifth.json["source"] == "rules"
        assert fifth.json["suggestions"]
        assert [one.decision for one in showings(app)] == ["pending"]
        model.behave = server.good
        hang_up(model)
        assert {one.result().json["source"] for one in waiting} == {"rules"}
    state_of(app).llm_reranker.model.breaker.record(True)  # five have failed, which is a matter of its own
    assert model.wait_for(lambda: look(app, **CARTS[MAX_WAITING_REQUESTS + 1]).json["source"] == "llm"), (
        "their places are free"
    )


def test_who_has_the_same_cart_waits_for_the_same_call(asking: Callable[..., Flask], model: ModelServer) -> None:
    app = asking()
    model.behave = server.slow(0.5)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(look, app)
        assert model.wait_for(lambda: len(model.requests) == 1)
        assert look(app).json["source"] == first.result().json["source"] == "llm"
    assert len(model.requests) == len(calls(app)) == 1


def test_as_many_calls_are_in_flight_as_may_be_and_no_more(asking: Callable[..., Flask], model: ModelServer) -> None:
    app = asking(UPSELL_IN_FLIGHT="2")
    model.behave = server.hangs
    with ThreadPoolExecutor() as pool:
        waiting = [pool.submit(look, app, **{id: 1}) for id in ("beans", "honey")]
        assert model.wait_for(lambda: len(model.requests) == 2)
        busy = look(app, cup=1)
        assert (busy.status_code, busy.json["source"]) == (200, "rules")
        assert [one.decision for one in showings(app)] == ["concurrency_limited"]
        hang_up(model)
        assert {one.result().json["source"] for one in waiting} == {"rules"}
    assert len(model.requests) == 2
    assert [call.outcome for call in calls(app)] == ["connection_error"] * 2, "what was not asked is no call"
    model.behave = server.good
    assert look(app, cup=1).json["source"] == "llm", "their places are free"


def test_calls_that_time_out_leave_no_threads_and_no_sockets(asking: Callable[..., Flask], model: ModelServer) -> None:
    app = asking(UPSELL_TIMEOUT="0.1")
    state_of(app).llm_reranker.model.breaker = CircuitBreaker(failure_threshold=1000)
    look(app)
    assert model.wait_for(lambda: len(calls(app)) == 1)
    threads = threading.active_count() - len(model.lines)  # the model's server has a thread for each of its lines
    for behaviour, carts in ((server.drips_headers, CARTS[1:5]), (server.drips_body, CARTS[5:])):
        model.behave = behaviour
        for cart in carts:
            assert look(app, **cart).json["source"] == "rules"
    assert model.wait_for(lambda: len(calls(app)) == len(CARTS))
    assert {call.outcome for call in calls(app)[1:]} == {"timeout"}
    assert model.wait_for(lambda: not model.lines), "the shop has hung up on every one"
    settlers = 1  # one more thread may write down what calls came to
    assert model.wait_for(lambda: threading.active_count() <= threads + settlers)


def test_good_calls_share_a_few_connections(advised: Person, model: ModelServer) -> None:
    for cart in CARTS:
        assert look(advised.client.application, **cart).json["source"] == "llm"
    assert len(model.requests) == len(CARTS)
    assert len(model.lines) <= 2


def test_no_connection_to_the_database_is_held_while_the_model_thinks(
    asking: Callable[..., Flask], model: ModelServer
) -> None:
    app = asking()
    held: list[Any] = []

    def count_then_answer(exchange: server.Exchange) -> None:
        with app.app_context():
            held.append([each.pool.checkedout() for each in db.engines.values()])  # type: ignore[attr-defined]
        server.good(exchange)

    model.behave = count_then_answer
    assert look(app).json["source"] == "llm"
    assert held == [[0] * len(held[0])]


def test_the_deadline_holds_for_slow_steps_taken_together(asking: Callable[..., Flask], model: ModelServer) -> None:
    """Each step alone is quick enough: the head, then each part of the body."""

    def crawl(exchange: server.Exchange) -> None:
        exchange.line.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
        while not exchange.over.wait(0.15):
            exchange.line.sendall(b" " * 10)

    app = asking(UPSELL_TIMEOUT="0.4")
    model.behave = crawl
    assert look(app).json["source"] == "rules", "it would go on for ten minutes"
    assert model.wait_for(lambda: [call.outcome for call in calls(app)] == ["timeout"]), "it is recorded by a thread"
