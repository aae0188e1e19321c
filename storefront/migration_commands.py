"""`flask --app storefront db …`: Flask-Migrate's commands (upgrade, downgrade, current, history, check, migrate, …)."""

import sys
from contextlib import nullcontext
from typing import Any

import click
from flask.cli import with_appcontext

from storefront.commands import StandaloneCommand
from storefront.config import ROOT
from storefront.db.base import db
from storefront.db.preparation import preparation_lock
from storefront.state import this_app

COMMANDS_THAT_CHANGE_TABLES = {"upgrade", "downgrade", "stamp"}


@click.command(
    "db",
    cls=StandaloneCommand,
    add_help_option=False,  # Flask-Migrate's own help is shown
    context_settings={"ignore_unknown_options": True},
    short_help="The versions of the database's tables.",
)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
@with_appcontext
@click.pass_context
def db_command(ctx: click.Context, words: tuple[str, ...]) -> None:
    """Pass the arguments to Flask-Migrate, which is imported here because serving doesn't need it. Commands that change
    tables hold the lock of a start, and print the current revision at the end."""
    from flask_migrate import Migrate, cli, current  # noqa: PLC0415

    app = this_app()
    Migrate(app, db, directory=str(ROOT / "migrations"), render_as_batch=True).configure(print_to_stdout)
    app.cli.add_command(db_command)  # Flask-Migrate has put its own, without a lock, in this place
    changes_tables = not COMMANDS_THAT_CHANGE_TABLES.isdisjoint(words)
    with (
        preparation_lock() if changes_tables else nullcontext(),
        cli.db.make_context("db", list(words), parent=ctx.parent) as inner,
    ):
        cli.db.invoke(inner)
        if changes_tables:
            current()


def print_to_stdout(config: Any) -> Any:
    """Have Alembic print to the standard output of now. Its default is that of the moment at which it was imported."""
    config.stdout = sys.stdout
    return config
