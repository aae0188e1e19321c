"""The order of the tests: random, but with each expensive set-up done once. Pytest hooks, imported by conftest.py."""

from typing import Any

import pytest
from hypothesis import core

FIRST = ("tests/browser/", "tests/upsell/llm/", "tests/server/", "tests/events/", "tests/db/", "tests/web/")
"""Folders with slow tests. They run first, so that no process is still busy with one of them at the end."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the slow folders first, after pytest-randomly has shuffled the files and the tests in each. This also keeps
    each folder's tests together, so that shared fixtures are set up once."""
    items.sort(key=lambda item: next((i for i, path in enumerate(FIRST) if item.nodeid.startswith(path)), len(FIRST)))


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Give Hypothesis the seed of pytest-randomly, so that one number repeats a run."""
    if core.global_force_seed is None:
        core.global_force_seed = config.getoption("randomly_seed", None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep each file's tests in one process, because they share a server. The browser tests are two such groups, each
    with a browser and a server."""
    from xdist.scheduler import LoadFileScheduling  # noqa: PLC0415 - only needed with several processes

    config.option.loadscopereorder = False

    class LoadPackageScheduling(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
        def _split_scope(self, nodeid: str) -> str:
            if nodeid.startswith("tests/browser/"):
                return "tests/browser/a-o" if nodeid < "tests/browser/test_p" else "tests/browser/p-z"
            return super()._split_scope(nodeid)

    return LoadPackageScheduling(config, log)
