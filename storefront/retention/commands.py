"""`flask --app storefront prune`: deletes old rows now."""

import click
from flask.cli import with_appcontext

from storefront.commands import StandaloneCommand
from storefront.db.tenant_context import tenant_context
from storefront.retention.actions import prune
from storefront.retention.pictures import remove_unused_pictures
from storefront.staff.failed_sign_ins import remove_expired_counts
from storefront.tenants.registry import registry


@click.command("prune", cls=StandaloneCommand)
@click.option("--tenant", "tenant_id", help="only this shop")
@with_appcontext
def prune_command(tenant_id: str | None) -> None:
    """Delete rows older than CART_KEEP_DAYS and UPSELL_KEEP_DAYS, and pictures that nothing shows any more; a running
    shop does this every hour."""
    shops = list(registry().all())
    if tenant_id is not None and tenant_id not in shops:
        raise click.ClickException(f"--tenant: there is no shop {tenant_id!r}.")
    for shop in [tenant_id] if tenant_id is not None else shops:
        with tenant_context(shop):
            deleted, pictures = sum(prune()), remove_unused_pictures()
        click.echo(f"{shop}: {deleted:,} {'row' if deleted == 1 else 'rows'} deleted.")
        if pictures:
            click.echo(f"{shop}: {pictures:,} {'file' if pictures == 1 else 'files'} of unused pictures deleted.")
    while tenant_id is None and remove_expired_counts():
        pass  # a batch at a time
