"""Classifies database errors: busy (a retry may succeed), unavailable, or a bug; and explains them to an operator."""

import sqlite3

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from storefront.config import Settings
from storefront.db.fault_messages import database_fault

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
    """Whether a lock, a connection or an answer timed out. Nothing was changed, so a retry is safe."""
    if isinstance(fault, PoolTimeout):
        return True
    return sqlite_code(fault) in SQLITE_BUSY or postgresql_state(fault) in BUSY_STATES


def is_unavailable(fault: SQLAlchemyError) -> bool:
    """Whether the database is busy, unreachable, damaged or read-only, which no other statement would change."""
    if is_busy(fault) or isinstance(fault, OperationalError | InterfaceError):
        return True
    lost = isinstance(fault, DBAPIError) and fault.connection_invalidated
    return lost or sqlite_code(fault) in SQLITE_UNAVAILABLE or postgresql_state(fault) == READ_ONLY_STATE


def can_be_explained(fault: SQLAlchemyError) -> bool:
    """Whether `describe` returns a sentence that an operator can act on."""
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
    """One sentence for an operator: what is wrong with the database and what to do."""
    if isinstance(fault, PoolTimeout):
        return "The database is busy: no connection to it became free in time; try again."
    message = reason(fault)
    missing = "no such table" in message or "no such column" in message
    if missing or postgresql_state(fault) in (NO_TABLE_STATE, NO_COLUMN_STATE):
        return NO_TABLES
    return database_fault(fault, settings) if isinstance(fault, DBAPIError) else message


def reason(fault: SQLAlchemyError) -> str:
    """The database's own message, on one line and without final punctuation."""
    message = str(getattr(fault, "orig", None) or fault).strip()
    return " ".join(message.split()).rstrip(".?")
