"""`flask --app storefront events …`: moves old events to the archive."""

from datetime import UTC, datetime, timedelta

import click

from storefront.clock import now
from storefront.commands import CommandGroup
from storefront.db.tenant_context import tenant_context
from storefront.events.archive import archive_events
from storefront.tenants.registry import registry

KEPT = timedelta(days=31)
"""How long events stay: the lowest price of the last 30 days is read from them."""
commands = CommandGroup("events", help="The append-only event table.")


@commands.command("archive")
@click.option("--before", required=True, type=click.DateTime(["%Y-%m-%d"]), help="the first day (UTC) that stays")
@click.option("--tenant", "tenant_id", help="only this shop")
def archive_command(before: datetime, tenant_id: str | None) -> None:
    """Move the events before a day to the table event_archive, in which they stay."""
    shops = list(registry().all())
    if tenant_id is not None and tenant_id not in shops:
        raise click.ClickException(f"--tenant: there is no shop {tenant_id!r}.")
    if before.replace(tzinfo=UTC) > now() - KEPT:
        raise click.ClickException("--before: events of the last 31 days stay, because the lowest price needs them.")
    for shop in [tenant_id] if tenant_id is not None else shops:
        with tenant_context(shop):
            moved = archive_events(before.replace(tzinfo=UTC))
        click.echo(f"{shop}: {moved:,} {'event' if moved == 1 else 'events'} archived.")
