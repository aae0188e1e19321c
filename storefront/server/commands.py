"""The base of all `flask` commands: an error that the operator can fix is one sentence on standard error and exit
status 1; a wrong option is status 2, as in click."""

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from flask.cli import AppGroup, ScriptInfo
from sqlalchemy.exc import SQLAlchemyError

from storefront.catalog.json_file import CatalogError
from storefront.config import ConfigError, Settings
from storefront.db.errors import can_be_explained, describe
from storefront.db.fault_messages import database_fault
from storefront.db.timeouts import BULK, timeouts_in_force
from storefront.errors import Refusal
from storefront.observability.redaction import redact


class StandaloneCommand(click.Command):
    """A command outside of any group."""

    def invoke(self, ctx: click.Context) -> Any:
        with timeouts_in_force(BULK), errors_as_click_exceptions(ctx):
            return super().invoke(ctx)


class CommandGroup(AppGroup):
    """A group of commands that run in an application context."""

    def invoke(self, ctx: click.Context) -> Any:
        with timeouts_in_force(BULK), errors_as_click_exceptions(ctx):
            return super().invoke(ctx)


@contextmanager
def errors_as_click_exceptions(ctx: click.Context) -> Iterator[None]:
    """Convert errors that an operator can fix to `click.ClickException`; others keep their traceback."""
    try:
        yield
    except click.ClickException as fault:
        message = redact(fault.message)
        if message == fault.message:
            raise
        raise click.ClickException(message) from None
    except Exception as fault:
        app = ctx.ensure_object(ScriptInfo).load_app()  # whose context may have ended with the command
        settings: Settings = app.extensions["storefront_settings"]
        if sentence := explain_error(fault, settings):
            raise click.ClickException(redact(sentence)) from fault
        raise


def explain_error(fault: Exception, settings: Settings) -> str | None:
    """Return one sentence with the cause and what to do; None for a bug, and for a closed output pipe (EPIPE)."""
    if isinstance(fault, Refusal):
        cause = fault.__cause__
        if not isinstance(cause, OSError | SQLAlchemyError):
            return fault.detail
        fault = cause
    if isinstance(fault, ConfigError | CatalogError):
        return str(fault)
    if isinstance(fault, SQLAlchemyError):
        return describe(fault, settings) if can_be_explained(fault) else None
    if isinstance(fault, OSError) and fault.errno != errno.EPIPE:
        return database_fault(fault, settings) if fault.filename else f"{fault.strerror or fault}."
    return None


def end_flask_command(fault: ConfigError) -> None:
    """Under `flask`, print the message and exit with status 1 instead of a traceback."""
    if click.get_current_context(silent=True):
        click.echo(f"Error: {fault}", err=True)
        sys.exit(1)
