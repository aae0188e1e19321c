"""A model that hangs blocks no order and leaks no thread, socket or database connection."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from storefront.circuit_breaker import CircuitBreaker
from storefront.db.base import db
from storefront.state import state_of
from storefront.upsell.llm.service import MAX_WAITING_REQUESTS
from tests.conftest import Person
from tests.upsell import model_server as server
from tests.upsell.conftest import CARTS, stored_calls, stored_impressions
from tests.upsell.model_server import ModelServer

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the same on both databases


def get_upsell(app: Flask, **items: int) -> TestResponse:
    """Get the suggestions for a new cart of a new client."""
    person = Person(app.test_client(), "north")
    return person.api("GET", f"/carts/{person.cart(**items or {'beans': 1})}/upsell")


def test_an_order_is_placed_while_the_model_hangs(make_llm_app: Callable[..., Flask], model: ModelServer) -> None:
    """Through the page and the API. Both orders are placed while another request still waits for the model."""
    app = make_llm_app()
    model.behave = server.hangs
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(get_upsell, app)
        assert model.wait_for(lambda: len(model.requests) == 1)
        person = Person(app.test_client(), "north")
        person.post("/cart/items", {"product_id": "beans"})
        review = person.get("/checkout")
        placed = person.post("/checkout", {"email": "ada@example.com", "name": "Ada"})
        confirmation = person.client.get(placed.location)
        order = person.checkout(person.cart(beans=2))
        assert not waiting.done(), "the orders did not wait for the model"
        assert (review.status_code, placed.status_code, confirmation.status_code) == (200, 303, 200)
        assert order.status_code == 201
        assert order.json["upsell"]["source"] == "rules"
        assert person.stock("beans") == 97
        assert len(model.requests) == 1, "placing an order calls no model"
        model.stopping.set()
        disconnect_clients(model)
        assert waiting.result().json["source"] == "rules"


def disconnect_clients(model: ModelServer) -> None:
    """Close all open connections of the model server."""
    for connection in list(model.connections):
        connection.shutdown(2)


def test_a_cart_can_be_ordered_while_its_panel_waits_for_the_model(
    make_llm_app: Callable[..., Flask], model: ModelServer
) -> None:
    """No lock on the cart is held during the call, and an answer for an ordered cart is no error."""
    app = make_llm_app()
    model.behave = server.hangs
    person = Person(app.test_client(), "north")
    cart_id = person.cart(beans=1)
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(Person(app.test_client(), "north").api, "GET", f"/carts/{cart_id}/upsell")
        assert model.wait_for(lambda: len(model.requests) == 1)
        assert person.checkout(cart_id).status_code == 201
        assert not waiting.done()
        disconnect_clients(model)
        assert waiting.result().status_code == 200


def test_requests_above_the_wait_limit_get_rules_immediately(
    make_llm_app: Callable[..., Flask], model: ModelServer
) -> None:
    """The model is called for this cart too, so that its next panel has the answer."""
    app = make_llm_app()
    model.behave = server.hangs
    with ThreadPoolExecutor() as pool:
        waiting: list[Future[TestResponse]] = [
            pool.submit(get_upsell, app, **cart) for cart in CARTS[:MAX_WAITING_REQUESTS]
        ]
        assert model.wait_for(lambda: len(model.requests) == MAX_WAITING_REQUESTS)
        above_limit = get_upsell(app, **CARTS[MAX_WAITING_REQUESTS])
        assert not any(future.done() for future in waiting), "the earlier requests still wait"
        assert above_limit.status_code == 200
        assert above_limit.json["source"] == "rules"
        assert above_limit.json["suggestions"]
        assert [row.decision for row in stored_impressions(app)] == ["pending"]
        model.behave = server.good
        disconnect_clients(model)
        assert {future.result().json["source"] for future in waiting} == {"rules"}
    state_of(app).llm_reranker.model.breaker.record(True)  # close the circuit that the failed calls opened
    assert model.wait_for(lambda: get_upsell(app, **CARTS[MAX_WAITING_REQUESTS + 1]).json["source"] == "llm"), (
        "the wait slots are free"
    )


def test_equal_carts_share_one_call(make_llm_app: Callable[..., Flask], model: ModelServer) -> None:
    app = make_llm_app()
    model.behave = server.slow(0.5)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(get_upsell, app)
        assert model.wait_for(lambda: len(model.requests) == 1)
        assert get_upsell(app).json["source"] == first.result().json["source"] == "llm"
    assert len(model.requests) == len(stored_calls(app)) == 1


def test_concurrent_calls_are_limited(make_llm_app: Callable[..., Flask], model: ModelServer) -> None:
    app = make_llm_app(UPSELL_IN_FLIGHT="2")
    model.behave = server.hangs
    with ThreadPoolExecutor() as pool:
        waiting = [pool.submit(get_upsell, app, **{id: 1}) for id in ("beans", "honey")]
        assert model.wait_for(lambda: len(model.requests) == 2)
        above_limit = get_upsell(app, cup=1)
        assert (above_limit.status_code, above_limit.json["source"]) == (200, "rules")
        assert [row.decision for row in stored_impressions(app)] == ["concurrency_limited"]
        disconnect_clients(model)
        assert {future.result().json["source"] for future in waiting} == {"rules"}
    assert len(model.requests) == 2
    assert [call.outcome for call in stored_calls(app)] == ["connection_error"] * 2, (
        "the rejected request stored no call"
    )
    model.behave = server.good
    assert get_upsell(app, cup=1).json["source"] == "llm", "the call slots are free"


def test_timed_out_calls_leak_no_threads_and_no_sockets(make_llm_app: Callable[..., Flask], model: ModelServer) -> None:
    app = make_llm_app(UPSELL_TIMEOUT="0.1")
    state_of(app).llm_reranker.model.breaker = CircuitBreaker(failure_threshold=1000)
    get_upsell(app)
    assert model.wait_for(lambda: len(stored_calls(app)) == 1)
    threads = threading.active_count() - len(model.connections)  # the model server has one thread per connection
    for behaviour, carts in ((server.drips_headers, CARTS[1:5]), (server.drips_body, CARTS[5:])):
        model.behave = behaviour
        for cart in carts:
            assert get_upsell(app, **cart).json["source"] == "rules"
    assert model.wait_for(lambda: len(stored_calls(app)) == len(CARTS))
    assert {call.outcome for call in stored_calls(app)[1:]} == {"timeout"}
    assert model.wait_for(lambda: not model.connections), "the client has closed every connection"
    finishers = 1  # one more thread may store the results of calls
    assert model.wait_for(lambda: threading.active_count() <= threads + finishers)


def test_successful_calls_reuse_connections(llm_shopper: Person, model: ModelServer) -> None:
    for cart in CARTS:
        assert get_upsell(llm_shopper.client.application, **cart).json["source"] == "llm"
    assert len(model.requests) == len(CARTS)
    assert len(model.connections) <= 2


def test_no_database_connection_is_held_during_a_call(make_llm_app: Callable[..., Flask], model: ModelServer) -> None:
    app = make_llm_app()
    checked_out: list[Any] = []

    def count_then_answer(exchange: server.Exchange) -> None:
        with app.app_context():
            checked_out.append([engine.pool.checkedout() for engine in db.engines.values()])  # type: ignore[attr-defined]
        server.good(exchange)

    model.behave = count_then_answer
    assert get_upsell(app).json["source"] == "llm"
    assert checked_out == [[0] * len(checked_out[0])]


def test_the_deadline_applies_to_the_whole_response(make_llm_app: Callable[..., Flask], model: ModelServer) -> None:
    """The headers and each part of the body arrive in time, but not the whole."""

    def send_slowly(exchange: server.Exchange) -> None:
        exchange.connection.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
        )
        while not exchange.stopping.wait(0.15):
            exchange.connection.sendall(b" " * 10)

    app = make_llm_app(UPSELL_TIMEOUT="0.4")
    model.behave = send_slowly
    assert get_upsell(app).json["source"] == "rules", "the whole response would take 25 minutes"
    assert model.wait_for(lambda: [call.outcome for call in stored_calls(app)] == ["timeout"]), (
        "a background thread stores the call"
    )
