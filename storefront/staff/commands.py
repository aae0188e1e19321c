"""`flask --app storefront staff …`: people and API keys of shops, for operators."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from storefront.commands import CommandGroup
from storefront.db.tenant_context import tenant_context
from storefront.errors import Refusal
from storefront.staff import members
from storefront.staff.account import create_password_link, remove_second_factor
from storefront.staff.keys import create_key, revoke_key
from storefront.staff.models import LinkKind, Person
from storefront.staff.one_time_links import link_url
from storefront.staff.permissions import SCOPES, Permission, Role
from storefront.staff.queries import all_keys, all_members, find_key, find_person_of_shop
from storefront.staff.validation import account_email
from storefront.tenants.registry import registry


class StaffCommands(CommandGroup):
    """A refusal, such as that of removing the last owner, is an error that the operator can fix."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Refusal as refusal:
            raise click.ClickException(refusal.detail) from None


commands = StaffCommands("staff", help="People, invitations and API keys.")


@contextmanager
def acting_in(tenant_id: str) -> Iterator[None]:
    """Act for this shop. Raises `click.ClickException` if there is none."""
    if registry().find(tenant_id) is None:
        raise click.ClickException(f"--tenant: there is no shop {tenant_id!r}.")
    with tenant_context(tenant_id):
        yield


of_shop = click.option("--tenant", "tenant_id", required=True, help="the shop's id")
SCOPE_NAMES = sorted(scope.value for scope in SCOPES)
of_person = click.option("--email", required=True, help="the person's email address")


@commands.command("setup")
def setup_command() -> None:
    """Print the one-time link by which the first person is made, owner of every shop."""
    token = members.create_setup_link()
    if token is None:
        raise click.ClickException("There is a person already: invite others with `staff invite`.")
    click.echo("Open this link within 7 days to create your account:")
    click.echo(link_url(LinkKind.SETUP, token))


@commands.command("invite")
@of_shop
@of_person
@click.option("--role", required=True, type=click.Choice([role.value for role in Role]), help="what they may do")
def invite_command(tenant_id: str, email: str, role: str) -> None:
    """Print a one-time link, valid for 7 days, by which somebody joins a shop."""
    with acting_in(tenant_id):
        token = members.invite(email, Role(role))
    click.echo(f"Send this link to {email}. It works once, within 7 days:")
    click.echo(link_url(LinkKind.INVITATION, token, tenant_id))


@commands.command("key")
@of_shop
@click.option("--name", required=True, help="what the key is for")
@click.option("--scope", "scopes", required=True, multiple=True, type=click.Choice(SCOPE_NAMES))
@click.option("--expires", type=click.IntRange(1, 3650), metavar="DAYS", help="days until it expires; default: never")
def key_command(tenant_id: str, name: str, scopes: tuple[str, ...], expires: int | None) -> None:
    """Print a new API key, the only time that it is shown."""
    with acting_in(tenant_id):
        made = create_key(name, [Permission(scope) for scope in scopes], expires)
        assert made is not None  # noqa: S101 - only a form can be sent twice
    click.echo("Keep this key: it isn't shown again.")
    click.echo(made.text)


@commands.command("list")
@click.option("--tenant", "tenant_id", help="only this shop")
@click.option("--json", "as_json", is_flag=True, help="one JSON document")
def list_command(tenant_id: str | None, as_json: bool) -> None:
    """List people and API keys of all shops, or of one."""
    shops = list(registry().all())
    if tenant_id is not None and tenant_id not in shops:
        raise click.ClickException(f"--tenant: there is no shop {tenant_id!r}.")
    found = {shop: staff_of(shop) for shop in ([tenant_id] if tenant_id else shops)}
    if as_json:
        click.echo(json.dumps(found, indent=1, ensure_ascii=False))
        return
    for shop, staff in found.items():
        click.echo(shop)
        for person in staff["people"]:
            click.echo(f"  {person['role']:8} {person['email']}  {person['name']}")
        for key in staff["keys"]:
            state = "revoked" if key["revoked"] else " ".join(key["scopes"])
            click.echo(f"  key      {key['prefix']}…  {key['name']}  {state}")


def staff_of(tenant_id: str) -> dict[str, list[dict[str, Any]]]:
    with tenant_context(tenant_id):
        people = [{"email": one.person.email, "name": one.person.name, "role": one.role.value} for one in all_members()]
        keys = [
            {
                "prefix": key.prefix,
                "name": key.name,
                "scopes": key.scopes,
                "created_by": key.created_by,
                "revoked": key.revoked_at is not None,
            }
            for key in all_keys()
        ]
    return {"people": people, "keys": keys}


@commands.command("remove")
@of_shop
@of_person
def remove_command(tenant_id: str, email: str) -> None:
    """Remove somebody from a shop, and sign them out of it."""
    with acting_in(tenant_id):
        members.remove_member(person_of_shop(email).id)
    click.echo(f"{email} can't sign in to {tenant_id} any more.")


@commands.command("reset-password")
@of_shop
@of_person
@click.option("--second-factor", is_flag=True, help="also turn their two-step sign-in off, for a lost phone")
def reset_password_command(tenant_id: str, email: str, second_factor: bool) -> None:
    """Print a one-time link, valid for a day, by which a person chooses a new password."""
    with acting_in(tenant_id):
        person = person_of_shop(email)
        if second_factor:
            remove_second_factor(person)
        token = create_password_link(person)
    click.echo(f"Send this link to {email}. It works once, within a day:")
    click.echo(link_url(LinkKind.PASSWORD, token, tenant_id))


def person_of_shop(email: str) -> Person:
    person = find_person_of_shop(account_email(email) or "")
    if person is None:
        raise click.ClickException(f"--email: {email} doesn't work in this shop.")
    return person


@commands.command("revoke-key")
@of_shop
@click.option("--prefix", required=True, help="the key's beginning, as `staff list` shows it")
def revoke_key_command(tenant_id: str, prefix: str) -> None:
    """End an API key for good."""
    with acting_in(tenant_id):
        rows = find_key(prefix.rstrip("…"))
        if not rows:
            raise click.ClickException(f"--prefix: there is no key {prefix!r} in this shop.")
        for id in [row.id for row in rows]:
            revoke_key(id)
    click.echo(f"The key {prefix} doesn't work any more.")
