"""The append-only event table."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from storefront.clock import UtcDateTime, now
from storefront.db.base import Model, table_of
from storefront.db.tenancy import OwnedByTenant


class EventType(StrEnum):
    ORDER_PLACED = "order.placed"
    ORDER_FULFILLED = "order.fulfilled"
    ORDER_CANCELLED = "order.cancelled"
    ORDER_TRACKING_CHANGED = "order.tracking_changed"
    ORDER_NOTED = "order.noted"
    ORDER_PAID = "order.paid"
    REFUND_FAILED = "refund.failed"
    WITHDRAWAL_RECEIVED = "withdrawal.received"
    ORDER_REFUNDED = "order.refunded"
    PAYMENT_FAILED = "payment.failed"
    PAYMENT_EXPIRED = "payment.expired"
    PAYMENT_LATE = "payment.late"
    PAYMENT_MISMATCH = "payment.mismatch"
    PAYMENT_REPEATED = "payment.repeated"
    INVOICE_ISSUED = "invoice.issued"
    STOCK_CHANGED = "stock.changed"
    PRICE_CHANGED = "price.changed"
    PRODUCT_CREATED = "product.created"
    PRODUCT_CHANGED = "product.changed"
    MERCHANDISING_CHANGED = "merchandising.changed"
    CATEGORY_MOVED = "category.moved"
    UPSELL_CHANGED = "upsell.changed"
    MEMBER_INVITED = "member.invited"
    INVITATION_WITHDRAWN = "invitation.withdrawn"
    MEMBER_JOINED = "member.joined"
    MEMBER_ROLE_CHANGED = "member.role_changed"
    MEMBER_REMOVED = "member.removed"
    MEMBER_SIGNED_OUT = "member.signed_out"
    PASSWORD_RESET = "password.reset"  # noqa: S105 - a type of event
    SECOND_FACTOR_CHANGED = "second_factor.changed"
    STAFF_POLICY_CHANGED = "staff_policy.changed"
    MAIL_FAILED = "mail.failed"
    MAIL_RESENT = "mail.resent"
    SETTINGS_CHANGED = "settings.changed"
    KEY_CREATED = "key.created"
    KEY_REVOKED = "key.revoked"


HIDDEN = "hidden"
"""In an event's data: it is about a product that isn't on sale, so open pages of the shop don't hear of it."""


class EventColumns:
    """The columns of an event. Those of who made it are None in events of earlier versions."""

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    type: Mapped[str]
    subject: Mapped[str]
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    actor_type: Mapped[str | None] = mapped_column(String(16))
    """An `ActorType`."""
    actor_id: Mapped[str | None] = mapped_column(String(64))
    actor_name: Mapped[str | None]
    """As it was then, so that it can be read after the person is gone."""
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    after: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


BY_STAFF = text("actor_type IN ('person', 'key', 'command')")
"""Of a partial index: the few events that aren't made by shoppers."""


class Event(EventColumns, OwnedByTenant, Model):
    """A change of a product, an order, a person or a key, whose id is `subject`. A tenant's event ids are gapless and
    in commit order: a reader that has seen one has seen all before it. The database refuses changes and deletions."""

    __tablename__ = "event"
    __table_args__ = (
        Index(None, "tenant_id", "subject", "id"),
        Index("ix_event_by_staff", "tenant_id", "id", sqlite_where=BY_STAFF, postgresql_where=BY_STAFF),
    )


class ArchivedEvent(EventColumns, OwnedByTenant, Model):
    """An event that `flask events archive` moved here. The database refuses changes and deletions."""

    __tablename__ = "event_archive"
    __table_args__ = (Index(None, "tenant_id", "subject", "id"),)


class EventSequence(OwnedByTenant, Model):
    """The id of a tenant's latest event. Its row is locked from the first event of a transaction to its end, so that
    ids are committed in order."""

    __tablename__ = "event_sequence"

    last_id: Mapped[int] = mapped_column(BigInteger)


events = table_of(Event)
