"""`make` lists its targets, and `make reset` removes the right database, only after confirmation."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from storefront.config import ROOT

FILES = ("storefront.db", "storefront.db-wal", "storefront.db-shm", "storefront.db.lock", "storefront.db.prepare.lock")


def make(*arguments: str, answer: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    variables = {"PATH": os.environ["PATH"], **environment}
    command = ["make", "--no-print-directory", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=variables, input=answer, capture_output=True, text=True, timeout=60, check=False
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


def remaining_files(data: Path) -> set[str]:
    return {path.name for path in data.iterdir()}


@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
def test_reset_without_confirmation_removes_nothing(data: Path, answer: str) -> None:
    done = make("reset", answer=answer, DATA_DIR=str(data))
    assert done.returncode != 0
    assert f"Remove {data}/storefront.db" in done.stdout
    assert remaining_files(data) == {*FILES, "secret_key"}


@pytest.mark.parametrize(("options", "answer"), [(("YES=1",), ""), ((), "y\n")])
def test_confirmed_reset_removes_the_database(data: Path, options: tuple[str, ...], answer: str) -> None:
    assert make("reset", *options, answer=answer, DATA_DIR=str(data)).returncode == 0
    assert remaining_files(data) == {"secret_key"}
    assert "nothing to remove" in make("reset", *options, DATA_DIR=str(data)).stdout


def test_reset_keeps_the_database_in_database_url(data: Path) -> None:
    done = make("reset", "YES=1", DATA_DIR=str(data), DATABASE_URL="postgresql://shop@db/shop")
    assert done.returncode != 0
    assert "DATABASE_URL is set" in done.stderr
    assert remaining_files(data) == {*FILES, "secret_key"}
