"""`flask --app storefront catalog …`: imports shops and products."""

import sys
from pathlib import Path

import click
from flask import current_app

from storefront.catalog.importer import ImportSummary, import_catalog, read_file
from storefront.catalog.json_file import CatalogError
from storefront.commands import CommandGroup
from storefront.db.preparation import prepare_tables
from storefront.state import current_state

commands = CommandGroup("catalog", help="Import shops and products.")


@commands.command("load")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--update", is_flag=True, help="also update texts, prices and settings in the file, but never stock")
def load_command(file: Path | None, update: bool) -> None:
    """Import the shops and products of FILE (default: CATALOG) that don't exist yet."""
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
    """Import, with a progress bar if standard error is a terminal."""
    product_count = content.count(b'"price"')
    is_terminal = sys.stderr.isatty()
    with click.progressbar(
        length=product_count, label="Importing the catalogue", file=sys.stderr, hidden=not is_terminal
    ) as bar:
        return import_catalog(content, refresh, bar.update)


def describe(loaded: ImportSummary) -> str:
    settings = "".join(f"\nSettings changed of {names}." for names in loaded.settings)
    return (
        f"{loaded.tenants} shops added; products: {loaded.added} added, {loaded.updated} updated, "
        f"{loaded.unchanged} unchanged.{settings}"
    )
