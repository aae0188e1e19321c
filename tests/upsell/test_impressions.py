"""What was shown is written down together a moment later, and counts from the moment when it was shown."""

import re
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError

from storefront.db.base import db
from storefront.db.engine import engines
from storefront.db.tenant_context import tenant_context
from storefront.errors import DatabaseBusy
from storefront.timings import Timings
from storefront.upsell import impressions, jobs
from storefront.upsell.experiment.models import UpsellExposure
from storefront.upsell.impressions import flush_all
from tests.concurrency import comes_true
from tests.conftest import Person
from tests.upsell.conftest import showings


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
    """A person who has put something into a cart, and the id of the impression that the panel carries, signed."""
    person = Person(app.test_client(), "north")
    person.post("/cart/items", {"product_id": "beans", "quantity": 1})
    named = re.search(r'name="upsell" value="([^".]+)\.', person.get("/checkout/upsell").text)
    assert named
    return person, named[1]


def exposures(app: Flask) -> list[UpsellExposure]:
    with app.app_context(), tenant_context("north"):
        return list(db.session.scalars(select(UpsellExposure)))


def test_what_people_were_shown_is_written_in_one_transaction(serving: Callable[[float], Flask]) -> None:
    app = serving(60)
    named = [look(app)[1] for _ in range(3)]
    assert showings(app) == []
    commits: list[Any] = []
    with app.app_context():
        event.listen(engines().write, "commit", commits.append)
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
    assert "1 impressions of suggestions wait" in caplog.text
    assert comes_true(lambda: showings(app))
    assert [showing.id for showing in showings(app)] == [first]


def test_what_was_shown_until_the_end_is_written(serving: Callable[[float], Flask]) -> None:
    app = serving(60)
    _, first = look(app)
    jobs.stop(app)
    assert [showing.id for showing in showings(app)] == [first]
    _, after_the_end = look(app)
    assert [showing.id for showing in showings(app)] == [first, after_the_end]
