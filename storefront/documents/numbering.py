"""Numbers of documents, without gaps in each shop and year."""

from functools import cache
from typing import Any

from storefront.db.base import Model, table_of
from storefront.db.dialects import Dialect
from storefront.db.engine import engines
from storefront.db.tenant_context import current_tenant_id
from storefront.db.transactions import write_connection


def next_number(counter: type[Model], prefix: str, year: int) -> str:
    """Return the next number of a kind of document, such as "INV-2026-0001", inside the `write()` that issues it.
    `counter` is its table with `tenant_id`, `year` and `last`.

    Until its end, others who want a number of this kind wait; if it is rolled back, they get this one."""
    row = {"tenant_id": current_tenant_id(), "year": year, "last": 1}
    last: int = write_connection().execute(_next_number_statement(engines().dialect, counter), row).scalar_one()
    return f"{prefix}-{year}-{last:04}"


@cache
def _next_number_statement(dialect: Dialect, counter: type[Model]) -> Any:
    table = table_of(counter)
    return (
        dialect.insert(table)
        .on_conflict_do_update(index_elements=["tenant_id", "year"], set_={"last": table.c.last + 1})
        .returning(table.c.last)
    )
