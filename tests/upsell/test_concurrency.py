"""Panels of a process are thought out one after the other, and who waits for the model is in nobody's way."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

import pytest
from flask import Flask

from storefront.timings import Timings
from storefront.upsell import actions, concurrency
from tests.conftest import Person
from tests.upsell import model_server as server
from tests.upsell.conftest import PATIENCE, PATIENT_TIMINGS, showings
from tests.upsell.model_server import ModelServer
from tests.upsell.test_capacity import hang_up

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the same on both databases


def with_cart(app: Flask) -> Person:
    person = Person(app.test_client(), "north")
    person.post("/cart/items", {"product_id": "beans", "quantity": 1})
    return person


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


def test_one_panel_at_a_time_is_thought_out(make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app(PATIENT_TIMINGS)
    watched = Watched(actions.find_candidates)  # type: ignore[attr-defined]
    monkeypatch.setattr(actions, "find_candidates", watched)
    people = [with_cart(app) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(status_of_panel, people)) == [200] * 6
    assert watched.most == 1


def test_a_turn_that_does_not_end_holds_nobody_for_long(make_app: Callable[..., Flask]) -> None:
    app = make_app(Timings(recommender_slot=0.05))
    person = with_cart(app)
    with app.extensions["storefront_turn"]:
        start = time.monotonic()
        assert status_of_panel(person) == 200
        assert time.monotonic() - start >= 0.05, "it waited for its turn"
        assert app.extensions["storefront_turn"].locked(), "it was not this panel's to give back"
    assert len(showings(app)) == 1


def test_who_waits_for_the_model_leaves_the_turn_to_others(asking: Callable[..., Flask], model: ModelServer) -> None:
    app = asking()
    model.behave = server.hangs
    turn = app.extensions["storefront_turn"]
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(status_of_panel, with_cart(app))
        assert model.wait_for(lambda: len(model.requests) == 1)
        assert turn.acquire(timeout=PATIENCE / 2)
        assert not waiting.done()
        turn.release()
        hang_up(model)
        assert waiting.result() == 200
    assert not turn.locked(), "whoever had it has given it back"


def test_a_fault_gives_the_turn_back(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    person = with_cart(app)
    monkeypatch.setattr(actions, "find_candidates", lambda *_: 1 / 0)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    assert status_of_panel(person) == 500
    assert not app.extensions["storefront_turn"].locked()


def test_a_turn_inside_a_turn_is_the_same_one(app: Flask) -> None:
    with app.app_context():
        with concurrency.recommender_slot():
            with concurrency.recommender_slot(), concurrency.slot_released():
                assert not app.extensions["storefront_turn"].locked()
            assert app.extensions["storefront_turn"].locked(), "the outer one still has it"
        assert not app.extensions["storefront_turn"].locked()


def test_who_goes_without_a_turn_gives_none_back(make_app: Callable[..., Flask]) -> None:
    app = make_app(Timings(recommender_slot=0.01))
    with app.app_context(), app.extensions["storefront_turn"]:
        with concurrency.recommender_slot(), concurrency.recommender_slot():
            pass
        assert app.extensions["storefront_turn"].locked(), "it was not theirs to give back"
