"""The order of the tests: by chance, but so that what is expensive is set up once. Hooks of pytest, for conftest.py."""

from typing import Any

import pytest
from hypothesis import core

FIRST = ("tests/browser/", "tests/upsell/llm/", "tests/server/", "tests/events/", "tests/db/", "tests/web/")
"""Folders whose tests take long. They come first, so that no process is left with one of them at the end."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the folders that take long first, after pytest-randomly has shuffled the files and the tests in each. So each
    folder's tests stay together, too, and what they share is set up once."""
    items.sort(key=lambda item: next((i for i, path in enumerate(FIRST) if item.nodeid.startswith(path)), len(FIRST)))


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Have Hypothesis begin with the seed of the order, so that one number repeats a run."""
    if core.global_force_seed is None:
        core.global_force_seed = config.getoption("randomly_seed", None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Each file's tests stay together, because they share a server; so do all of the browser's, which come first."""
    from xdist.scheduler import LoadFileScheduling  # noqa: PLC0415 - only several processes have a use for it

    config.option.loadscopereorder = False

    class ByRoom(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
        def _split_scope(self, nodeid: str) -> str:
            return "tests/browser" if nodeid.startswith("tests/browser/") else super()._split_scope(nodeid)

    return ByRoom(config, log)
