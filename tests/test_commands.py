"""Commands that fail print one sentence with the cause and the remedy, and no traceback."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import Result
from flask import Flask

from storefront import create_app
from storefront.config import ROOT
from storefront.error_messages import explain_error
from storefront.state import state_of
from storefront.timings import Timeouts, Timings
from tests.conftest import CATALOG, dispose, settings_for
from tests.locks import write_lock_held
from tests.servers import GUNICORN, serving, wait

SECRET = "only for these tests, of the required length"
FLASK = GUNICORN.parent / "flask"
CATALOG_LOAD = ("catalog", "load")
WITHOUT_PREPARATION = (CATALOG_LOAD, ("seed",))


WITHOUT_DATABASE = {("openapi",)}


def all_commands(command: click.Command, prefix: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Return every command that needs the database, as tuples of words."""
    if not isinstance(command, click.Group):
        return [] if prefix in WITHOUT_DATABASE else [prefix]
    return [leaf for name, part in command.commands.items() for leaf in all_commands(part, (*prefix, name))]


def run(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=list(arguments))


def is_one_sentence(result: Result) -> bool:
    """Return whether a command failed with one sentence. Usage errors of click (exit code 2) may have several lines."""
    assert isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    if result.exit_code == 2:
        return True
    return result.exit_code == 1 and result.stderr.startswith("Error: ") and result.stderr.count("\n") == 1


def test_commands_before_the_first_start_name_the_remedy(empty_url: str, tmp_path: Path) -> None:
    app = create_app(settings_for(empty_url, tmp_path))
    commands = all_commands(app.cli)
    assert len(commands) >= 8
    for words in commands:
        if words in WITHOUT_PREPARATION:
            continue
        result = run(app, *words)
        assert is_one_sentence(result), (words, result.output)
        assert result.exit_code == 2 or "start the shop once" in result.stderr, (words, result.output)
    dispose(app)


def test_catalogue_can_be_imported_before_the_first_start(empty_url: str, tmp_path: Path) -> None:
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


UNUSABLE_DATABASES = {
    "damaged": (damaged, "is no SQLite database"),
    "without its folder": (lambda _: "sqlite:////proc/nowhere/shop.db", "/proc/nowhere/shop.db"),
    "down": (lambda _: "postgresql://shop:secret-word@127.0.0.1:1/shop", "nothing answers there"),
}


@pytest.mark.parametrize("state", UNUSABLE_DATABASES)
def test_commands_with_an_unusable_database_name_the_reason(state: str, tmp_path: Path) -> None:
    make_url, reason = UNUSABLE_DATABASES[state]
    app = create_app(settings_for(make_url(tmp_path), tmp_path))
    commands = all_commands(app.cli)
    assert len(commands) >= 8
    for words in commands:
        result = run(app, *words)
        assert is_one_sentence(result), (words, result.output, result.exception)
        assert result.exit_code == 2 or reason in result.stderr, (words, result.output)
        assert "secret-word" not in result.output
    dispose(app)


def test_command_with_a_locked_database_names_the_lock(make_app: Callable[..., Flask], database_url: str) -> None:
    app = make_app(Timings(bulk_timeouts=Timeouts(lock=0.2, statement=5, idle=5)))
    with write_lock_held(database_url, "LOCK TABLE tenant"):
        result = run(app, "upsell", "off", "--tenant", "north")
    assert is_one_sentence(result)
    assert "another program has locked it" in result.stderr or "another session holds a lock" in result.stderr


def test_programming_error_keeps_its_traceback(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storefront.upsell.commands.set_upsell_enabled", lambda *_: 1 / 0)
    assert isinstance(run(app, "upsell", "off").exception, ZeroDivisionError)


def test_message_for_a_full_disk_names_no_setting(app: Flask) -> None:
    fault = OSError(28, "No space left on device", "/data/storefront.db.lock")
    message = explain_error(fault, state_of(app).settings)
    assert message == "'/data/storefront.db.lock' can't be used: the disk is full: make room there, then start again."


def flask(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `flask --app storefront …` in a separate process."""
    variables = {"PATH": os.environ["PATH"], "DATA_DIR": str(folder), "CATALOG": str(CATALOG)} | environment
    command = [str(FLASK), "--app", "storefront", *arguments]
    return subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("arguments", [["upsell", "on"], ["--help"], ["routes"]], ids=" ".join)
def test_invalid_setting_is_named_by_every_command(tmp_path: Path, arguments: list[str]) -> None:
    done = flask(tmp_path, *arguments, PORT="eighty")
    assert (done.returncode, done.stderr) == (1, "Error: PORT must be a whole number from 1 to 65535, not 'eighty'.\n")


def test_damaged_key_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_bytes(b"\xff\xfe\x00damaged")
    done = flask(tmp_path, "upsell", "on")
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: DATA_DIR '{tmp_path}' has a damaged secret_key")
    assert done.stderr.count("\n") == 1


def test_missing_catalogue_is_named(tmp_path: Path) -> None:
    done = flask(tmp_path, "catalog", "load", CATALOG="/nowhere/shops.json")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "/nowhere/shops.json" in done.stderr


@pytest.mark.parametrize("uri", ["localhost:6379", "ftp://localhost", "redis:localhost", "redis://localhost:port"])
def test_invalid_rate_limit_storage_prevents_the_start(tmp_path: Path, uri: str) -> None:
    with serving(tmp_path, RATELIMIT_STORAGE_URI=uri, TMPDIR=str(tmp_path)) as server:
        assert server.process.wait(timeout=60) == 1
    output = server.log.read_text()
    assert output.startswith("storefront can't start: RATELIMIT_STORAGE_URI must ")
    assert output.count("\n") == 1


def test_failed_start_prints_the_reason_and_leaves_no_folder(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for url, reason in (
        (damaged(tmp_path), "is no SQLite database"),
        ("postgresql://shop@127.0.0.1:1/shop", "nothing answers there"),
        ("sqlite:////proc/nowhere/shop.db", "can't be opened"),
    ):
        with serving(tmp_path, DATABASE_URL=url, SECRET_KEY=SECRET, TMPDIR=str(tmp_path)) as server:
            assert server.process.wait(timeout=60) == 1
        log = server.log.read_text()
        assert reason in log
        assert "Traceback" not in log
        assert "storefront can't start: " in log
    assert not list(tmp_path.glob("storefront-metrics*"))


def metrics_folders(folder: Path) -> set[Path]:
    return set(folder.glob("storefront-metrics*"))


def test_metrics_folders_of_ended_servers_are_removed(tmp_path: Path) -> None:
    """Also those of killed servers. Running servers have separate folders."""
    settings = {"TMPDIR": str(tmp_path), "WEB_CONCURRENCY": "1"}
    with serving(tmp_path, **settings) as killed:
        wait(killed.is_up)
        os.killpg(killed.process.pid, 9)
        killed.process.wait()
    orphaned = metrics_folders(tmp_path)
    assert len(orphaned) == 1
    with serving(tmp_path, **settings) as first:
        wait(first.is_up)
        assert not orphaned & metrics_folders(tmp_path), "the next start didn't remove it"
        with serving(tmp_path, **settings) as second:
            wait(second.is_up)
            assert len(metrics_folders(tmp_path)) == 2
            assert second.stop() == 0
        assert "storefront_http_requests_total" in first.get("/metrics")[1]
        assert first.stop() == 0
    assert not metrics_folders(tmp_path)
