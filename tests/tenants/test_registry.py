"""The tenant registry: refreshed each second by one request, which blocks no other."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from storefront.state import state_of

TIMEOUT_SECONDS = 60
"""Time limit of each wait: ten times the expected duration."""


def test_requests_use_the_old_snapshot_during_a_refresh(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hanging database blocks the request that refreshes, but no other."""
    app = make_app()
    registry = state_of(app).registry
    started, resume = threading.Event(), threading.Event()
    load = registry._load

    def slow_load() -> object:
        started.set()
        assert resume.wait(TIMEOUT_SECONDS)
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
        assert started.wait(TIMEOUT_SECONDS)
        assert all_shops() is known
        assert not waiting.done()
        resume.set()
        assert waiting.result(TIMEOUT_SECONDS) is not known


def test_invalidation_during_a_refresh_causes_another(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = state_of(app).registry
    load, loads = registry._load, list[int]()

    def load_with_invalidation() -> object:
        loads.append(1)
        found = load()
        if len(loads) == 1:
            registry.invalidate()
        return found

    monkeypatch.setattr(registry, "_load", load_with_invalidation)
    with app.app_context():
        registry.invalidate()
        for _ in range(3):
            registry.all()
    assert len(loads) == 2
