"""Runs Alembic inside the Flask app: the app's engine and metadata are the only configuration there is."""

from typing import Any

import sqlalchemy as sa
from alembic import context
from flask import current_app

target = current_app.extensions["migrate"].db
engine = current_app.extensions["storefront"].engines.durable_write


def run() -> None:
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=target.metadata,
            include_object=is_ours,
            render_item=render_type,
            process_revision_directives=number_revision,
            **current_app.extensions["migrate"].configure_args,
        )
        with context.begin_transaction():
            context.run_migrations()


def is_ours(_thing: Any, name: str | None, _type: str, reflected: bool, _compare_to: Any) -> bool:
    """The search index and its column are written by hand, so autogenerate leaves them alone."""
    return not (reflected and name and (name.startswith(("product_search", "ix_product_search")) or name == "search"))


def render_type(kind: str, thing: Any, _autogen_context: Any) -> Any:
    """A type of the application's own is written as what it is in the database: revisions import nothing of it."""
    return f"sa.{thing.impl!r}" if kind == "type" and isinstance(thing, sa.types.TypeDecorator) else False


def number_revision(_context: Any, _revision: Any, directives: Any) -> None:
    """Number a new revision, 0007 after 0006, so that a folder lists them in their order. One that would change nothing
    isn't written."""
    if getattr(context.config.cmd_opts, "autogenerate", False) and directives[0].upgrade_ops.is_empty():
        directives.clear()
        context.config.print_stdout("The models and the database agree: there is nothing to write.")
        return
    head = context.script.get_current_head()
    directives[0].rev_id = f"{int(head or 0) + 1:04}"


run()
