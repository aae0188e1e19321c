"""Spelling correction reads a whole catalogue without blocking other shops."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from storefront.catalog import spelling
from storefront.catalog.queries import iter_search_texts
from storefront.db.tenant_context import current_tenant_id, tenant_context
from storefront.signals import catalog_loaded
from storefront.state import state_of
from tests.concurrency import at_once
from tests.conftest import Person

MISSPELT = {"north": ("beens", "/products/beans"), "south": ("penn", "/products/pen")}
TIMEOUT_SECONDS = 60
"""Time limit of each wait: ten times the expected duration."""


class SlowCatalogue:
    """Blocks the read of one shop's vocabulary until `resume` is set."""

    def __init__(self, shop: str) -> None:
        self.shop = shop
        self.started, self.resume = threading.Event(), threading.Event()
        self.reads = 0

    def __call__(self) -> Iterator[list[str]]:
        if current_tenant_id() == self.shop:
            self.reads += 1
            self.started.set()
            assert self.resume.wait(TIMEOUT_SECONDS)
        yield from iter_search_texts()


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowCatalogue]:
    catalogue = SlowCatalogue("north")
    monkeypatch.setattr(spelling, "iter_search_texts", catalogue)
    yield catalogue
    catalogue.resume.set()


def finds(app: Flask, shop: str) -> bool:
    """Return whether a misspelt search in that shop is corrected."""
    typed, found = MISSPELT[shop]
    answer = Person(app.test_client(), shop).get(f"/?q={typed}")
    assert answer.status_code == 200
    return found in answer.text


def test_slow_vocabulary_read_does_not_block_another_shop(app: Flask, slow: SlowCatalogue) -> None:
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(finds, app, "north")
        assert slow.started.wait(TIMEOUT_SECONDS)
        assert finds(app, "south")
        assert not waiting.done()
        slow.resume.set()
        assert waiting.result(TIMEOUT_SECONDS)


def test_concurrent_searches_of_the_same_shop_are_not_corrected_during_a_read(app: Flask, slow: SlowCatalogue) -> None:
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(finds, app, "north")
        assert slow.started.wait(TIMEOUT_SECONDS)
        assert not finds(app, "north")
        assert not waiting.done()
        slow.resume.set()
        assert waiting.result(TIMEOUT_SECONDS)
    assert finds(app, "north")
    assert slow.reads == 1, "the vocabulary was not cached"


def test_concurrent_searches_wait_for_a_fast_read(app: Flask) -> None:
    state_of(app).vocabularies.max_wait_seconds = TIMEOUT_SECONDS
    assert at_once([lambda: finds(app, "north")] * 6) == [True] * 6


def test_vocabulary_read_before_a_catalogue_change_is_not_cached(app: Flask, slow: SlowCatalogue) -> None:
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(finds, app, "north")
        assert slow.started.wait(TIMEOUT_SECONDS)
        with app.app_context():
            state_of(app).vocabularies.invalidate(tenant_ids=["north"])
        slow.resume.set()
        assert waiting.result(TIMEOUT_SECONDS)
    assert finds(app, "north")
    assert slow.reads == 2
    assert catalog_loaded.receivers, "catalogue changes are not connected to the cache"


def test_failed_read_releases_waiting_searches_and_is_retried(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> Iterator[list[str]]:
        raise RuntimeError("the database is unavailable")

    vocabularies = state_of(app).vocabularies
    with app.app_context(), tenant_context("north"), monkeypatch.context() as patch:
        patch.setattr(spelling, "iter_search_texts", fails)
        with pytest.raises(RuntimeError):
            vocabularies.current()
    assert finds(app, "north")


def test_number_of_concurrent_vocabulary_reads_is_limited(app: Flask, slow: SlowCatalogue) -> None:
    """Each read takes some megabytes; above the limit, searches are not corrected."""
    state_of(app).vocabularies = spelling.VocabularyCache(max_reads=1)
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(finds, app, "north")
        assert slow.started.wait(TIMEOUT_SECONDS)
        assert not finds(app, "south")
        slow.resume.set()
        assert waiting.result(TIMEOUT_SECONDS)
    assert finds(app, "south")
