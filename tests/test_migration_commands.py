"""`flask --app storefront db …` on both databases: versions forth and back, new revisions, and the lock of a start."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from storefront import create_app
from storefront.config import ROOT
from tests.conftest import dispose, settings_for

REVISIONS = sorted(path.name[:4] for path in (ROOT / "migrations" / "versions").glob("*.py"))
HEAD = REVISIONS[-1]


def db(app: Flask, *words: str) -> Result:
    return app.test_cli_runner().invoke(args=["db", *words])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the migrations, to write new ones into."""
    return shutil.copytree(ROOT / "migrations", tmp_path / "migrations")


def new_revisions(folder: Path) -> list[Path]:
    return [path for path in sorted((folder / "versions").glob("*.py")) if path.name[:4] > HEAD]


def test_the_revisions_make_what_the_models_say(app: Flask) -> None:
    result = db(app, "check")
    assert (result.exit_code, result.stderr) == (0, ""), result.output


def test_versions_go_back_and_forth(app: Flask) -> None:
    assert db(app, "current").stdout == f"{HEAD} (head)\n"
    assert db(app, "downgrade").stdout == f"{REVISIONS[-2]}\n"
    assert db(app, "current").stdout == f"{REVISIONS[-2]}\n"
    assert db(app, "check").exit_code == 1, "the database is not up to date"
    assert db(app, "upgrade").stdout == f"{HEAD} (head)\n"
    listed = [line.split()[2].rstrip(",") for line in db(app, "history").stdout.splitlines()]
    assert listed == REVISIONS[::-1]


def test_a_revision_by_hand_gets_the_next_number(app: Flask, folder: Path) -> None:
    result = db(app, "revision", "-d", str(folder), "-m", "add staff")
    assert result.exit_code == 0, result.output
    (written,) = new_revisions(folder)
    assert written.name == f"{int(HEAD) + 1:04}_add_staff.py"
    assert f"down_revision = '{HEAD}'" in written.read_text()


def test_nothing_is_written_when_the_models_did_not_change(app: Flask, folder: Path) -> None:
    result = db(app, "migrate", "-d", str(folder), "-m", "nothing")
    assert (result.exit_code, new_revisions(folder)) == (0, []), result.output
    assert "there is nothing to write" in result.stdout


def test_a_generated_revision_imports_nothing_of_the_application(app: Flask, folder: Path) -> None:
    """As after a change of the models: the database is older than its version says."""
    db(app, "downgrade", "0001")
    db(app, "stamp", "head")
    result = db(app, "migrate", "-d", str(folder), "-m", "what is missing")
    assert result.exit_code == 0, result.output
    (written,) = new_revisions(folder)
    assert "sa.DateTime(timezone=True)" in written.read_text()
    assert "storefront" not in written.read_text()


def test_what_changes_tables_has_the_lock_of_a_start(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    locked: list[str] = []

    @contextmanager
    def lock() -> Iterator[None]:
        locked.append("taken")
        yield
        locked.append("released")

    monkeypatch.setattr("storefront.migration_commands.preparation_lock", lock)
    for words in (["current"], ["history"], ["check"]):
        assert (db(app, *words).exit_code, locked) == (0, []), words
    for words in (["downgrade"], ["upgrade"], ["stamp", "head"]):
        assert (db(app, *words).exit_code, locked) == (0, ["taken", "released"]), words
        locked.clear()


def test_a_database_that_is_away_is_one_sentence(tmp_path: Path) -> None:
    app = create_app(settings_for("postgresql://shop:secret-word@127.0.0.1:1/shop", tmp_path))
    for words in (["current"], ["upgrade"], ["downgrade"], ["check"]):
        result = db(app, *words)
        assert (result.exit_code, result.stderr.count("\n")) == (1, 1), (words, result.output)
        assert "nothing answers there" in result.stderr
        assert "secret-word" not in result.output
    dispose(app)
