"""`flask --app storefront payments …`: a shop's own Stripe keys and bank account."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from storefront.commands import CommandGroup
from storefront.db.tenant_context import tenant_context
from storefront.errors import Invalid
from storefront.payments.provider import ProviderUnavailable
from storefront.payments.providers import check_stripe_key
from storefront.payments.settings import save_bank_account, save_stripe_keys
from storefront.tenants.registry import registry

commands = CommandGroup("payments", help="A shop's Stripe keys and bank account.")
of_shop = click.option("--tenant", "tenant_id", required=True, help="the shop's id")


@contextmanager
def acting_in(tenant_id: str) -> Iterator[None]:
    """Act for this shop. A refusal and a missing shop are errors that the operator can fix."""
    if registry().find(tenant_id) is None:
        raise click.ClickException(f"--tenant: there is no shop {tenant_id!r}.")
    try:
        with tenant_context(tenant_id):
            yield
    except Invalid as refusal:
        raise click.ClickException(refusal.detail) from None


@commands.command("stripe")
@of_shop
@click.option("--remove", is_flag=True, help="use those of the environment again")
def stripe_command(tenant_id: str, remove: bool) -> None:
    """Store a shop's own Stripe keys, which are asked for, or read from two lines of standard input: secret key and
    signing secret of the webhook (empty: none)."""
    with acting_in(tenant_id):
        if remove:
            save_stripe_keys("", "")
            click.echo(f"{tenant_id} uses the Stripe keys of the environment.")
            return
        secret_key = click.prompt("Secret key (sk_… or rk_…)", hide_input=True)
        webhook_secret = click.prompt("Signing secret of the webhook (whsec_…)", hide_input=True, default="")
        save_stripe_keys(secret_key, webhook_secret)
        click.echo(f"The Stripe keys of {tenant_id} are stored, encrypted with SECRET_KEY.")


@commands.command("check")
@of_shop
def check_command(tenant_id: str) -> None:
    """Check whether Stripe takes the shop's key."""
    with acting_in(tenant_id):
        try:
            check_stripe_key()
        except ProviderUnavailable as fault:
            raise click.ClickException(f"{fault}.") from None
        click.echo("Stripe takes the key.")


@commands.command("bank")
@of_shop
@click.option("--account", required=True, help="what buyers see: account holder, number and bank; empty removes it")
@click.option("--days", default=14, show_default=True, help="in which a transfer is expected")
def bank_command(tenant_id: str, account: str, days: int) -> None:
    """Store a shop's bank account, which buyers see who pay by bank transfer."""
    with acting_in(tenant_id):
        save_bank_account(account.replace("\\n", "\n"), days)
        click.echo(f"The bank account of {tenant_id} is stored.")
