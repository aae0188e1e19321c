"""What was shown is written down together a moment later, and counts from the moment when it was shown."""

import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError

from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.errors import DatabaseBusy
from storefront.timings import Timings
from storefront.upsell import impressions, jobs
from storefront.upsell.experiment.models import UpsellExposure
from storefront.upsell.impressions import flush_all
from tests.concurrency import comes_true
from tests.conftest import Person
from tests.upsell.conftest import showings

REALLY_SLEEP = time.sleep


@pytest.fixture
def serving(make_app: Callable[..., Flask]) -> Iterator[Callable[[float], Flask]]:
    """The shops as where they serve requests, where showings wait so many seconds."""
    started: list[Flask] = []

    def serve(seconds: float) -> Flask:
        app = make_app(Timings(impression_flush_delay=seconds, impression_retry_delay=0.01))
        jobs.start(app)
        started.append(app)
        return app

    yield serve
    for app in started:
        jobs.stop(app)


def look(app: Flask) -> tuple[Person, str]:
    """A person who has put something into a cart, and the showing that the panel names."""
    person = Person(app.test_client(), "north")
    person.post("/cart/items", {"product_id": "beans", "quantity": 1})
    named = re.search(r'name="upsell" value="([^"]+)"', person.get("/checkout/upsell").text)
    assert named
    return person, named[1]


def taken(person: Person) -> dict[str, bool]:
    """Places the order; which of its products came from a suggestion."""
    address = person.post("/checkout", {"email": "ada@example.com", "name": "Ada"}).location
    items = person.api("GET", f"/orders/{address.rsplit('/', 1)[1]}").json["items"]
    return {item["product_id"]: item["from_upsell"] for item in items}


def exposures(app: Flask) -> list[UpsellExposure]:
    with app.app_context(), tenant_context("north"):
        return list(db.session.scalars(select(UpsellExposure)))


def test_what_people_were_shown_is_written_in_one_transaction(serving: Callable[[float], Flask]) -> None:
    app = serving(60)
    named = [look(app)[1] for _ in range(3)]
    assert showings(app) == []
    commits: list[Any] = []
    with app.app_context():
        event.listen(db.engine, "commit", commits.append)
    flush_all(app)
    assert [showing.id for showing in showings(app)] == named
    assert {exposure.created_at for exposure in exposures(app)} == {showing.created_at for showing in showings(app)}
    assert len(commits) == 1
    flush_all(app)
    assert len(showings(app)) == 3


def test_it_is_written_without_being_asked(serving: Callable[[float], Flask]) -> None:
    app = serving(0.01)
    _, named = look(app)
    assert comes_true(lambda: showings(app))
    assert [showing.id for showing in showings(app)] == [named]


def test_who_presses_before_it_is_written_still_took_a_suggestion(serving: Callable[[float], Flask]) -> None:
    app = serving(Timings().impression_flush_delay)
    person, named = look(app)
    placed = person.post("/cart/items", {"product_id": "cup", "quantity": 1, "upsell": named})
    assert placed.status_code == 303
    assert taken(person) == {"beans": False, "cup": True}


def test_a_program_finds_its_showing_at_once(serving: Callable[[float], Flask]) -> None:
    app = serving(60)
    person = Person(app.test_client(), "north")
    shown = person.api("GET", f"/carts/{person.cart(beans=1)}/upsell").json
    assert [showing.id for showing in showings(app)] == [shown["call_id"]]


@pytest.mark.parametrize(
    "fault", [DatabaseBusy(), OperationalError("INSERT", {}, Exception("gone"))], ids=["busy", "away"]
)
def test_while_the_database_cant_be_written_to_it_waits_and_is_tried_again(
    serving: Callable[[float], Flask],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    fault: Exception,
) -> None:
    app = serving(60)
    _, first = look(app)
    write_down, tries = impressions.insert_impressions, count()

    def the_third_time(entries: Any) -> None:
        if next(tries) < 2:
            raise fault
        write_down(entries)

    monkeypatch.setattr(impressions, "insert_impressions", the_third_time)
    flush_all(app)
    assert "1 showings of suggestions wait" in caplog.text
    assert comes_true(lambda: showings(app))
    assert [showing.id for showing in showings(app)] == [first]


def test_what_was_shown_until_the_end_is_written(serving: Callable[[float], Flask]) -> None:
    app = serving(60)
    _, first = look(app)
    jobs.stop(app)
    assert [showing.id for showing in showings(app)] == [first]
    _, after_the_end = look(app)
    assert [showing.id for showing in showings(app)] == [first, after_the_end]


def test_what_another_process_has_shown_is_waited_for(serving: Callable[[float], Flask]) -> None:
    """The showing is this process's own here, but hidden from it until it is written."""
    app = serving(60)
    person, named = look(app)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(impressions, "buffered_suggestions", lambda *_: None)
        patched.setattr(impressions.time, "sleep", lambda _: flush_all(app))  # type: ignore[attr-defined]
        person.post("/cart/items", {"product_id": "cup", "quantity": 1, "upsell": named})
    assert taken(person) == {"beans": False, "cup": True}


def test_made_up_showings_hold_few_threads(app: Flask) -> None:
    people = [Person(app.test_client(), "north") for _ in range(8)]
    for person in people:
        person.post("/cart/items", {"product_id": "beans", "quantity": 1})
    looked: list[str] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(impressions.time, "sleep", lambda _: (looked.append("slept"), REALLY_SLEEP(0.05)))  # type: ignore[attr-defined, func-returns-value]
        add = {"product_id": "cup", "quantity": 1, "upsell": "made-up"}
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda person: person.post("/cart/items", add).status_code, people))
    assert answers == [303] * 8
    assert len(looked) < 8 * impressions.MAX_POLLS
