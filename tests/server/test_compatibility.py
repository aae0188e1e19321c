"""The start fails with one sentence if gunicorn is not compatible with the worker."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.http import wsgi
from gunicorn.http.message import Request

from storefront.server import compatibility
from storefront.server.compatibility import Incompatible
from tests.test_config import UNUSED_PORT, assert_start_failed, start


def master(**settings: object) -> Any:
    cfg = Config()
    for name, value in settings.items():
        cfg.set(name, value)
    return SimpleNamespace(cfg=cfg, SIG_QUEUE=SimpleNamespace(empty=lambda: True))


def test_installed_gunicorn_is_compatible() -> None:
    compatibility.check(master())


CHANGES: dict[str, tuple[Any, str, Any]] = {
    "missing method": (Request, "parse_headers", None),
    "parser with other parameters": (Request, "__init__", lambda self, cfg: None),
    "response that writes nothing": (wsgi.Response, "write", lambda self, data: None),
    "other structure of the environment": (wsgi, "create", lambda *_: (None, {})),
}


@pytest.mark.parametrize(("owner", "name", "value"), CHANGES.values(), ids=CHANGES)
def test_incompatible_gunicorn_is_refused(
    monkeypatch: pytest.MonkeyPatch, owner: object, name: str, value: object
) -> None:
    monkeypatch.setattr(owner, name, value)
    with pytest.raises(Incompatible, match=r"gunicorn \d.* requirements\.txt"):
        compatibility.check(master())


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [("certfile", "x.pem", "HTTPS"), ("proxy_protocol", "v1", "PROXY"), ("protocol", "uwsgi", "uwsgi")],
)
def test_unsupported_setting_is_refused(setting: str, value: str, message: str) -> None:
    with pytest.raises(Incompatible, match=message):
        compatibility.check(master(**{setting: value}))


def test_start_with_an_unsupported_setting_fails_with_one_sentence(tmp_path: Path) -> None:
    assert_start_failed(start(tmp_path, PORT=UNUSED_PORT, GUNICORN_CMD_ARGS="--certfile=x.pem"), "HTTPS", "proxy")
    assert not (tmp_path / "storefront.db").exists()
