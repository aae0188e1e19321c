"""What all `flask` commands have in common: what goes wrong outside of the program is one sentence on standard error,
and exit status 1; a wrong option is 2, as click has it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from flask.cli import AppGroup, ScriptInfo

from storefront.config import ConfigError
from storefront.db.timeouts import BULK, timeouts_in_force
from storefront.error_messages import explain_error
from storefront.observability.redaction import redact
from storefront.state import state_of


class StandaloneCommand(click.Command):
    """A command that stands by itself, outside of any group."""

    def invoke(self, ctx: click.Context) -> Any:
        with timeouts_in_force(BULK), faults_in_a_sentence(ctx):
            return super().invoke(ctx)


class CommandGroup(AppGroup):
    """A group of commands, each with an application context."""

    def invoke(self, ctx: click.Context) -> Any:
        with timeouts_in_force(BULK), faults_in_a_sentence(ctx):
            return super().invoke(ctx)


@contextmanager
def faults_in_a_sentence(ctx: click.Context) -> Iterator[None]:
    """Raises `click.ClickException` in place of what an operator can do something about; a fault of the program keeps
    its traceback."""
    try:
        yield
    except click.ClickException as fault:
        said = redact(fault.message)
        if said == fault.message:
            raise
        raise click.ClickException(said) from None
    except Exception as fault:
        app = ctx.ensure_object(ScriptInfo).load_app()  # whose context may have ended with the command
        settings = state_of(app).settings
        if sentence := explain_error(fault, settings):
            raise click.ClickException(redact(sentence)) from fault
        raise


def end_flask_command(fault: ConfigError) -> None:
    """When it is `flask` that makes the app, say the sentence and exit with 1: it would print a traceback."""
    if click.get_current_context(silent=True):
        click.echo(f"Error: {fault}", err=True)
        sys.exit(1)
