"""Explains errors with causes outside the program in one sentence for an operator."""

import errno

from sqlalchemy.exc import SQLAlchemyError

from storefront.config import ConfigError, Settings
from storefront.db.errors import can_be_explained, describe
from storefront.db.fault_messages import database_fault
from storefront.errors import Refusal


def explain_error(fault: Exception, settings: Settings) -> str | None:
    """One sentence with the cause and what to do. None for a bug, and for a closed output pipe (EPIPE)."""
    if isinstance(fault, Refusal):
        cause = fault.__cause__
        if not isinstance(cause, OSError | SQLAlchemyError):
            return fault.detail
        fault = cause
    if isinstance(fault, ConfigError):
        return str(fault)
    if isinstance(fault, SQLAlchemyError):
        return describe(fault, settings) if can_be_explained(fault) else None
    if isinstance(fault, OSError) and fault.errno != errno.EPIPE:
        return database_fault(fault, settings) if fault.filename else f"{fault.strerror or fault}."
    return None
