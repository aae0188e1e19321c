"""The outbox table."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKeyConstraint, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from storefront.clock import UtcDateTime, now
from storefront.db.base import Model
from storefront.db.tenancy import OwnedByTenant
from storefront.ids import new_id
from storefront.mail.kinds import WITH_SECRET_LINK, MailStatus

MAX_RECIPIENT_LENGTH = 254
WAITING, FAILED = text("status = 'waiting'"), text("status = 'failed'")
"""Of partial indexes: few mails wait or have failed, and a new order should have few indexes to write."""


class OutboxMail(OwnedByTenant, Model):
    """A mail to send, or that was sent. It holds only what rendering needs besides the order: when it is sent, its text
    is made from the order as it is then. Mails of an order are sent one after the other, in the order of their ids."""

    __tablename__ = "outbox"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"]),
        CheckConstraint("status IN ('waiting', 'sent', 'failed')", name="status_known"),
        Index(None, "tenant_id", "order_id", "id"),
        Index(None, "tenant_id", "recipient", "id"),
        Index("ix_outbox_due", "tenant_id", "next_attempt_at", sqlite_where=WAITING, postgresql_where=WAITING),
        Index("ix_outbox_failed", "tenant_id", "id", sqlite_where=FAILED, postgresql_where=FAILED),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False, default=new_id)
    kind: Mapped[str] = mapped_column(String(32))
    """A `MailKind`."""
    order_id: Mapped[str | None] = mapped_column(String(32))
    recipient: Mapped[str] = mapped_column(
        String(MAX_RECIPIENT_LENGTH).with_variant(String(MAX_RECIPIENT_LENGTH, collation="C"), "postgresql")
    )
    """Sorted by code point, so that it is found by its beginning."""
    language: Mapped[str] = mapped_column(String(8))
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    """`root`: the absolute URL of the shop by which links begin. `sealed_link`: an encrypted path that is a secret; it
    is removed when the mail is sent. The rest depends on the kind (`contents.py`)."""
    status: Mapped[str] = mapped_column(String(16), default=MailStatus.WAITING)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    resent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When somebody last had it sent again after it had failed."""
    next_attempt_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    """While a process sends it: the end of its lease, after which another one may try."""
    claim: Mapped[str | None] = mapped_column(String(32))
    """A token of the process that sends it."""
    attempts: Mapped[int]
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    provider_id: Mapped[str | None]
    """What the mail server or provider calls it."""
    last_error: Mapped[str | None]
    """Why the last attempt failed, without the recipient's address."""

    @property
    def has_used_secret(self) -> bool:
        """Whether the mail had a secret link, which was removed when it was sent."""
        return self.kind in WITH_SECRET_LINK and "sealed_link" not in self.data
