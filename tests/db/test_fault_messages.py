"""A database that can't be used is described in one sentence with the cause."""

import errno
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError

from storefront.config import Settings
from storefront.db.fault_messages import database_fault
from tests.conftest import settings_for
from tests.postgres import Postgres
from tests.servers import serving

PASSWORD = "swordfish-0123456789"


def error_message(settings: Settings, *statements: str) -> str:
    """Return the message for the error that these statements raise on a new connection."""
    engine = create_engine(settings.database_url, connect_args={"timeout": 0} if settings.on_sqlite else {})
    try:
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))
    except DBAPIError as fault:
        return database_fault(fault, settings)
    finally:
        engine.dispose()
    raise AssertionError("no statement failed")


def settings_of(folder: Path) -> Settings:
    """Return settings with DATA_DIR only, so that the database is in this folder."""
    return Settings.from_environ({"DATA_DIR": str(folder)})


def fill_disk(file: Path) -> list[str]:
    return ["PRAGMA max_page_count = 3", "CREATE TABLE x (a)", "INSERT INTO x VALUES (zeroblob(200000))"]


def lock(file: Path) -> list[str]:
    open_connections.append(sqlite3.connect(file, isolation_level=None))
    open_connections[-1].execute("BEGIN EXCLUSIVE")
    return ["CREATE TABLE x (a)"]


def overwrite_with_text(file: Path) -> list[str]:
    file.write_bytes(b"this is no database" * 100)
    return ["CREATE TABLE x (a)"]


def make_directory_in_its_place(file: Path) -> list[str]:
    file.mkdir()
    return ["CREATE TABLE x (a)"]


def make_read_only(_file: Path) -> list[str]:
    return ["PRAGMA query_only = ON", "CREATE TABLE x (a)"]


open_connections: list[sqlite3.Connection] = []


@pytest.mark.parametrize(
    ("cause_error", "reason"),
    [(fill_disk, "the disk is full"), (lock, "another program has locked it"),
     (overwrite_with_text, "is no SQLite database"), (make_directory_in_its_place, "it can't be opened"),
     (make_read_only, "it can't be written")],
)  # fmt: skip
def test_message_names_the_reason_of_an_sqlite_error(
    tmp_path: Path, cause_error: Callable[[Path], list[str]], reason: str
):
    file = tmp_path / "storefront.db"
    message = error_message(settings_of(tmp_path), *cause_error(file))
    while open_connections:
        open_connections.pop().close()
    assert reason in message, message
    assert message.startswith(f"DATA_DIR: the database {str(file)!r} can't be used: ")
    assert "DATABASE_URL" not in message, "DATABASE_URL isn't set"
    assert message.count(". ") == 0


def test_message_for_a_database_outside_data_dir_names_database_url(tmp_path: Path):
    url = f"sqlite:///{tmp_path}/elsewhere.db"
    message = error_message(settings_for(url, tmp_path / "data"), *overwrite_with_text(tmp_path / "elsewhere.db"))
    assert message.startswith(f"DATABASE_URL: the database '{tmp_path}/elsewhere.db' can't be used: ")


@pytest.mark.parametrize(
    ("number", "reason"),
    [(errno.ENOSPC, "the disk is full"), (errno.EACCES, "right to read and write"), (errno.EROFS, "read-only"),
     (errno.EIO, os.strerror(errno.EIO))],
)  # fmt: skip
def test_message_names_the_reason_of_an_operating_system_error(tmp_path: Path, number: int, reason: str):
    file = str(tmp_path / "storefront.db.lock")
    message = database_fault(OSError(number, os.strerror(number), file), settings_of(tmp_path))
    assert message.startswith(f"{file!r} can't be used: ")
    assert reason in message
    assert database_fault(OSError(number, os.strerror(number)), settings_of(tmp_path)).startswith(
        "DATA_DIR: the database "
    )


REASONS_BY_ERROR = {
    psycopg.errors.DiskFull: "the server's disk is full",
    psycopg.errors.ReadOnlySqlTransaction: "takes no changes",
    psycopg.errors.InsufficientPrivilege: "lacks a right",
    psycopg.errors.LockNotAvailable: "holds a lock",
    psycopg.errors.CannotConnectNow: "starting or shutting down",
    psycopg.errors.TooManyConnections: "no more connections",
}


def test_message_names_the_reason_of_a_postgresql_error(tmp_path: Path):
    settings = settings_for(f"postgresql://keeper:{PASSWORD}@db.example:5433/shop", tmp_path)
    for error, reason in REASONS_BY_ERROR.items():
        message = database_fault(OperationalError("SELECT 1", {}, error("no matter")), settings)
        assert message.startswith("DATABASE_URL: the database 'shop' at db.example:5433 can't be used: ")
        assert reason in message
        assert PASSWORD not in message
    unknown = database_fault(OperationalError("SELECT 1", {}, psycopg.OperationalError("odd\nand long")), settings)
    assert unknown.endswith("can't be used: odd.")


def test_message_describes_a_failed_connection(postgres: Postgres, tmp_path: Path):
    url = postgres.address("nosuch_database")
    assert "no database of that name: create it first" in error_message(settings_for(url, tmp_path))
    unknown_role = settings_for(postgres.address("postgres", role="nosuch_role"), tmp_path)
    assert "no role of that name: create it first" in error_message(unknown_role)
    unreachable = settings_for(f"postgresql://keeper:{PASSWORD}@127.0.0.1:1/shop", tmp_path)
    assert "nothing answers there" in error_message(unreachable)
    assert PASSWORD not in error_message(unreachable)


def test_failed_start_prints_the_message_in_one_line(tmp_path: Path):
    data = tmp_path / "data"
    data.mkdir()
    overwrite_with_text(data / "storefront.db")
    with serving(tmp_path) as server:
        assert server.process.wait(timeout=60) != 0
    *_, last = server.log.read_text().splitlines()
    assert last.startswith("storefront can't start: DATA_DIR: the database ")
    assert "is no SQLite database" in last
    assert "Traceback" not in server.log.read_text()


def test_failed_start_names_an_invalid_catalogue_once(tmp_path: Path):
    for name, reason in (("nosuch.json", "can't be read"), ("empty.json", "is not valid JSON")):
        file = tmp_path / name
        if name == "empty.json":
            file.write_text("")
        with serving(tmp_path, CATALOG=str(file)) as server:
            assert server.process.wait(timeout=60) != 0
        message = server.log.read_text()
        assert f"storefront can't start: CATALOG {str(file)!r} {reason}" in message
        assert message.count(name) == 1
