"""What all of the operator's commands have in common."""

import click
from flask.cli import AppGroup

from storefront.operators.redaction import redact


class CommandGroup(AppGroup):
    """Commands whose errors are printed without secrets."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except click.ClickException as fault:
            said = redact(fault.message)
            if said == fault.message:
                raise
            raise click.ClickException(said) from None
