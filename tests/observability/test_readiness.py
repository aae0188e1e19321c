"""A shop with a read-only database is not ready, and probing is cheap."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from itertools import count

import pytest
from flask import Flask
from sqlalchemy import event

from storefront.db.engine import engines
from storefront.db.transactions import current_connection, dispose, write
from storefront.observability import readiness
from storefront.state import state_of
from tests.conftest import connect


def ready(app: Flask) -> tuple[int, str]:
    answer = app.test_client().get("/readyz")
    return answer.status_code, answer.json["status"]


@contextmanager
def read_only(app: Flask, url: str) -> Iterator[None]:
    """As on a disk that became read-only, or a server that became a replica."""
    if url.startswith("sqlite"):
        with app.app_context(), write():
            current_connection().exec_driver_sql("PRAGMA query_only = ON")
        yield
        dispose(app)
        return
    name = url.split("@/", 1)[1].split("?", 1)[0]
    with closing(connect(url)) as owner:
        owner.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        dispose(app)
        yield
        owner.execute("SET default_transaction_read_only = off")
        owner.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
        dispose(app)


@pytest.fixture
def at_once(app: Flask) -> None:
    """Whenever the probe looks at its clock, more time has passed than it remembers anything for."""
    state_of(app).write_probe.clock = partial(next, count(0.0, 2 * readiness.SUCCESS_VALID_SECONDS))


def test_it_is_not_ready_while_nothing_can_be_written(app: Flask, database_url: str, at_once: None) -> None:
    assert ready(app) == (200, "ok")
    with read_only(app, database_url):
        assert ready(app) == (503, "the database is not writable")
        assert app.test_client().get("/t/north/").status_code == 200
        assert app.test_client().get("/healthz").status_code == 200
    assert ready(app) == (200, "ok")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_it_is_not_ready_while_somebody_keeps_the_write_lock(app: Flask, database_url: str, at_once: None) -> None:
    with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"), isolation_level=None)) as shell:
        shell.execute("BEGIN IMMEDIATE")
        assert ready(app) == (503, "the database is not writable")
        shell.execute("ROLLBACK")
    assert ready(app) == (200, "ok")


def test_a_write_that_fails_is_a_503_for_who_tried(
    app: Flask, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with read_only(app, database_url):
        answer = app.test_client().post("/t/north/api/v1/carts", json={})
        assert (answer.status_code, answer.mimetype) == (503, "application/problem+json")
        assert answer.headers["Retry-After"]
    assert "Traceback" not in caplog.text


def test_a_probe_every_second_writes_twice_a_minute(app: Flask) -> None:
    written: list[str] = []

    def hear(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith(("SELECT", "PRAGMA", "BEGIN")):
            written.append(statement)

    with app.app_context():
        event.listen(engines().write, "after_cursor_execute", hear)
    for second in range(60):
        state_of(app).write_probe.clock = partial(float, second)
        assert ready(app) == (200, "ok")
    assert len(written) == 2


def test_a_shop_that_is_not_ready_says_why_once(
    app: Flask, database_url: str, caplog: pytest.LogCaptureFixture, at_once: None
) -> None:
    assert ready(app)[0] == 200
    with read_only(app, database_url):
        for _ in range(3):
            assert ready(app)[0] == 503
    said = [record.getMessage() for record in caplog.records if record.name == "storefront.readiness"]
    assert len(said) == 1
    assert "database" in said[0]
