"""Panels of a process are computed one after the other, and who waits for the model is in nobody's way."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

import pytest
from flask import Flask, render_template

from storefront.state import state_of
from storefront.timings import Timings
from storefront.upsell import actions, pages
from tests.conftest import Person
from tests.upsell import model_server as server
from tests.upsell.conftest import PATIENT_TIMINGS, showings
from tests.upsell.model_server import ModelServer
from tests.upsell.test_capacity import hang_up

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the same on both databases


def with_cart(app: Flask) -> Person:
    person = Person(app.test_client(), "north")
    person.post("/cart/items", {"product_id": "beans", "quantity": 1})
    return person


def has_free_slot(app: Flask) -> bool:
    slots = state_of(app).recommender_slots
    if is_free := slots.acquire(blocking=False):
        slots.release()
    return is_free


def status_of_panel(person: Person) -> int:
    return person.get("/checkout/upsell").status_code


class Watched:
    """Stands for `find_candidates`, takes its time, and sees how many are in it at once."""

    def __init__(self, real: Callable[..., Any]) -> None:
        self.real, self.now, self.most, self._lock = real, 0, 0, Lock()

    def __call__(self, *arguments: Any) -> Any:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(0.02)
        with self._lock:
            self.now -= 1
        return self.real(*arguments)


def test_one_panel_at_a_time_is_computed(make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app(PATIENT_TIMINGS)
    watched = Watched(actions.find_candidates)  # type: ignore[attr-defined]
    monkeypatch.setattr(actions, "find_candidates", watched)
    people = [with_cart(app) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(status_of_panel, people)) == [200] * 6
    assert watched.most == 1


def test_a_slot_that_is_not_given_back_holds_nobody_for_long(make_app: Callable[..., Flask]) -> None:
    app = make_app(Timings(recommender_slot=0.05))
    person = with_cart(app)
    with state_of(app).recommender_slots:
        start = time.monotonic()
        assert status_of_panel(person) == 200
        assert time.monotonic() - start >= 0.05, "it waited for its turn"
        assert not has_free_slot(app), "it was not this panel's to give back"
    assert len(showings(app)) == 1


def test_who_waits_for_the_model_leaves_the_slot_to_others(asking: Callable[..., Flask], model: ModelServer) -> None:
    app = asking()
    model.behave = server.hangs
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(status_of_panel, with_cart(app))
        assert model.wait_for(lambda: len(model.requests) == 1)
        with state_of(app).recommender_slots:
            assert not waiting.done()
        hang_up(model)
        assert waiting.result() == 200
    assert has_free_slot(app), "whoever had it has given it back"


def test_a_fault_gives_the_slot_back(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    person = with_cart(app)
    monkeypatch.setattr(actions, "find_candidates", lambda *_: 1 / 0)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    assert status_of_panel(person) == 500
    assert has_free_slot(app)


def test_a_page_is_rendered_outside_the_slot(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    person, free = with_cart(app), list[bool]()

    def render(*arguments: Any, **context: Any) -> str:
        free.append(has_free_slot(app))
        return render_template(*arguments, **context)

    monkeypatch.setattr(pages, "render_template", render)
    assert status_of_panel(person) == 200
    assert free == [True]
