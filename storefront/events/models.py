"""What happened in a shop: one append-only table, written in the same transaction as the change itself."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from storefront.clock import UtcDateTime, now
from storefront.database import Model, OwnedByTenant, add_rows, new_id

ORDER_PLACED = "order.placed"
STOCK_CHANGED = "stock.changed"
PRICE_CHANGED = "price.changed"


class Event(OwnedByTenant, Model):
    """`subject` is the id of the product or order that it happened to; `id` grows with time."""

    __tablename__ = "event"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[str]
    subject: Mapped[str]
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


def record(happenings: Sequence[tuple[str, str, dict[str, Any]]]) -> None:
    """Append (kind, subject, data) for the current tenant to the running transaction."""
    first, moment = new_id(), now()
    rows = [
        {"id": first + i, "kind": kind, "subject": subject, "data": data, "created_at": moment}
        for i, (kind, subject, data) in enumerate(happenings)
    ]
    add_rows(Event, rows)
