"""The base of all `flask` commands: an error that the operator can fix is one sentence on standard error and exit
status 1; a wrong option is status 2, as in click."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from flask.cli import AppGroup, ScriptInfo

from storefront.config import ConfigError
from storefront.db.timeouts import timeouts_in_force
from storefront.error_messages import explain_error
from storefront.observability.redaction import redact
from storefront.state import state_of
from storefront.timings import Timeouts, timings_of


class StandaloneCommand(click.Command):
    """A command outside of any group."""

    def invoke(self, ctx: click.Context) -> Any:
        with timeouts_in_force(bulk_timeouts(ctx)), errors_as_click_exceptions(ctx):
            return super().invoke(ctx)


class CommandGroup(AppGroup):
    """A group of commands that run in an application context."""

    def invoke(self, ctx: click.Context) -> Any:
        with timeouts_in_force(bulk_timeouts(ctx)), errors_as_click_exceptions(ctx):
            return super().invoke(ctx)


def bulk_timeouts(ctx: click.Context) -> Timeouts:
    return timings_of(ctx.ensure_object(ScriptInfo).load_app()).bulk_timeouts


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
        settings = state_of(app).settings
        if sentence := explain_error(fault, settings):
            raise click.ClickException(redact(sentence)) from fault
        raise


def end_flask_command(fault: ConfigError) -> None:
    """Under `flask`, print the message and exit with status 1 instead of a traceback."""
    if click.get_current_context(silent=True):
        click.echo(f"Error: {fault}", err=True)
        sys.exit(1)
