"""What was shown is written down together a moment later, and counts from the moment when it was shown."""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select

from storefront.database import acting_for, db
from storefront.errors import Busy
from storefront.upsell import journal, watch
from storefront.upsell.experiment.models import UpsellExposure
from storefront.upsell.journal import journal_of, write_all
from tests.conftest import Person
from tests.upsell.conftest import showings


@pytest.fixture
def serving(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[float], Flask]]:
    """The shops as where they serve requests, where showings wait so many seconds."""

    def serve(seconds: float) -> Flask:
        monkeypatch.setattr(journal, "WRITTEN_AFTER", seconds)
        watch.start(app)
        return app

    yield serve
    watch.stop(app)


def look(app: Flask) -> tuple[Person, str]:
    """A person who has put something into a cart, and the showing that the panel names."""
    person = Person(app.test_client(), "north")
    person.post("/cart/items", {"product_id": "beans", "quantity": 1})
    named = re.search(r'name="upsell" value="([^"]+)"', person.get("/checkout/upsell").text)
    assert named
    return person, named[1]


def exposures(app: Flask) -> list[UpsellExposure]:
    with app.app_context(), acting_for("north"):
        return list(db.session.scalars(select(UpsellExposure)))


def test_what_people_were_shown_is_written_in_one_transaction(serving: Callable[[float], Flask]) -> None:
    app = serving(60)
    named = [look(app)[1] for _ in range(3)]
    assert showings(app) == []
    commits: list[Any] = []
    with app.app_context():
        event.listen(db.engine, "commit", commits.append)
    write_all(app)
    assert [showing.id for showing in showings(app)] == named
    assert {exposure.created_at for exposure in exposures(app)} == {showing.created_at for showing in showings(app)}
    assert len(commits) == 1
    write_all(app)
    assert len(showings(app)) == 3


def test_it_is_written_without_being_asked(serving: Callable[[float], Flask]) -> None:
    app = serving(0.01)
    _, named = look(app)
    until = time.monotonic() + 10
    while not showings(app) and time.monotonic() < until:
        time.sleep(0.01)
    assert [showing.id for showing in showings(app)] == [named]


def test_who_presses_before_it_is_written_still_took_a_suggestion(serving: Callable[[float], Flask]) -> None:
    app = serving(journal.WRITTEN_AFTER)
    person, named = look(app)
    placed = person.post("/cart/items", {"product_id": "cup", "quantity": 1, "upsell": named})
    assert placed.status_code == 303
    address = person.post("/checkout", {"email": "ada@example.com", "name": "Ada"}).location
    items = person.api("GET", f"/orders/{address.rsplit('/', 1)[1]}").json["items"]
    assert {item["product_id"]: item["from_upsell"] for item in items} == {"beans": False, "cup": True}


def test_a_program_finds_its_showing_at_once(serving: Callable[[float], Flask]) -> None:
    app = serving(60)
    person = Person(app.test_client(), "north")
    shown = person.api("GET", f"/carts/{person.cart(beans=1)}/upsell").json
    assert [showing.id for showing in showings(app)] == [shown["call_id"]]


def test_when_the_database_is_busy_it_waits(
    serving: Callable[[float], Flask], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app = serving(60)
    _, first = look(app)

    def busy(_entries: Any) -> None:
        raise Busy

    with monkeypatch.context() as patched:
        patched.setattr(journal, "write_down", busy)
        write_all(app)
    assert (showings(app), len(journal_of(app).waiting("north"))) == ([], 1)
    assert "1 showings of suggestions wait" in caplog.text
    _, second = look(app)
    watch.stop(app)
    assert [showing.id for showing in showings(app)] == [first, second]
