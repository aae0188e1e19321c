"""Which static files are served, and the error for an invalid source."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from storefront.config import ROOT
from storefront.web.static_files import STATIC_FOLDER, StaticFiles
from tests.ports import free_port

ADDED = "\n.added {\n  color: red;\n}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the static files, without most of the images."""
    return Path(shutil.copytree(STATIC_FOLDER, tmp_path / "static", ignore=shutil.ignore_patterns("[a-o]*.webp")))


def change(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)
    later = path.stat().st_mtime_ns + 1_000_000  # file systems may have coarse timestamps
    os.utime(path, ns=(later, later))


def test_only_bundles_of_scripts_and_styles_are_served(folder: Path) -> None:
    files = StaticFiles(folder)
    served = {url.removeprefix("/static/") for url in files.answers}
    assert {"js/shop.js", "css/style.css", "vendor/htmx.min.js", "fonts/figtree.woff2"} <= served
    assert {name for name in served if name.startswith(("js/", "css/"))} == {
        *("js/shop.js", files.hashed["js/shop.js"]),
        *("js/admin.js", files.hashed["js/admin.js"]),
        *("js/document.js", files.hashed["js/document.js"]),
        *("css/document.css", files.hashed["css/document.css"]),
        *("css/style.css", files.hashed["css/style.css"]),
        *("css/admin.css", files.hashed["css/admin.css"]),
    }


def test_invalid_stylesheet_prevents_the_start_with_one_sentence(tmp_path: Path) -> None:
    for name in ("storefront", "static", "templates", "translations", "migrations"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "*.webp"))
    for name in ("gunicorn.conf.py", "catalog.json"):
        shutil.copy(ROOT / name, tmp_path / name)
    change(tmp_path / "static" / "css" / "components" / "card.css", "}")
    environment = {"PATH": os.environ["PATH"], "PORT": str(free_port()), "DATA_DIR": str(tmp_path / "data")}
    done = subprocess.run(
        [Path(sys.executable).parent / "gunicorn"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "storefront can't start: " in done.stderr
    assert "card.css is broken in line" in done.stderr
    assert "Traceback" not in done.stderr
