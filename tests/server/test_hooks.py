"""The functions that gunicorn calls when it starts and ends processes."""

import logging
import runpy
import sys
from collections.abc import Iterator
from inspect import signature
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker

from storefront.config import ROOT
from storefront.server import hooks

HOOKS = ("on_starting", "post_fork", "post_worker_init", "worker_int", "worker_exit", "child_exit", "on_exit")


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Return the settings in gunicorn.conf.py."""
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv(
        "PROMETHEUS_MULTIPROC_DIR", str(tmp_path)
    )  # otherwise the file would create one for this process
    monkeypatch.setenv("GUNICORN_CMD_ARGS", "--print-config")  # so that it doesn't check the port
    yield runpy.run_path(str(ROOT / "gunicorn.conf.py"))
    logging.captureWarnings(False)


def test_all_hooks_are_configured_and_accepted_by_gunicorn(configured: dict[str, Any]) -> None:
    for name in HOOKS:
        assert configured[name] is getattr(hooks, name)
        Config().set(name, configured[name])  # raises if the hook has other parameters
        assert signature(configured[name]).parameters


def test_gunicorns_access_log_is_replaced(configured: dict[str, Any]) -> None:
    assert configured["logger_class"] is hooks.ErrorLogger
    assert hooks.ErrorLogger.access is not Logger.access


def master_with(worker_class: type) -> Any:
    """A fake gunicorn master with this worker class."""
    return SimpleNamespace(cfg=SimpleNamespace(worker_class=worker_class), SIG_QUEUE=None)


@pytest.fixture(params=["storefront.server.gunicorn", "storefront.server.compatibility"])
def other_gunicorn(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulate a gunicorn that lacks names that these modules import."""
    for name in ("storefront.server.gunicorn", request.param):
        monkeypatch.setitem(sys.modules, name, None)


def test_gunicorn_with_missing_names_is_refused_with_one_sentence(other_gunicorn: None) -> None:
    with pytest.raises(SystemExit, match=r"^storefront can't start: .*requirements\.txt"):
        hooks.check_gunicorn(master_with(hooks.load_worker_class()))


def test_gunicorns_own_worker_class_needs_no_check(other_gunicorn: None) -> None:
    hooks.check_gunicorn(master_with(ThreadWorker))


def test_invalid_setting_ends_the_process_with_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "none")
    with pytest.raises(SystemExit, match=r"^storefront can't start: PORT must be a whole number"):
        hooks.read_settings()


def test_worker_without_an_app_exits_without_an_error() -> None:
    hooks.worker_exit(None, SimpleNamespace(wsgi=None))


def test_failed_warm_up_is_logged_and_does_not_prevent_the_start(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(hooks, "warm_up", lambda: 1 / 0)
    hooks.warm_up_if_possible()
    assert "could not set up the language model client" in caplog.text
