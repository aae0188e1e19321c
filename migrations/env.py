"""Runs Alembic inside the Flask app: the app's engine and metadata are the only configuration there is."""

from typing import Any

from alembic import context
from flask import current_app

target = current_app.extensions["migrate"].db


def run() -> None:
    with target.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=target.metadata,
            include_object=is_ours,
            **current_app.extensions["migrate"].configure_args,
        )
        with context.begin_transaction():
            context.run_migrations()


def is_ours(thing: Any, name: str | None, type_: str, reflected: bool, compare_to: Any) -> bool:
    """The search index and its column are written by hand, so autogenerate leaves them alone."""
    return not (reflected and name and (name.startswith("product_search") or name in ("search", "ix_product_search")))


run()
