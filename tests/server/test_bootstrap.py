"""Preparation of the database: one process at a time, with a time limit."""

from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import pytest
from flask import Flask

from storefront.catalog.json_file import CatalogError
from storefront.config import ConfigError
from storefront.db import preparation
from storefront.db.preparation import preparation_lock
from storefront.server.bootstrap import prepare
from storefront.state import state_of


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


def test_a_process_waits_while_another_prepares_the_database(make_app: Callable[..., Flask]) -> None:
    second = make_app()
    done: list[bool] = []

    def prepare_second() -> None:
        prepare(second)
        done.append(True)

    with Holder(make_app()) as holder:
        waiting = Thread(target=prepare_second)
        waiting.start()
        waiting.join(1)
        assert waiting.is_alive() and not done
        holder.enough.set()
        waiting.join(60)
    assert done == [True]


def test_it_does_not_wait_for_ever(make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparation, "PREPARE_TIMEOUT_SECONDS", 1)
    with Holder(make_app()), pytest.raises(ConfigError, match=r"^D\w+.* another process .* 1 seconds") as refused:
        prepare(make_app())
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
