"""Runs Alembic inside the Flask app: the app's engine and metadata are the only configuration there is."""

from alembic import context
from flask import current_app

target = current_app.extensions["migrate"].db
engine = current_app.extensions["storefront_engines"].durable_write


def run() -> None:
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=target.metadata,
            include_object=is_ours,
            **current_app.extensions["migrate"].configure_args,
        )
        with context.begin_transaction():
            context.run_migrations()


def is_ours(thing, name, type_, reflected, compare_to) -> bool:
    """The search index and its column are written by hand, so autogenerate leaves them alone."""
    return not (reflected and name and (name.startswith("product_search") or name in ("search", "ix_product_search")))


run()
