"""What a failure of the database means: busy (try again), away or not writable, or a fault of the program; and the
sentence that says it to an operator."""

import sqlite3

from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from storefront.config import Settings

BUSY_STATES = {
    "25P03",  # idle_in_transaction_session_timeout
    "40001",  # serialization failure
    "40P01",  # deadlock
    "55P03",  # lock_timeout
    "57014",  # statement_timeout, or cancelled by an administrator
}
READ_ONLY_STATE, NO_TABLE_STATE, NO_COLUMN_STATE, FULL_STATE = "25006", "42P01", "42703", "53100"
SQLITE_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
SQLITE_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
SQLITE_UNAVAILABLE = SQLITE_DAMAGED | {
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
}
NO_TABLES = "The database has no tables of this version yet: start the shop once (make run), which makes them."


def is_busy(fault: SQLAlchemyError) -> bool:
    """Whether a lock, a connection or an answer didn't come in time; nothing was changed, and trying again is safe."""
    if isinstance(fault, PoolTimeout):
        return True
    return sqlite_code(fault) in SQLITE_BUSY or postgresql_state(fault) in BUSY_STATES


def is_unavailable(fault: SQLAlchemyError) -> bool:
    """Whether the database is busy, away, damaged or can't be written to, whatever was asked of it."""
    if is_busy(fault) or isinstance(fault, OperationalError | InterfaceError):
        return True
    lost = isinstance(fault, DBAPIError) and fault.connection_invalidated
    return lost or sqlite_code(fault) in SQLITE_UNAVAILABLE or postgresql_state(fault) == READ_ONLY_STATE


def can_be_explained(fault: SQLAlchemyError) -> bool:
    """Whether `describe` has something to say that an operator can do something about."""
    return is_unavailable(fault) or postgresql_state(fault) in (NO_TABLE_STATE, NO_COLUMN_STATE, FULL_STATE)


def sqlite_code(fault: SQLAlchemyError) -> int | None:
    """The primary result code of SQLite; None for another database's error."""
    code: int | None = getattr(getattr(fault, "orig", None), "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def postgresql_state(fault: SQLAlchemyError) -> str | None:
    """The SQLSTATE of PostgreSQL; None for another database's error, and for a connection that wasn't made."""
    state: str | None = getattr(getattr(fault, "orig", None), "sqlstate", None)
    return state


def describe(fault: SQLAlchemyError, settings: Settings) -> str:
    """What is wrong with the database and what to do, in one sentence for an operator."""
    if is_busy(fault):
        return "The database is busy: something else has kept it locked for too long; try again, or end that."
    said = reason(fault)
    return describe_sqlite(fault, settings, said) if settings.on_sqlite else describe_postgresql(fault, said)


def describe_sqlite(fault: SQLAlchemyError, settings: Settings, said: str) -> str:
    code, file = sqlite_code(fault), make_url(settings.database_url).database or ":memory:"
    if code in SQLITE_DAMAGED:
        return f"The database {file} is damaged ({said}): put a backup in its place (docs/deploy.md, Backups)."
    if code == sqlite3.SQLITE_FULL:
        return f"The disk of the database {file} is full: make room and try again."
    if code in SQLITE_UNAVAILABLE:
        return f"The database {file} can't be opened or written to ({said}): check its folder, its owner and the disk."
    if "no such table" in said or "no such column" in said:
        return NO_TABLES
    return f"The database {file} can't be used: {said}."


def describe_postgresql(fault: SQLAlchemyError, said: str) -> str:
    state = postgresql_state(fault)
    if state in (NO_TABLE_STATE, NO_COLUMN_STATE):
        return NO_TABLES
    if state == READ_ONLY_STATE:
        return "The database of DATABASE_URL can only be read: it may be a replica, or its default is read-only."
    if state == FULL_STATE:
        return "The disk of the database server of DATABASE_URL is full: make room and try again."
    if state is None:
        return f"The database of DATABASE_URL can't be reached: {said}."
    return f"The database of DATABASE_URL can't be used: {said}."


def reason(fault: SQLAlchemyError) -> str:
    """What the database itself said, on one line and without the mark at its end."""
    said = str(getattr(fault, "orig", None) or fault).strip()
    return " ".join(said.split()).rstrip(".?")
