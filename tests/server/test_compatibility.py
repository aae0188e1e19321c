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
from tests.test_config import UNUSED, check_gave_up, start


def master(**settings: object) -> Any:
    cfg = Config()
    for name, value in settings.items():
        cfg.set(name, value)
    return SimpleNamespace(cfg=cfg, SIG_QUEUE=SimpleNamespace(empty=lambda: True))


def test_the_installed_gunicorn_is_the_one_that_the_worker_is_written_for() -> None:
    compatibility.check(master())


CHANGES: dict[str, tuple[Any, str, Any]] = {
    "a name that is gone": (Request, "parse_headers", None),
    "a parser that takes something else": (Request, "__init__", lambda self, cfg: None),
    "a response that writes nothing": (wsgi.Response, "write", lambda self, data: None),
    "an environment of another shape": (wsgi, "create", lambda *_: (None, {})),
}


@pytest.mark.parametrize(("owner", "name", "value"), CHANGES.values(), ids=CHANGES)
def test_a_gunicorn_that_works_otherwise_is_refused(
    monkeypatch: pytest.MonkeyPatch, owner: object, name: str, value: object
) -> None:
    monkeypatch.setattr(owner, name, value)
    with pytest.raises(Incompatible, match=r"gunicorn \d.* requirements\.txt"):
        compatibility.check(master())


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [("certfile", "x.pem", "HTTPS"), ("proxy_protocol", "v1", "PROXY"), ("protocol", "uwsgi", "uwsgi")],
)
def test_what_the_worker_cannot_do_is_refused(setting: str, value: str, said: str) -> None:
    with pytest.raises(Incompatible, match=said):
        compatibility.check(master(**{setting: value}))


def test_the_server_says_so_in_a_sentence(tmp_path: Path) -> None:
    check_gave_up(start(tmp_path, PORT=UNUSED, GUNICORN_CMD_ARGS="--certfile=x.pem"), "HTTPS", "proxy")
    assert not (tmp_path / "storefront.db").exists()
