"""`flask --app storefront catalog …`: loading shops and products."""

import sys
from pathlib import Path

import click
from flask import current_app

from storefront.catalog.importer import ImportSummary, import_catalog, read_file
from storefront.catalog.json_file import CatalogError
from storefront.commands import CommandGroup
from storefront.db.preparation import prepare_tables
from storefront.state import current_state

commands = CommandGroup("catalog", help="The shops and what they sell.")


@commands.command("load")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--update", is_flag=True, help="take texts, prices and settings from the file too; stock never")
def load_command(file: Path | None, update: bool) -> None:
    """Add the shops and products of FILE (CATALOG when it is left out) that aren't there yet."""
    settings = current_state().settings
    name = repr(str(file)) if file else f"CATALOG {str(settings.catalog)!r}"
    try:
        content = read_file(file or settings.catalog)
        prepare_tables(current_app)
        loaded = import_with_progress(content, update)
    except CatalogError as fault:
        raise click.ClickException(f"{name} {fault}") from None
    click.echo(describe(loaded))


def import_with_progress(content: bytes, refresh: bool = False) -> ImportSummary:
    """Load, with a progress bar when somebody is looking at a terminal."""
    many = content.count(b'"price"')
    shown = sys.stderr.isatty()
    with click.progressbar(length=many, label="Loading the catalogue", file=sys.stderr, hidden=not shown) as bar:
        return import_catalog(content, refresh, bar.update)


def describe(loaded: ImportSummary) -> str:
    return (
        f"{loaded.tenants} new shops; products: {loaded.added} added, {loaded.updated} updated, "
        f"{loaded.unchanged} kept as they were."
    )
