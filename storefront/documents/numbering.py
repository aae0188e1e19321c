"""Numbers of documents, without gaps in each shop and year."""

from functools import cache
from typing import Any

from storefront.db.base import table_of
from storefront.db.dialects import Dialect
from storefront.db.engine import engines
from storefront.db.tenant_context import current_tenant_id
from storefront.db.transactions import write_connection
from storefront.documents.models import DocumentNumber, NumberedDocument

PREFIXES = {NumberedDocument.INVOICE: "INV", NumberedDocument.CREDIT_NOTE: "CN"}


def next_number(kind: NumberedDocument, year: int) -> str:
    """Return the next number of a kind of document, such as "INV-2026-0001", inside the `write()` that issues it.

    Until its end, others who want a number of this kind wait; if it is rolled back, they get this one."""
    row = {"tenant_id": current_tenant_id(), "kind": kind, "year": year, "last": 1}
    last: int = write_connection().execute(_next_number_statement(engines().dialect), row).scalar_one()
    return f"{PREFIXES[kind]}-{year}-{last:04}"


@cache
def _next_number_statement(dialect: Dialect) -> Any:
    counter = table_of(DocumentNumber)
    return (
        dialect.insert(counter)
        .on_conflict_do_update(index_elements=["tenant_id", "kind", "year"], set_={"last": counter.c.last + 1})
        .returning(counter.c.last)
    )
