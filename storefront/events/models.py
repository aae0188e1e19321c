"""The append-only event table."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from storefront.clock import UtcDateTime, now
from storefront.db.base import Model, table_of
from storefront.db.tenancy import OwnedByTenant


class EventType(StrEnum):
    ORDER_PLACED = "order.placed"
    ORDER_CANCELLED = "order.cancelled"
    STOCK_CHANGED = "stock.changed"
    PRICE_CHANGED = "price.changed"


class Event(OwnedByTenant, Model):
    """A change of a product or order, whose id is `subject`. A tenant's event ids are gapless and in commit order: a
    reader that has seen one has seen all before it."""

    __tablename__ = "event"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    type: Mapped[str]
    subject: Mapped[str]
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class EventSequence(OwnedByTenant, Model):
    """The id of a tenant's latest event. Its row is locked from the first event of a transaction to its end, so that
    ids are committed in order."""

    __tablename__ = "event_sequence"

    last_id: Mapped[int] = mapped_column(BigInteger)


events = table_of(Event)
