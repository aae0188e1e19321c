"""`flask --app storefront db …` on both databases: upgrade, downgrade, new revisions, and the preparation lock."""

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


def db(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=["db", *arguments])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the migrations, for new revisions."""
    return shutil.copytree(ROOT / "migrations", tmp_path / "migrations")


def new_revisions(folder: Path) -> list[Path]:
    return [path for path in sorted((folder / "versions").glob("*.py")) if path.name[:4] > HEAD]


def test_revisions_match_the_models(app: Flask) -> None:
    result = db(app, "check")
    assert (result.exit_code, result.stderr) == (0, ""), result.output


def test_downgrade_and_upgrade(app: Flask) -> None:
    assert db(app, "current").stdout == f"{HEAD} (head)\n"
    assert db(app, "downgrade").stdout == f"{REVISIONS[-2]}\n"
    assert db(app, "current").stdout == f"{REVISIONS[-2]}\n"
    assert db(app, "check").exit_code == 1, "an outdated database passed the check"
    assert db(app, "upgrade").stdout == f"{HEAD} (head)\n"
    listed = [line.split()[2].rstrip(",") for line in db(app, "history").stdout.splitlines()]
    assert listed == REVISIONS[::-1]


def test_empty_revision_gets_the_next_number(app: Flask, folder: Path) -> None:
    result = db(app, "revision", "-d", str(folder), "-m", "add staff")
    assert result.exit_code == 0, result.output
    (written,) = new_revisions(folder)
    assert written.name == f"{int(HEAD) + 1:04}_add_staff.py"
    assert f"down_revision = '{HEAD}'" in written.read_text()


def test_no_revision_is_written_without_a_change_of_the_models(app: Flask, folder: Path) -> None:
    result = db(app, "migrate", "-d", str(folder), "-m", "nothing")
    assert (result.exit_code, new_revisions(folder)) == (0, []), result.output
    assert "there is nothing to write" in result.stdout


def test_generated_revision_does_not_import_the_application(app: Flask, folder: Path) -> None:
    """Simulate a change of the models with a database that is older than its version table states."""
    db(app, "downgrade", "0001")
    db(app, "stamp", "head")
    result = db(app, "migrate", "-d", str(folder), "-m", "what is missing")
    assert result.exit_code == 0, result.output
    (written,) = new_revisions(folder)
    assert "sa.DateTime(timezone=True)" in written.read_text()
    assert "storefront" not in written.read_text()


def test_commands_that_change_tables_take_the_preparation_lock(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    locked: list[str] = []

    @contextmanager
    def lock() -> Iterator[None]:
        locked.append("taken")
        yield
        locked.append("released")

    monkeypatch.setattr("storefront.migration_commands.preparation_lock", lock)
    for arguments in (["current"], ["history"], ["check"]):
        assert (db(app, *arguments).exit_code, locked) == (0, []), arguments
    for arguments in (["downgrade"], ["upgrade"], ["stamp", "head"]):
        assert (db(app, *arguments).exit_code, locked) == (0, ["taken", "released"]), arguments
        locked.clear()


def test_unreachable_database_is_reported_in_one_line(tmp_path: Path) -> None:
    app = create_app(settings_for("postgresql://shop:secret-word@127.0.0.1:1/shop", tmp_path))
    for arguments in (["current"], ["upgrade"], ["downgrade"], ["check"]):
        result = db(app, *arguments)
        assert (result.exit_code, result.stderr.count("\n")) == (1, 1), (arguments, result.output)
        assert "nothing answers there" in result.stderr
        assert "secret-word" not in result.output
    dispose(app)
