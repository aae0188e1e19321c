"""`flask --app storefront seed`: made-up orders for a new installation."""

import click
from flask.cli import with_appcontext

from storefront.commands import StandaloneCommand
from storefront.db.tenant_context import tenant_context
from storefront.seeding.actions import AlreadyHasOrders, SeedResult, seed_shop
from storefront.server.bootstrap import prepare
from storefront.state import this_app
from storefront.tenants.registry import registry

MAX_DAYS = 365


@click.command("seed", cls=StandaloneCommand)
@click.option("--tenant", "tenant_id", help="only this shop")
@click.option("--days", type=click.IntRange(1, MAX_DAYS), default=60, show_default=True, help="how far back they go")
@click.option("--seed", type=int, default=1, show_default=True, help="another number gives other orders")
@with_appcontext
def seed_command(tenant_id: str | None, days: int, seed: int) -> None:
    """Fill the shops with made-up orders of the last weeks, to have something to look at.

    Only shops without any order are filled, so that a second call changes nothing and real orders stay by themselves.
    """
    prepare(this_app())
    shops = registry().all()
    if tenant_id is not None and tenant_id not in shops:
        raise click.ClickException(f"--tenant: there is no shop {tenant_id!r}.")
    for shop in [shops[tenant_id]] if tenant_id is not None else shops.values():
        with tenant_context(shop.id):
            try:
                click.echo(f"{shop.id}: {in_words(seed_shop(shop, days, seed), days)}")
            except AlreadyHasOrders:
                click.echo(f"{shop.id}: has orders already, so none were added. `make reset` starts from nothing.")


def in_words(result: SeedResult, days: int) -> str:
    if not result.checkouts:
        return "sells nothing, so nothing was added."
    return (
        f"{result.orders:,} orders from {result.checkouts:,} checkouts in {days} days, {result.cancelled:,} of them "
        "cancelled; the suggestions have learned them."
    )
