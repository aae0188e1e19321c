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


def sentence(settings: Settings, *statements: str) -> str:
    """What is said of these statements on a new connection to the database."""
    engine = create_engine(settings.database_url, connect_args={"timeout": 0} if settings.on_sqlite else {})
    try:
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))
    except DBAPIError as fault:
        return database_fault(fault, settings)
    finally:
        engine.dispose()
    raise AssertionError("nothing went wrong")


def own(folder: Path) -> Settings:
    """Settings of an installation whose database is in DATA_DIR."""
    return Settings.from_environ({"DATA_DIR": str(folder)})


def fill_disk(file: Path) -> list[str]:
    return ["PRAGMA max_page_count = 3", "CREATE TABLE x (a)", "INSERT INTO x VALUES (zeroblob(200000))"]


def lock(file: Path) -> list[str]:
    held.append(sqlite3.connect(file, isolation_level=None))
    held[-1].execute("BEGIN EXCLUSIVE")
    return ["CREATE TABLE x (a)"]


def spoil(file: Path) -> list[str]:
    file.write_bytes(b"this is no database" * 100)
    return ["CREATE TABLE x (a)"]


def take_its_place(file: Path) -> list[str]:
    file.mkdir()
    return ["CREATE TABLE x (a)"]


def only_read(_file: Path) -> list[str]:
    return ["PRAGMA query_only = ON", "CREATE TABLE x (a)"]


held: list[sqlite3.Connection] = []


@pytest.mark.parametrize(
    ("arrange", "words"),
    [(fill_disk, "the disk is full"), (lock, "another program has locked it"), (spoil, "is no SQLite database"),
     (take_its_place, "it can't be opened"), (only_read, "it can't be written")],
)  # fmt: skip
def test_sqlites_reasons_are_told_apart(tmp_path: Path, arrange: Callable[[Path], list[str]], words: str):
    file = tmp_path / "storefront.db"
    said = sentence(own(tmp_path), *arrange(file))
    while held:
        held.pop().close()
    assert words in said, said
    assert said.startswith(f"DATA_DIR: the database {str(file)!r} can't be used: ")
    assert "DATABASE_URL" not in said, "nobody set it"
    assert said.count(". ") == 0


def test_a_file_elsewhere_is_named_by_the_setting_that_names_it(tmp_path: Path):
    url = f"sqlite:///{tmp_path}/elsewhere.db"
    said = sentence(settings_for(url, tmp_path / "data"), *spoil(tmp_path / "elsewhere.db"))
    assert said.startswith(f"DATABASE_URL: the database '{tmp_path}/elsewhere.db' can't be used: ")


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.ENOSPC, "the disk is full"), (errno.EACCES, "right to read and write"), (errno.EROFS, "read-only"),
     (errno.EIO, os.strerror(errno.EIO))],
)  # fmt: skip
def test_the_systems_reasons_are_told_apart(tmp_path: Path, number: int, words: str):
    file = str(tmp_path / "storefront.db.lock")
    said = database_fault(OSError(number, os.strerror(number), file), own(tmp_path))
    assert said.startswith(f"{file!r} can't be used: ")
    assert words in said
    assert database_fault(OSError(number, os.strerror(number)), own(tmp_path)).startswith("DATA_DIR: the database ")


STATES = {
    psycopg.errors.DiskFull: "the server's disk is full",
    psycopg.errors.ReadOnlySqlTransaction: "takes no changes",
    psycopg.errors.InsufficientPrivilege: "lacks a right",
    psycopg.errors.LockNotAvailable: "holds a lock",
    psycopg.errors.CannotConnectNow: "starting or shutting down",
    psycopg.errors.TooManyConnections: "no more connections",
}


def test_postgresqls_reasons_are_told_apart(tmp_path: Path):
    settings = settings_for(f"postgresql://keeper:{PASSWORD}@db.example:5433/shop", tmp_path)
    for state, words in STATES.items():
        said = database_fault(OperationalError("SELECT 1", {}, state("no matter")), settings)
        assert said.startswith("DATABASE_URL: the database 'shop' at db.example:5433 can't be used: ")
        assert words in said
        assert PASSWORD not in said
    unknown = database_fault(OperationalError("SELECT 1", {}, psycopg.OperationalError("odd\nand long")), settings)
    assert unknown.endswith("can't be used: odd.")


def test_a_server_that_lets_nobody_in_is_described(postgres: Postgres, tmp_path: Path):
    url = postgres.address("nosuch_database")
    assert "no database of that name: create it first" in sentence(settings_for(url, tmp_path))
    nobody = settings_for(postgres.address("postgres", role="nosuch_role"), tmp_path)
    assert "no role of that name: create it first" in sentence(nobody)
    away = settings_for(f"postgresql://keeper:{PASSWORD}@127.0.0.1:1/shop", tmp_path)
    assert "nothing answers there" in sentence(away)
    assert PASSWORD not in sentence(away)


def test_the_start_says_it_in_one_line(tmp_path: Path):
    data = tmp_path / "data"
    data.mkdir()
    spoil(data / "storefront.db")
    with serving(tmp_path) as server:
        assert server.process.wait(timeout=60) != 0
    *_, last = server.log.read_text().splitlines()
    assert last.startswith("storefront can't start: DATA_DIR: the database ")
    assert "is no SQLite database" in last
    assert "Traceback" not in server.log.read_text()


def test_a_catalogue_that_stops_the_start_is_named_once(tmp_path: Path):
    for name, words in (("nosuch.json", "can't be read"), ("empty.json", "is not valid JSON")):
        file = tmp_path / name
        if name == "empty.json":
            file.write_text("")
        with serving(tmp_path, CATALOG=str(file)) as server:
            assert server.process.wait(timeout=60) != 0
        said = server.log.read_text()
        assert f"storefront can't start: CATALOG {str(file)!r} {words}" in said
        assert said.count(name) == 1
