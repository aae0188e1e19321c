"""`flask --app storefront upsell …`: what operators do with suggestions."""

import click
from flask.cli import AppGroup

from storefront.tenants.registry import switch_upsell

commands = AppGroup("upsell", help="Suggestions at checkout.")


@commands.command("on")
@click.option("--tenant", help="only this shop")
def turn_on(tenant: str | None) -> None:
    """Suggest, from now on, in all shops or in one."""
    switch(True, tenant)


@commands.command("off")
@click.option("--tenant", help="only this shop")
def turn_off(tenant: str | None) -> None:
    """Suggest nothing, from now on, in all shops or in one."""
    switch(False, tenant)


def switch(enabled: bool, tenant: str | None) -> None:
    try:
        switch_upsell(enabled, tenant)
    except KeyError:
        raise click.ClickException(f"--tenant: there is no shop {tenant!r}.") from None
    click.echo(f"Suggestions are {'on' if enabled else 'off'} {f'in {tenant}' if tenant else 'in all shops'}.")
