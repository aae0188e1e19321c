"""How long the journal is kept."""

from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, delete, select

from storefront.clock import now
from storefront.database import table_of, write
from storefront.ids import id_at
from storefront.tenants.guard import held, run
from storefront.upsell.assistant.models import UpsellAnswer, UpsellCall
from storefront.upsell.models import UpsellShowing

BATCH = 500
"""Rows that one transaction removes, so that no order waits long for its turn to write."""

calls, showings, answers = table_of(UpsellCall), table_of(UpsellShowing), table_of(UpsellAnswer)


def old_rows(key: Any, age: Any, before: str) -> Any:
    """A statement that removes a batch of the rows whose `age` is below the parameter `before`."""
    old = held(select(key).where(age < bindparam(before)).order_by(age).limit(bindparam("batch"))).scalar_subquery()
    return held(delete(key.table).where(key.in_(old)))


OLD = (
    old_rows(calls.c.id, calls.c.place, "place"),
    old_rows(showings.c.id, showings.c.place, "place"),
    old_rows(answers.c.key, answers.c.asked_at, "moment"),
)


def prune(days: int) -> int:
    """Remove what the current tenant's journal holds that is older than so many days. Returns how many rows."""
    removed = 0
    while gone := prune_batch(days):
        removed += gone
    return removed


def prune_batch(days: int) -> int:
    """Remove at most a batch of each table, each in a transaction of its own. Returns how many rows; 0 at the end."""
    moment = now() - timedelta(days=days)
    limits = {"place": id_at(moment), "moment": moment, "batch": BATCH}
    removed = 0
    for statement in OLD:
        with write():
            removed += run(statement, limits).rowcount
    return removed
