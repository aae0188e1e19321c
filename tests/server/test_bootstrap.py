"""Preparation of the database: one process at a time, with a time limit."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Thread
from typing import IO

import pytest
from flask import Flask

from storefront.catalog.json_file import CatalogError
from storefront.config import ConfigError
from storefront.db import preparation
from storefront.db.preparation import preparation_lock
from storefront.server.bootstrap import prepare
from storefront.state import state_of
from storefront.timings import Timings
from tests.concurrency import comes_true
from tests.conftest import connect


class Holder(Thread):
    """Another process that prepares the same database, which here is a thread with connections of its own."""

    def __init__(self, app: Flask) -> None:
        super().__init__()
        self.app = app
        self.has_it, self.enough = Event(), Event()

    def run(self) -> None:
        with self.app.app_context(), preparation_lock():
            self.has_it.set()
            self.enough.wait(60)

    def __enter__(self) -> "Holder":
        self.start()
        assert self.has_it.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self.enough.set()
        self.join()


def test_a_process_waits_while_another_prepares_the_database(
    make_app: Callable[..., Flask], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    second, turned_away = make_app(), Event()

    def is_locked(file: IO[str]) -> bool:
        """As the real one, and says when somebody has to wait."""
        if lock_is_free(file):
            return True
        turned_away.set()
        return False

    def waits() -> bool:
        if database_url.startswith("sqlite"):
            return turned_away.is_set()
        with connect(database_url) as connection:
            return connection.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone() is not None

    lock_is_free = preparation.is_locked
    monkeypatch.setattr(preparation, "is_locked", is_locked)
    with ThreadPoolExecutor() as pool, Holder(make_app()) as holder:
        waiting = pool.submit(prepare, second)
        assert comes_true(waits)
        assert not waiting.done()
        holder.enough.set()
        waiting.result(60)


def test_it_does_not_wait_for_ever(make_app: Callable[..., Flask]) -> None:
    with Holder(make_app()), pytest.raises(ConfigError, match=r"^D\w+.* another process .* 1 seconds") as refused:
        prepare(make_app(Timings(prepare_timeout=1)))
    assert "\n" not in str(refused.value)


def test_the_lock_is_free_after_a_process_that_failed(make_app: Callable[..., Flask]) -> None:
    app = make_app(CATALOG="/nowhere/catalog.json")
    with pytest.raises(CatalogError, match="No such file"):
        prepare(app)
    prepare(make_app())


def test_the_lock_is_beside_the_database(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    app = make_app()
    prepare(app)
    on_sqlite = state_of(app).settings.on_sqlite
    assert bool(list(tmp_path.glob("*.prepare.lock"))) is on_sqlite
