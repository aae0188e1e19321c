"""What `make` says of itself, and that `make reset` removes the database that is meant, and only when told to."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from storefront.config import ROOT

FILES = ("storefront.db", "storefront.db-wal", "storefront.db-shm", "storefront.db.lock", "storefront.db.prepare.lock")


def make(*words: str, answer: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    given = {"PATH": os.environ["PATH"], **environment}
    command = ["make", "--no-print-directory", *words]
    return subprocess.run(
        command, cwd=ROOT, env=given, input=answer, capture_output=True, text=True, timeout=60, check=False
    )


def test_make_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)[1].split())
    listed = [line.split()[1] for line in make().stdout.splitlines()]
    assert set(listed) == targets
    assert len(listed) == len(targets)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name in (*FILES, "secret_key"):
        (tmp_path / name).touch()
    return tmp_path


def left(data: Path) -> set[str]:
    return {path.name for path in data.iterdir()}


@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
def test_a_reset_asks_first(data: Path, answer: str) -> None:
    done = make("reset", answer=answer, DATA_DIR=str(data))
    assert done.returncode != 0
    assert f"Remove {data}/storefront.db" in done.stdout
    assert left(data) == {*FILES, "secret_key"}


@pytest.mark.parametrize(("words", "answer"), [(("YES=1",), ""), ((), "y\n")])
def test_a_reset_removes_the_database(data: Path, words: tuple[str, ...], answer: str) -> None:
    assert make("reset", *words, answer=answer, DATA_DIR=str(data)).returncode == 0
    assert left(data) == {"secret_key"}
    assert "nothing to remove" in make("reset", *words, DATA_DIR=str(data)).stdout


def test_a_reset_leaves_the_database_of_a_server_alone(data: Path) -> None:
    done = make("reset", "YES=1", DATA_DIR=str(data), DATABASE_URL="postgresql://shop@db/shop")
    assert done.returncode != 0
    assert "DATABASE_URL is set" in done.stderr
    assert left(data) == {*FILES, "secret_key"}
