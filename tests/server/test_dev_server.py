"""`make dev` on a copy of the project: changes take effect without a manual restart, also after a syntax error."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from storefront.config import ROOT
from tests.conftest import CATALOG
from tests.ports import free_port
from tests.servers import wait

FOLDERS = ("storefront", "templates", "static", "translations", "migrations")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the project's files that the test modifies."""
    for name in FOLDERS:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "gunicorn.conf.py", tmp_path)
    shutil.copy(CATALOG, tmp_path / "catalog.json")
    return tmp_path


@pytest.fixture
def port(copy: Path) -> Iterator[int]:
    number = free_port()
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    with (copy / "log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "storefront.server.dev_server"],
            cwd=copy,
            env=environment | {"PORT": str(number), "RATELIMIT_ENABLED": "false"},
            stdout=log,
            stderr=log,
        )
    yield number
    server.send_signal(signal.SIGTERM)
    assert server.wait(timeout=60) == 0


def get(port: int, path: str) -> str:
    """Return the body of the response; empty while no server listens, for example because the code has an error."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    except OSError:
        return ""
    finally:
        connection.close()


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_changed_files_take_effect(copy: Path, port: int) -> None:
    wait(lambda: "</html>" in get(port, "/t/north/"))

    append(copy / "templates" / "base.html", "<!-- a changed template -->")
    wait(lambda: "a changed template" in get(port, "/t/north/"))

    before = stylesheet(get(port, "/t/north/"))
    append(copy / "static" / "css" / "base.css", "\n.changed-style { color: red }\n")
    wait(lambda: stylesheet(get(port, "/t/north/")) not in ("", before))
    assert "changed-style" in get(port, stylesheet(get(port, "/t/north/")))

    append(copy / "storefront" / "clock.py", "\nthis is no Python\n")
    wait(lambda: "SyntaxError" in (copy / "log").read_text())
    shutil.copy(ROOT / "storefront" / "clock.py", copy / "storefront" / "clock.py")
    wait(lambda: "</html>" in get(port, "/t/north/"))


def stylesheet(page: str) -> str:
    found = re.search(r'href="(\S+\.css)"', page)
    return found[1] if found else ""
