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
from tests.concurrency import eventually
from tests.conftest import connect


class LockHolder(Thread):
    """Holds the preparation lock like another process; a thread with its own connections."""

    def __init__(self, app: Flask) -> None:
        super().__init__()
        self.app = app
        self.acquired, self.released = Event(), Event()

    def run(self) -> None:
        with self.app.app_context(), preparation_lock():
            self.acquired.set()
            self.released.wait(60)

    def __enter__(self) -> "LockHolder":
        self.start()
        assert self.acquired.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self.join()


def test_process_waits_while_another_prepares_the_database(
    make_app: Callable[..., Flask], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    second, blocked = make_app(), Event()

    def is_locked(file: IO[str]) -> bool:
        """Wrap the real function; set `blocked` if the lock is taken."""
        if real_is_locked(file):
            return True
        blocked.set()
        return False

    def is_waiting() -> bool:
        if database_url.startswith("sqlite"):
            return blocked.is_set()
        with connect(database_url) as connection:
            return connection.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone() is not None

    real_is_locked = preparation.is_locked
    monkeypatch.setattr(preparation, "is_locked", is_locked)
    with ThreadPoolExecutor() as pool, LockHolder(make_app()) as holder:
        waiting = pool.submit(prepare, second)
        assert eventually(is_waiting)
        assert not waiting.done()
        holder.released.set()
        waiting.result(60)


def test_preparation_has_a_time_limit(make_app: Callable[..., Flask]) -> None:
    with LockHolder(make_app()), pytest.raises(ConfigError, match=r"^D\w+.* another process .* 1 seconds") as error:
        prepare(make_app(Timings(prepare_timeout=1)))
    assert "\n" not in str(error.value)


def test_lock_is_released_after_a_failure(make_app: Callable[..., Flask]) -> None:
    app = make_app(CATALOG="/nowhere/catalog.json")
    with pytest.raises(CatalogError, match="No such file"):
        prepare(app)
    prepare(make_app())


def test_lock_file_is_beside_the_sqlite_database(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    app = make_app()
    prepare(app)
    on_sqlite = state_of(app).settings.on_sqlite
    assert bool(list(tmp_path.glob("*.prepare.lock"))) is on_sqlite
