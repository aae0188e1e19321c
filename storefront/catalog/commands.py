"""`flask --app storefront catalog …`: loading shops and products."""

import sys
from pathlib import Path

import click
from flask import current_app

from storefront.catalog.actions import Loaded, load, read_file
from storefront.catalog.schema import BadCatalog
from storefront.config import Settings
from storefront.operators.commands import CommandGroup

commands = CommandGroup("catalog", help="The shops and what they sell.")


@commands.command("load")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--update", is_flag=True, help="take texts, prices and settings from the file too; stock never")
def load_command(file: Path | None, update: bool) -> None:
    """Add the shops and products of FILE (CATALOG when it is left out) that aren't there yet."""
    settings: Settings = current_app.extensions["storefront_settings"]
    try:
        loaded = load_with_bar(read_file(file or settings.catalog), update)
    except BadCatalog as fault:
        raise click.ClickException(str(fault)) from None
    click.echo(describe(loaded))


def load_with_bar(content: bytes, refresh: bool = False) -> Loaded:
    """Load, with a progress bar when somebody is looking at a terminal."""
    many = content.count(b'"price"')
    shown = sys.stderr.isatty()
    with click.progressbar(length=many, label="Loading the catalogue", file=sys.stderr, hidden=not shown) as bar:
        return load(content, refresh, bar.update)


def describe(loaded: Loaded) -> str:
    return (
        f"{loaded.tenants} new shops; products: {loaded.added} added, {loaded.updated} updated, "
        f"{loaded.kept} kept as they were."
    )
