"""`pip install .`: the shop works from a wheel, where templates and the like are inside the package."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from storefront.config import ROOT
from tests.conftest import CATALOG, SECRET

ASK = r"""
import re

import storefront
from storefront.config import ROOT
from storefront.server.bootstrap import prepare

app = storefront.create_app()
prepare(app)
client = app.test_client()
assert client.get("/healthz").status_code == 200
page = client.get("/t/north/", headers={"Accept-Language": "de"})
assert page.status_code == 200, page.status
style = re.search(r'href="(\S+\.css)"', page.text)[1]
assert client.get(style).status_code == 200, style
print(ROOT, page.headers["Content-Language"])
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the shop is installed, without its libraries and without a network."""
    folder = tmp_path_factory.mktemp("package")
    run(ROOT, "hatchling", "build", "-t", "wheel", "-d", str(folder))
    (wheel,) = folder.glob("*.whl")
    run(folder, "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", "site", str(wheel))
    return folder / "site"


def run(cwd: Path, *words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=cwd, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr


def test_an_installed_shop_serves_pages_in_every_language(site: Path, tmp_path: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(site),
        "DATA_DIR": str(tmp_path),
        "CATALOG": str(CATALOG),
        "SECRET_KEY": SECRET,
    }
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, f"{site / 'storefront'} de\n"), done.stderr


def test_gunicorn_finds_its_settings_in_the_package(site: Path, tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(site), "DATA_DIR": str(tmp_path)}
    gunicorn = str(Path(sys.executable).with_name("gunicorn"))
    command = [gunicorn, "-c", "python:storefront.gunicorn_conf", "--print-config"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "storefront:create_app()" in done.stdout


def test_everything_that_is_read_at_run_time_is_in_the_wheel(site: Path) -> None:
    for name in ("templates", "static", "translations", "migrations"):
        assert files(ROOT / name) == files(site / "storefront" / name), name
    assert files(ROOT / "storefront") <= files(site / "storefront")


def files(folder: Path) -> set[Path]:
    return {
        path.relative_to(folder) for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    }
