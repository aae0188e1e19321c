"""What gunicorn calls when it starts and ends processes."""

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
    """What gunicorn.conf.py says."""
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))  # else the file would choose one for this process
    monkeypatch.setenv("GUNICORN_CMD_ARGS", "--print-config")  # so that no port is looked at
    yield runpy.run_path(str(ROOT / "gunicorn.conf.py"))
    logging.captureWarnings(False)


def test_the_settings_name_each_hook_and_gunicorn_takes_it(configured: dict[str, Any]) -> None:
    for name in HOOKS:
        assert configured[name] is getattr(hooks, name)
        Config().set(name, configured[name])  # raises if it takes other parameters
        assert signature(configured[name]).parameters


def test_the_access_log_is_the_apps_own(configured: dict[str, Any]) -> None:
    assert configured["logger_class"] is hooks.ErrorLogger
    assert hooks.ErrorLogger.access is not Logger.access


def served_by(worker_class: type) -> Any:
    """gunicorn's master, with this worker class."""
    return SimpleNamespace(cfg=SimpleNamespace(worker_class=worker_class), SIG_QUEUE=None)


@pytest.fixture(params=["storefront.server.gunicorn", "storefront.server.compatibility"])
def other_gunicorn(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that lacks what these modules import."""
    for name in ("storefront.server.gunicorn", request.param):
        monkeypatch.setitem(sys.modules, name, None)


def test_a_gunicorn_that_lacks_a_part_is_refused_in_a_sentence(other_gunicorn: None) -> None:
    with pytest.raises(SystemExit, match=r"^storefront can't start: .*requirements\.txt"):
        hooks.check_gunicorn(served_by(hooks.load_worker_class()))


def test_a_worker_class_of_gunicorns_own_needs_no_check(other_gunicorn: None) -> None:
    hooks.check_gunicorn(served_by(ThreadWorker))


def test_a_wrong_setting_ends_the_process_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "none")
    with pytest.raises(SystemExit, match=r"^storefront can't start: PORT must be a whole number"):
        hooks.read_settings()


def test_a_worker_that_never_had_an_app_ends_quietly() -> None:
    hooks.worker_exit(None, SimpleNamespace(wsgi=None))


def test_a_model_that_cannot_be_asked_is_logged_and_no_reason_not_to_start(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(hooks, "warm_up", lambda: 1 / 0)
    hooks.warm_up_if_possible()
    assert "could not set up the language model client" in caplog.text
