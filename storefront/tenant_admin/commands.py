"""`flask --app storefront tenant …`, `catalog export` and `orders export`."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import click
from pydantic import ValidationError

from storefront.catalog.commands import commands as catalog_commands
from storefront.catalog.import_schema import TenantEntry
from storefront.catalog.tenant_importer import import_tenant
from storefront.commands import CommandGroup
from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.db.transactions import write_transaction
from storefront.errors import NotFound
from storefront.tenant_admin.catalog_export import exported_products, exported_tenant
from storefront.tenant_admin.json_output import write_list, write_shop
from storefront.tenant_admin.order_export import exported_orders
from storefront.tenant_admin.removal import count_rows, find_tenant, remove_shop
from storefront.tenants.models import Tenant
from storefront.tenants.registry import registry
from storefront.web.validation_messages import error_message

commands = CommandGroup("tenant", help="Add, list, export and remove shops.")
order_commands = CommandGroup("orders", help="Export orders.")
of_shop = click.option("--tenant", "tenant_id", required=True, help="the shop's id")
to_file = click.option(
    "--output",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="the file to write; default: standard output",
)
COUNTED = ("product", "orders", "membership", "event")


@commands.command("add")
@click.option("--id", "tenant_id", required=True, help="in the shop's address: lower case, digits, hyphens")
@click.option("--name", required=True)
@click.option("--currency", required=True, help="as in EUR; it can't be changed later")
@click.option("--locale", default="en", show_default=True, help="as in de-AT")
@click.option("--timezone", help="as in Europe/Dublin; default: that of the locale's country, else UTC")
@click.option("--json", "as_json", is_flag=True, help="one JSON document")
def add_command(tenant_id: str, name: str, currency: str, locale: str, timezone: str | None, as_json: bool) -> None:
    """Add an empty shop."""
    try:
        values = {"id": tenant_id, "name": name, "currency": currency, "locale": locale, "timezone": timezone}
        entry = TenantEntry.model_validate({**values, "products": []})
    except ValidationError as faults:
        fault = faults.errors(include_url=False)[0]
        option = f"--{fault['loc'][0]}"
        message = error_message(fault, option)
        text = message if message.startswith(option) else f"{option}: {message}"
        raise click.ClickException(text) from None
    if db.session.get(Tenant, tenant_id) is not None:
        raise click.ClickException(f"--id: there is a shop {tenant_id!r} already.")
    with write_transaction(durable=True) as connection:
        import_tenant(connection, entry, update_existing=False)
    registry().invalidate()
    if as_json:
        click.echo(json.dumps(values, ensure_ascii=False))
    else:
        click.echo(f"{tenant_id} added. Invite its owner: flask --app storefront staff invite --tenant {tenant_id} …")


@commands.command("list")
@click.option("--json", "as_json", is_flag=True, help="one JSON document")
def list_command(as_json: bool) -> None:
    """List all shops."""
    shops = [described(shop_id) for shop_id in registry().all()]
    if as_json:
        click.echo(json.dumps(shops, indent=1, ensure_ascii=False))
        return
    for shop in shops:
        click.echo(
            f"{shop['id']:20} {shop['currency']} {shop['locale']:8} {shop['products']:>9,} products "
            f"{shop['orders']:>9,} orders  {shop['name']}"
        )


def described(shop_id: str) -> dict[str, Any]:
    shop, counts = registry().all()[shop_id], count_rows(shop_id, ("product", "orders"))
    return {
        "id": shop.id,
        "name": shop.name,
        "currency": shop.currency,
        "locale": shop.locale,
        "timezone": shop.timezone.key,
        "products": counts["product"],
        "orders": counts["orders"],
    }


@commands.command("export")
@of_shop
@to_file
def export_command(tenant_id: str, output: Path | None) -> None:
    """Write a shop as one JSON document: its catalogue, which `catalog load` takes, and its orders."""
    with exporting(tenant_id, output) as file, tenant_context(tenant_id):
        row = db.session.get_one(Tenant, tenant_id)
        write_shop(file, exported_tenant(row), exported_products(row), exported_orders())


@catalog_commands.command("export")
@of_shop
@to_file
def export_catalog_command(tenant_id: str, output: Path | None) -> None:
    """Write a shop's settings and products as JSON, which `catalog load` takes. Uploaded pictures are only named: their
    files are in DATA_DIR/media."""
    with exporting(tenant_id, output) as file, tenant_context(tenant_id):
        row = db.session.get_one(Tenant, tenant_id)
        write_shop(file, exported_tenant(row), exported_products(row), None)


@order_commands.command("export")
@of_shop
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="only orders from this day (UTC) on")
@to_file
def export_orders_command(tenant_id: str, since: datetime | None, output: Path | None) -> None:
    """Write a shop's orders as a JSON list, the oldest first. They hold customers' names and email addresses."""
    with exporting(tenant_id, output) as file, tenant_context(tenant_id):
        write_list(file, exported_orders(since.replace(tzinfo=UTC) if since else None))
        file.write("\n")


@contextmanager
def exporting(tenant_id: str, output: Path | None) -> Iterator[TextIO]:
    """Open the output. Raises `click.ClickException` if there is no such shop, or the file can't be written."""
    if registry().find(tenant_id) is None:
        raise click.ClickException(f"--tenant: there is no shop {tenant_id!r}.")
    if output is None:
        yield sys.stdout
        return
    try:
        with output.open("w", encoding="utf-8") as file:
            yield file
    except OSError as fault:
        raise click.ClickException(f"--output: {output} can't be written: {fault.strerror}.") from None
    click.echo(f"Written to {output}.", err=True)


@commands.command("remove")
@of_shop
@click.option("--yes", is_flag=True, help="don't ask")
def remove_command(tenant_id: str, yes: bool) -> None:
    """Remove a shop for good, with its products, orders, events and keys. People stay, without this shop."""
    try:
        name = find_tenant(tenant_id).name
    except NotFound:
        raise click.ClickException(f"--tenant: there is no shop {tenant_id!r}.") from None
    counts = count_rows(tenant_id, COUNTED)
    click.echo(
        f"{name} ({tenant_id}) has {counts['product']:,} products, {counts['orders']:,} orders, "
        f"{counts['membership']:,} people and {counts['event']:,} events. `tenant export` keeps a copy."
    )
    if not yes:
        click.confirm("Remove all of it for good?", abort=True)
    remove_shop(tenant_id, lambda table, count: click.echo(f"  {table}: {count:,} rows deleted"))
    click.echo(f"{tenant_id} was removed. A catalogue file that names it adds it again, empty of orders.")
