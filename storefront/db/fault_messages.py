"""Explains a database error in one sentence that names the cause and what to do about it."""

import errno
import re
import sqlite3
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from storefront.config import Settings

SQLITE_REASONS = {
    "SQLITE_FULL": "the disk is full: make room there, then start again",
    "SQLITE_READONLY": "it can't be written: give the shop's user the right to write the file and its folder",
    "SQLITE_PERM": "it can't be opened: give the shop's user the right to read and write it",
    "SQLITE_CANTOPEN": "it can't be opened: check that the folder is there and that the shop's user may write to it",
    "SQLITE_NOTADB": "it is no SQLite database: move the file away, or restore it from a backup",
    "SQLITE_CORRUPT": "it is damaged: restore it from a backup",
    "SQLITE_BUSY": "another program has locked it: end that program, then start again",
    "SQLITE_LOCKED": "another program has locked it: end that program, then start again",
    "SQLITE_IOERR": "the disk can't be read or written: check the disk",
    "SQLITE_PROTOCOL": "its folder can't be locked, as on some network drives: use a local disk",
}
"""By the name of SQLite's primary result code."""
SYSTEM_REASONS = {
    errno.ENOSPC: SQLITE_REASONS["SQLITE_FULL"],
    errno.EDQUOT: "the quota of disk space is used up: make room there, then start again",
    errno.EACCES: SQLITE_REASONS["SQLITE_PERM"],
    errno.ENOENT: SQLITE_REASONS["SQLITE_CANTOPEN"],
    errno.EPERM: SQLITE_REASONS["SQLITE_PERM"],
    errno.EROFS: "the disk is read-only: use a folder that can be written to",
}
POSTGRESQL_REASONS = {
    "53100": "the server's disk is full: make room there, then start again",
    "53200": "the server is out of memory",
    "53300": "the server takes no more connections: raise its max_connections, or run fewer processes",
    "25006": "it takes no changes, as a replica does: name the primary server",
    "42501": "the role lacks a right that the shop needs: make it the owner of the database",
    "55P03": "another session holds a lock: end that session, then start again",
    "57P03": "the server is starting or shutting down: try again in a moment",
    "28P01": "the password is wrong",
    "28000": "the server rejects this role: check the role and pg_hba.conf",
    "3D000": "there is no such database: create it first",
}
"""By SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html)."""
CONNECTION_REASONS = {
    "password authentication failed": POSTGRESQL_REASONS["28P01"],
    "no pg_hba.conf entry": POSTGRESQL_REASONS["28000"],
    "too many clients": POSTGRESQL_REASONS["53300"],
    "remaining connection slots": POSTGRESQL_REASONS["53300"],
    "the database system is": POSTGRESQL_REASONS["57P03"],
    "Connection refused": "nothing answers there: check the address, and that the server runs",
    "No such file or directory": "nothing answers there: check the address, and that the server runs",
    "failed to resolve host": "there is no host of that name: check the address",
    "timeout expired": "nothing answered in time: check the address and the network",
    "timed out": "nothing answered in time: check the address and the network",
}
"""By a part of the driver's message. While it connects, the driver has no SQLSTATE."""
MISSING = re.compile(r'(database|role) "[^"]*" does not exist')


def database_fault(fault: DBAPIError | OSError, settings: Settings) -> str:
    """One sentence about a database that can't be used. It never contains the password of DATABASE_URL."""
    if isinstance(fault, OSError):
        reason = SYSTEM_REASONS.get(fault.errno or 0) or f"the operating system reports: {fault.strerror}"
        return f"{repr(str(fault.filename)) if fault.filename else named(settings)} can't be used: {reason}."
    return f"{named(settings)} can't be used: {reason_of(fault)}."


def named(settings: Settings) -> str:
    """The database by the setting that names it. A file outside DATA_DIR comes from DATABASE_URL."""
    url = make_url(settings.database_url)
    if not settings.on_sqlite:
        server = f"{url.host or url.query.get('host') or 'localhost'}{f':{url.port}' if url.port else ''}"
        return f"DATABASE_URL: the database {url.database!r} at {server}"
    file = Path(url.database or ":memory:")
    setting = "DATA_DIR" if file.parent == settings.data_dir else "DATABASE_URL"
    return f"{setting}: the database {str(file)!r}"


def reason_of(fault: DBAPIError) -> str:
    """The reason and what to do. For a code that isn't in the tables, the first line of the database's message."""
    cause, message = fault.orig, str(fault.orig).strip()
    if isinstance(cause, sqlite3.Error):
        name = getattr(cause, "sqlite_errorname", "")
        code = next((code for code in SQLITE_REASONS if name == code or name.startswith(code + "_")), "")
        found = SQLITE_REASONS.get(code)
    else:
        found = POSTGRESQL_REASONS.get(getattr(cause, "sqlstate", None) or "") or connection_reason(message)
    return found or (message.splitlines() or [type(cause).__name__])[0].rstrip(".")


def connection_reason(message: str) -> str | None:
    if missing := MISSING.search(message):
        return f"the server has no {missing[1]} of that name: create it first"
    return next((reason for part, reason in CONNECTION_REASONS.items() if part in message), None)
