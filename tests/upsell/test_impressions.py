"""Impressions are buffered and written in one transaction, with the time at which they were displayed."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
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
from storefront.upsell import impressions, jobs
from storefront.upsell.experiment.models import UpsellExposure
from storefront.upsell.impressions import flush_all
from tests.concurrency import eventually
from tests.conftest import PATIENT_DATABASE, Person
from tests.upsell.conftest import stored_impressions


@pytest.fixture
def make_serving_app(make_app: Callable[..., Flask]) -> Iterator[Callable[[float], Flask]]:
    """Return a factory of apps with background jobs and this delay before impressions are written."""
    started: list[Flask] = []

    def make(seconds: float) -> Flask:
        app = make_app(replace(PATIENT_DATABASE, impression_flush_delay=seconds, impression_retry_delay=0.01))
        jobs.start(app)
        started.append(app)
        return app

    yield make
    for app in started:
        jobs.stop(app)


def view_panel(app: Flask) -> str:
    """Display the panel to a new shopper with a cart; return the impression id in its form."""
    person = Person(app.test_client(), "north")
    person.post("/cart/items", {"product_id": "beans", "quantity": 1})
    form_value = re.search(r'name="upsell" value="([^".]+)\.', person.get("/checkout/upsell").text)
    assert form_value
    return form_value[1]


def exposures(app: Flask) -> list[UpsellExposure]:
    with app.app_context(), tenant_context("north"):
        return list(db.session.scalars(select(UpsellExposure)))


def test_buffered_impressions_are_written_in_one_transaction(make_serving_app: Callable[[float], Flask]) -> None:
    app = make_serving_app(60)
    displayed = [view_panel(app) for _ in range(3)]
    assert stored_impressions(app) == []
    commits: list[Any] = []
    with app.app_context():
        event.listen(engines().write, "commit", commits.append)
    flush_all(app)
    assert [row.id for row in stored_impressions(app)] == displayed
    assert {exposure.created_at for exposure in exposures(app)} == {row.created_at for row in stored_impressions(app)}
    assert len(commits) == 1
    flush_all(app)
    assert len(stored_impressions(app)) == 3


def test_impressions_are_flushed_in_the_background(make_serving_app: Callable[[float], Flask]) -> None:
    app = make_serving_app(0.01)
    displayed = view_panel(app)
    assert eventually(lambda: stored_impressions(app))
    assert [row.id for row in stored_impressions(app)] == [displayed]


def test_an_impression_of_the_api_is_written_immediately(make_serving_app: Callable[[float], Flask]) -> None:
    app = make_serving_app(60)
    person = Person(app.test_client(), "north")
    upsell = person.api("GET", f"/carts/{person.cart(beans=1)}/upsell").json
    assert [row.id for row in stored_impressions(app)] == [upsell["call_id"]]


@pytest.mark.parametrize(
    "error", [DatabaseBusy(), OperationalError("INSERT", {}, Exception("gone"))], ids=["busy", "unreachable"]
)
def test_a_failed_flush_is_logged_and_retried(
    make_serving_app: Callable[[float], Flask],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    app = make_serving_app(60)
    first = view_panel(app)
    insert, tries = impressions.insert_impressions, count()

    def succeed_at_the_third_try(entries: Any) -> None:
        if next(tries) < 2:
            raise error
        insert(entries)

    monkeypatch.setattr(impressions, "insert_impressions", succeed_at_the_third_try)
    flush_all(app)
    assert "1 impressions of suggestions wait" in caplog.text
    assert eventually(lambda: stored_impressions(app))
    assert [row.id for row in stored_impressions(app)] == [first]


def test_stopping_flushes_and_later_impressions_are_written_immediately(
    make_serving_app: Callable[[float], Flask],
) -> None:
    app = make_serving_app(60)
    first = view_panel(app)
    jobs.stop(app)
    assert [row.id for row in stored_impressions(app)] == [first]
    after_stop = view_panel(app)
    assert [row.id for row in stored_impressions(app)] == [first, after_stop]
