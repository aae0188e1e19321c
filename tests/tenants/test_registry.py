"""The registry of tenants: refreshed each second by one request, which blocks no other."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from storefront.state import state_of

SECONDS = 60
"""Ten times what is expected: who waits longer waits for something that never ends."""


def test_requests_go_on_with_the_shops_as_they_were_while_these_are_read_again(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that hangs holds up who reads, and not at this point all others too."""
    app = make_app()
    registry = state_of(app).registry
    begun, go_on = threading.Event(), threading.Event()
    load = registry._load

    def slow_load() -> object:
        begun.set()
        assert go_on.wait(SECONDS)
        return load()

    with app.app_context():
        known = registry.all()
    monkeypatch.setattr(registry, "_load", slow_load)
    registry.snapshot_ttl_seconds = -1.0

    def all_shops() -> object:
        with app.app_context():
            return registry.all()

    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(all_shops)
        assert begun.wait(SECONDS)
        assert all_shops() is known
        assert not waiting.done()
        go_on.set()
        assert waiting.result(SECONDS) is not known


def test_what_changes_during_a_read_is_read_again(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = state_of(app).registry
    load, loads = registry._load, list[int]()

    def load_while_another_switches() -> object:
        loads.append(1)
        found = load()
        if len(loads) == 1:
            registry.invalidate()
        return found

    monkeypatch.setattr(registry, "_load", load_while_another_switches)
    with app.app_context():
        registry.invalidate()
        for _ in range(3):
            registry.all()
    assert len(loads) == 2
