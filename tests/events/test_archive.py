"""Events are never changed, and leave the table for the archive only."""

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from storefront.clock import now
from storefront.db.base import db
from storefront.db.tenancy import tenant_scoped
from storefront.db.tenant_context import tenant_context
from storefront.db.transactions import write, write_connection
from storefront.events import archive
from storefront.events.actions import Change, record_events
from storefront.events.archive import archive_events
from storefront.events.models import ArchivedEvent, Event
from tests.conftest import Person


def record(app: Flask, *subjects: str, shop: str = "north") -> None:
    with app.app_context(), tenant_context(shop), write():
        record_events([Change("price.changed", subject, {}, {"price": 1}, {"price": 2}) for subject in subjects])


def subjects(app: Flask, model: type[Event] | type[ArchivedEvent], shop: str = "north") -> list[str]:
    with app.app_context(), tenant_context(shop):
        return list(db.session.scalars(select(model.subject).order_by(model.id)))


@pytest.mark.parametrize("table", ["event", "event_archive"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET data = '{{}}'", "DELETE FROM {}"])
def test_the_database_refuses_to_change_and_delete_them(app: Flask, table: str, statement: str) -> None:
    record(app, "beans")
    if table == "event_archive":
        with app.app_context(), tenant_context("north"):
            assert archive_events(now() + timedelta(days=1)) == 1
    with app.app_context(), tenant_context("north"), pytest.raises(DBAPIError, match="events are append-only"), write():
        write_connection().execute(text(statement.format(table)))
    assert subjects(app, Event) + subjects(app, ArchivedEvent) == ["beans"]


@pytest.mark.parametrize("table", ["event", "event_archive", "shop_removal"])
def test_the_database_refuses_to_empty_their_tables(app: Flask, table: str) -> None:
    """With one statement, which on PostgreSQL fires no trigger of rows."""
    record(app, "beans", "pot")
    with app.app_context(), tenant_context("north"):
        if table == "event_archive":
            assert archive_events(now() + timedelta(days=1)) == 2
        with pytest.raises(DBAPIError, match=r"append-only|kept as it is"), write():
            is_sqlite = write_connection().dialect.name == "sqlite"
            if table == "shop_removal":
                columns = "id, shop_id, name, started_by, started_at, finished_at"
                values = f"1, 'gone', 'Gone', 'a test', '{now():%Y-%m-%d}', '{now():%Y-%m-%d}'"
                write_connection().execute(text(f"INSERT INTO {table} ({columns}) VALUES ({values})"))
            write_connection().execute(text(f"DELETE FROM {table}" if is_sqlite else f"TRUNCATE {table}"))
        if not is_sqlite:
            with pytest.raises(DBAPIError, match="append-only"), write():
                write_connection().execute(text("TRUNCATE tenant CASCADE"))
    assert subjects(app, Event) + subjects(app, ArchivedEvent) == ["beans", "pot"]


@pytest.mark.parametrize("table", ["event", "event_archive"])
def test_the_database_refuses_to_replace_them(app: Flask, table: str) -> None:
    record(app, "beans")
    with app.app_context(), tenant_context("north"):
        if table == "event_archive":
            assert archive_events(now() + timedelta(days=1)) == 1
        with pytest.raises(DBAPIError, match="events are append-only"), write():
            is_sqlite = write_connection().dialect.name == "sqlite"
            insert = f"INSERT {'OR REPLACE' if is_sqlite else ''} INTO {table} SELECT * FROM {table}"
            otherwise = "" if is_sqlite else " ON CONFLICT (tenant_id, id) DO UPDATE SET type = 'forged'"
            write_connection().execute(text(insert + otherwise))
    assert subjects(app, Event) + subjects(app, ArchivedEvent) == ["beans"]


def test_old_events_move_to_the_archive_as_they_are(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "SELECT_BATCH", tenant_scoped(archive.SELECT_BATCH.limit(2)))
    with time_machine.travel(now() - timedelta(days=400), tick=False):
        record(app, "beans", "pot", "cup")
        record(app, "ink", shop="south")
    record(app, "honey")
    day = (now() - timedelta(days=365)).date().isoformat()
    result = app.test_cli_runner().invoke(args=["events", "archive", "--before", day, "--tenant", "north"])
    assert (result.exit_code, result.output) == (0, "north: 3 events archived.\n")
    assert subjects(app, Event) == ["honey"]
    assert subjects(app, ArchivedEvent) == ["beans", "pot", "cup"]
    assert subjects(app, Event, "south") == ["ink"]
    with app.app_context(), tenant_context("north"):
        row = db.session.scalars(select(ArchivedEvent)).first()
        assert row is not None
        assert (row.before, row.after, row.actor_type) == ({"price": 1}, {"price": 2}, "system")


def test_events_that_the_lowest_price_needs_stay(app: Flask) -> None:
    record(app, "beans")
    day = (now() - timedelta(days=29)).date().isoformat()
    result = app.test_cli_runner().invoke(args=["events", "archive", "--before", day])
    assert result.exit_code == 1
    assert "events of the last 31 days stay" in result.output
    assert subjects(app, Event) == ["beans"]


def test_who_changed_something_is_recorded(app: Flask, shopper: Person) -> None:
    order = shopper.checkout(shopper.cart(beans=1))
    assert order.status_code == 201
    with app.app_context(), tenant_context("north"):
        assert {row.actor_type for row in db.session.scalars(select(Event))} == {"shopper"}
