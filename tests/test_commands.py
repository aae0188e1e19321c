"""Commands print one sentence with the cause and what to do, and no traceback, in any state of the shop."""

import os
import subprocess
from pathlib import Path

import click
import pytest
from click.testing import Result
from flask import Flask

from storefront import create_app
from storefront.config import ROOT
from storefront.db.timeouts import Timeouts
from storefront.error_messages import explain_error
from storefront.state import state_of
from tests.conftest import CATALOG, dispose, settings_for
from tests.locks import somebody_writes
from tests.servers import GUNICORN, serving, wait

SECRET = "only for these tests, and long enough to be taken"
FLASK = GUNICORN.parent / "flask"
CATALOG_LOAD = ("catalog", "load")
CAN_COME_FIRST = (CATALOG_LOAD, ("seed",))


WITHOUT_DATABASE = {("openapi",)}


def all_commands(command: click.Command, words: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every command of the shop that needs its database, by its words."""
    if not isinstance(command, click.Group):
        return [] if words in WITHOUT_DATABASE else [words]
    return [leaf for name, part in command.commands.items() for leaf in all_commands(part, (*words, name))]


def run(app: Flask, *words: str) -> Result:
    return app.test_cli_runner().invoke(args=list(words))


def is_one_sentence(result: Result) -> bool:
    """What click says of a wrong use (2) has its own form."""
    assert isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    if result.exit_code == 2:
        return True
    return result.exit_code == 1 and result.stderr.startswith("Error: ") and result.stderr.count("\n") == 1


def test_before_the_first_start_they_say_so(empty_url: str, tmp_path: Path) -> None:
    app = create_app(settings_for(empty_url, tmp_path))
    commands = all_commands(app.cli)
    assert len(commands) >= 8
    for words in commands:
        if words in CAN_COME_FIRST:
            continue
        result = run(app, *words)
        assert is_one_sentence(result), (words, result.output)
        assert result.exit_code == 2 or "start the shop once" in result.stderr, (words, result.output)
    dispose(app)


def test_a_catalogue_can_be_loaded_before_the_first_start(empty_url: str, tmp_path: Path) -> None:
    app = create_app(settings_for(empty_url, tmp_path))
    for _ in range(2):
        result = run(app, *CATALOG_LOAD)
        assert (result.exit_code, result.stderr) == (0, ""), result.output
    assert run(app, "upsell", "off", "--tenant", "north").exit_code == 0
    dispose(app)


def damaged(folder: Path) -> str:
    path = folder / "damaged.db"
    path.write_bytes(os.urandom(9000))
    return f"sqlite:///{path}"


BROKEN = {
    "damaged": (damaged, "is no SQLite database"),
    "without its folder": (lambda _: "sqlite:////proc/nowhere/shop.db", "/proc/nowhere/shop.db"),
    "down": (lambda _: "postgresql://shop:secret-word@127.0.0.1:1/shop", "nothing answers there"),
}


@pytest.mark.parametrize("state", BROKEN)
def test_with_a_database_that_cannot_be_used_they_say_why(state: str, tmp_path: Path) -> None:
    make, said = BROKEN[state]
    app = create_app(settings_for(make(tmp_path), tmp_path))
    commands = all_commands(app.cli)
    assert len(commands) >= 8
    for words in commands:
        result = run(app, *words)
        assert is_one_sentence(result), (words, result.output, result.exception)
        assert result.exit_code == 2 or said in result.stderr, (words, result.output)
        assert "secret-word" not in result.output
    dispose(app)


def test_a_locked_database_is_said_to_be_busy(app: Flask, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storefront.commands.BULK", Timeouts(lock=0.2, statement=5, idle=5))
    with somebody_writes(database_url, "LOCK TABLE tenant"):
        result = run(app, "upsell", "off", "--tenant", "north")
    assert is_one_sentence(result)
    assert "another program has locked it" in result.stderr or "another session holds a lock" in result.stderr


def test_a_fault_of_the_program_keeps_its_traceback(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storefront.upsell.commands.set_upsell_enabled", lambda *_: 1 / 0)
    assert isinstance(run(app, "upsell", "off").exception, ZeroDivisionError)


def test_a_full_disk_is_not_blamed_on_a_setting(app: Flask) -> None:
    fault = OSError(28, "No space left on device", "/data/storefront.db.lock")
    said = explain_error(fault, state_of(app).settings)
    assert said == "'/data/storefront.db.lock' can't be used: the disk is full: make room there, then start again."


def flask(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`flask --app storefront …` as an operator types it."""
    given = {"PATH": os.environ["PATH"], "DATA_DIR": str(folder), "CATALOG": str(CATALOG)} | environment
    command = [str(FLASK), "--app", "storefront", *words]
    return subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("words", [["upsell", "on"], ["--help"], ["routes"]], ids=" ".join)
def test_a_wrong_setting_is_named_whatever_is_asked(tmp_path: Path, words: list[str]) -> None:
    done = flask(tmp_path, *words, PORT="eighty")
    assert (done.returncode, done.stderr) == (1, "Error: PORT must be a whole number from 1 to 65535, not 'eighty'.\n")


def test_a_damaged_key_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_bytes(b"\xff\xfe\x00damaged")
    done = flask(tmp_path, "upsell", "on")
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: DATA_DIR '{tmp_path}' has a damaged secret_key")
    assert done.stderr.count("\n") == 1


def test_a_file_of_shops_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = flask(tmp_path, "catalog", "load", CATALOG="/nowhere/shops.json")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "/nowhere/shops.json" in done.stderr


@pytest.mark.parametrize("uri", ["localhost:6379", "ftp://localhost", "redis:localhost", "redis://localhost:port"])
def test_a_wrong_storage_for_rate_limits_stops_the_start(tmp_path: Path, uri: str) -> None:
    with serving(tmp_path, RATELIMIT_STORAGE_URI=uri, TMPDIR=str(tmp_path)) as server:
        assert server.process.wait(timeout=60) == 1
    said = server.log.read_text()
    assert said.startswith("storefront can't start: RATELIMIT_STORAGE_URI must ")
    assert said.count("\n") == 1


def test_a_start_that_fails_says_why_and_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for url, said in (
        (damaged(tmp_path), "is no SQLite database"),
        ("postgresql://shop@127.0.0.1:1/shop", "nothing answers there"),
        ("sqlite:////proc/nowhere/shop.db", "can't be opened"),
    ):
        with serving(tmp_path, DATABASE_URL=url, SECRET_KEY=SECRET, TMPDIR=str(tmp_path)) as server:
            assert server.process.wait(timeout=60) == 1
        log = server.log.read_text()
        assert said in log
        assert "Traceback" not in log
        assert "storefront can't start: " in log
    assert not list(tmp_path.glob("storefront-metrics*"))


def folders(folder: Path) -> set[Path]:
    return set(folder.glob("storefront-metrics*"))


def test_no_folder_of_metrics_is_left_behind(tmp_path: Path) -> None:
    """By a server that ended or was killed; and nobody takes another one's."""
    settings = {"TMPDIR": str(tmp_path), "WEB_CONCURRENCY": "1"}
    with serving(tmp_path, **settings) as killed:
        wait(killed.is_up)
        os.killpg(killed.process.pid, 9)
        killed.process.wait()
    left = folders(tmp_path)
    assert len(left) == 1
    with serving(tmp_path, **settings) as first:
        wait(first.is_up)
        assert not left & folders(tmp_path), "the next start removed it"
        with serving(tmp_path, **settings) as second:
            wait(second.is_up)
            assert len(folders(tmp_path)) == 2
            assert second.stop() == 0
        assert "storefront_http_requests_total" in first.get("/metrics")[1]
        assert first.stop() == 0
    assert not folders(tmp_path)
