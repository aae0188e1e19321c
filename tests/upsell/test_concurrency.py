"""A process computes one panel at a time; a request that waits for the model releases its slot."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Lock
from typing import Any

import pytest
from flask import Flask, render_template

from storefront.state import state_of
from storefront.upsell import actions, pages
from tests.conftest import PATIENT_DATABASE, Person
from tests.upsell import model_server as server
from tests.upsell.conftest import GENEROUS_TIMINGS, stored_impressions
from tests.upsell.model_server import ModelServer
from tests.upsell.test_capacity import disconnect_clients

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the same on both databases


def shopper_with_cart(app: Flask) -> Person:
    person = Person(app.test_client(), "north")
    person.post("/cart/items", {"product_id": "beans", "quantity": 1})
    return person


def has_free_slot(app: Flask) -> bool:
    slots = state_of(app).recommender_slots
    if is_free := slots.acquire(blocking=False):
        slots.release()
    return is_free


def panel_status(person: Person) -> int:
    return person.get("/checkout/upsell").status_code


class ConcurrencyProbe:
    """Wraps `find_candidates` with a delay and records the maximum number of concurrent calls."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function, self.active, self.max_active, self._lock = function, 0, 0, Lock()

    def __call__(self, *arguments: Any) -> Any:
        with self._lock:
            self.active += 1
            self.max_active = max(self.max_active, self.active)
        time.sleep(0.02)
        with self._lock:
            self.active -= 1
        return self.function(*arguments)


def test_panels_are_computed_one_at_a_time(make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app(GENEROUS_TIMINGS)
    probe = ConcurrencyProbe(actions.find_candidates)  # type: ignore[attr-defined]
    monkeypatch.setattr(actions, "find_candidates", probe)
    people = [shopper_with_cart(app) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(panel_status, people)) == [200] * 6
    assert probe.max_active == 1


def test_a_slot_that_is_not_released_delays_a_panel_by_the_timeout_only(make_app: Callable[..., Flask]) -> None:
    app = make_app(replace(PATIENT_DATABASE, recommender_slot=0.05))
    person = shopper_with_cart(app)
    with state_of(app).recommender_slots:
        start = time.monotonic()
        assert panel_status(person) == 200
        assert time.monotonic() - start >= 0.05, "the request waited for the slot"
        assert not has_free_slot(app), "the panel does not release a slot that it did not get"
    assert len(stored_impressions(app)) == 1


def test_a_request_waiting_for_the_model_releases_its_slot(
    make_llm_app: Callable[..., Flask], model: ModelServer
) -> None:
    app = make_llm_app()
    model.behave = server.hangs
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(panel_status, shopper_with_cart(app))
        assert model.wait_for(lambda: len(model.requests) == 1)
        with state_of(app).recommender_slots:
            assert not waiting.done()
        disconnect_clients(model)
        assert waiting.result() == 200
    assert has_free_slot(app), "the slot is released at the end"


def test_an_exception_releases_the_slot(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    person = shopper_with_cart(app)
    monkeypatch.setattr(actions, "find_candidates", lambda *_: 1 / 0)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    assert panel_status(person) == 500
    assert has_free_slot(app)


def test_a_page_is_rendered_outside_the_slot(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    person, free = shopper_with_cart(app), list[bool]()

    def render(*arguments: Any, **context: Any) -> str:
        free.append(has_free_slot(app))
        return render_template(*arguments, **context)

    monkeypatch.setattr(pages, "render_template", render)
    assert panel_status(person) == 200
    assert free == [True]
