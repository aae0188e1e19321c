"""Migrations up and down, with the data of an earlier version."""

from typing import Any

import pytest
from flask import Flask
from flask_migrate import Migrate, downgrade, upgrade
from sqlalchemy import Connection, text

from storefront.config import ROOT
from storefront.db.base import db
from storefront.db.tenant_context import set_rls_tenant

CALL = (
    "INSERT INTO upsell_call (tenant_id, id, place, cart_id, arm, source, outcome, suggestions, model, prompt, "
    "created_at) VALUES ('north', :id, :place, 'c', :arm, :source, 'ok', '[]', :model, :prompt, '2026-11-01 10:00:00')"
)
EVENT = (
    "INSERT INTO event (tenant_id, id, kind, subject, data, created_at) "
    "VALUES ('north', :id, 'stock.changed', 'beans', '{}', '2026-11-01 10:00:00')"
)


@pytest.fixture
def earlier(app: Flask) -> Flask:
    """The test's shops as the first version left them, with a showing, a call of the model, and two events."""
    with app.app_context():
        Migrate(app, db, directory=str(ROOT / "migrations"), render_as_batch=True)
        downgrade(revision="0001")
        with db.engine.begin() as connection:
            set_rls_tenant(connection, "north")
            rules = {"id": "shown", "place": 1, "arm": "rules", "source": "rules", "model": None, "prompt": None}
            model = {"id": "asked", "place": 2, "arm": "model", "source": "llm", "model": "m", "prompt": "?"}
            connection.execute(text(CALL), [rules, model])
            connection.execute(text(EVENT), [{"id": 7}, {"id": 9}])
    return app


def rows(connection: Connection, query: str) -> list[Any]:
    return [tuple(row) for row in connection.execute(text(query))]


def test_what_the_first_version_wrote_down_is_kept(earlier: Flask) -> None:
    with earlier.app_context():
        upgrade()
        with db.engine.begin() as connection:
            set_rls_tenant(connection, "north")
            shown = rows(connection, "SELECT id, arm, source, call_id FROM upsell_showing ORDER BY place")
            assert shown == [("shown", "rules", "rules", None), ("asked", "model", "llm", "asked")]
            called = rows(connection, "SELECT id, model, prompt_version, prompt_tokens FROM upsell_call")
            assert called == [("asked", "m", "1", 0)], "what was no call of a model isn't one now"
            assert rows(connection, "SELECT last FROM event_counter") == [(9,)]


def test_it_can_go_back_and_come_again(earlier: Flask) -> None:
    with earlier.app_context():
        upgrade()
        downgrade(revision="0001")
        upgrade()
        with db.engine.begin() as connection:
            set_rls_tenant(connection, "north")
            assert rows(connection, "SELECT id, model FROM upsell_call") == [("asked", "m")]
            assert len(rows(connection, "SELECT id FROM product WHERE tenant_id = 'north'")) == 6
