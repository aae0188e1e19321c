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
SECONDS = 60
"""Ten times what is expected: who waits longer waits for something that never ends."""


class SlowCatalogue:
    """The read of one shop's words stops here until the test lets it go on."""

    def __init__(self, shop: str) -> None:
        self.shop = shop
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.reads = 0

    def __call__(self) -> Iterator[list[str]]:
        if current_tenant_id() == self.shop:
            self.reads += 1
            self.begun.set()
            assert self.go_on.wait(SECONDS)
        yield from iter_search_texts()


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowCatalogue]:
    catalogue = SlowCatalogue("north")
    monkeypatch.setattr(spelling, "iter_search_texts", catalogue)
    yield catalogue
    catalogue.go_on.set()


def finds(app: Flask, shop: str) -> bool:
    """Whether a misspelt search of that shop finds what was meant."""
    typed, found = MISSPELT[shop]
    answer = Person(app.test_client(), shop).get(f"/?q={typed}")
    assert answer.status_code == 200
    return found in answer.text


def test_another_shops_misspelt_search_is_answered_while_a_catalogue_is_read(app: Flask, slow: SlowCatalogue) -> None:
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(finds, app, "north")
        assert slow.begun.wait(SECONDS)
        assert finds(app, "south")
        assert not waiting.done()
        slow.go_on.set()
        assert waiting.result(SECONDS)


def test_the_same_shops_other_searches_do_without_a_correction(app: Flask, slow: SlowCatalogue) -> None:
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(finds, app, "north")
        assert slow.begun.wait(SECONDS)
        assert not finds(app, "north")
        assert not waiting.done()
        slow.go_on.set()
        assert waiting.result(SECONDS)
    assert finds(app, "north")
    assert slow.reads == 1, "the words were read once, and remembered"


def test_searches_at_once_of_a_quick_catalogue_are_all_corrected(app: Flask) -> None:
    state_of(app).vocabularies.max_wait_seconds = SECONDS
    assert at_once([lambda: finds(app, "north")] * 6) == [True] * 6


def test_what_was_read_before_a_change_of_the_catalogue_is_not_remembered(app: Flask, slow: SlowCatalogue) -> None:
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(finds, app, "north")
        assert slow.begun.wait(SECONDS)
        with app.app_context():
            state_of(app).vocabularies.invalidate(tenant_ids=["north"])
        slow.go_on.set()
        assert waiting.result(SECONDS)
    assert finds(app, "north")
    assert slow.reads == 2
    assert catalog_loaded.receivers, "a change of the catalogue says so by this signal"


def test_a_read_that_fails_leaves_nobody_waiting_and_is_tried_again(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails() -> Iterator[list[str]]:
        raise RuntimeError("the database is away")

    vocabularies = state_of(app).vocabularies
    with app.app_context(), tenant_context("north"), monkeypatch.context() as patch:
        patch.setattr(spelling, "iter_search_texts", fails)
        with pytest.raises(RuntimeError):
            vocabularies.current()
    assert finds(app, "north")


def test_only_a_few_catalogues_are_read_at_a_time(
    app: Flask, slow: SlowCatalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each takes some megabytes; a shop that comes too late for now shows what it finds without a correction."""
    monkeypatch.setattr(state_of(app).vocabularies, "_read_slots", threading.BoundedSemaphore(1))
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(finds, app, "north")
        assert slow.begun.wait(SECONDS)
        assert not finds(app, "south")
        slow.go_on.set()
        assert waiting.result(SECONDS)
    assert finds(app, "south")
