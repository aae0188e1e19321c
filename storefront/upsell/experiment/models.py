"""The exposure table."""

from datetime import datetime

from sqlalchemy import (
    JSON,
    Index,
    String,
)
from sqlalchemy.orm import Mapped, mapped_column

from storefront.clock import UtcDateTime, now
from storefront.db.base import Model
from storefront.db.tenancy import OwnedByTenant


class UpsellExposure(OwnedByTenant, Model):
    """A started checkout: the moment when suggestions were first shown for a cart, or would have been in the control
    arm."""

    __tablename__ = "upsell_exposure"
    __table_args__ = (Index(None, "tenant_id", "created_at"),)

    cart_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    shopper: Mapped[str] = mapped_column(String(32))
    arm: Mapped[str] = mapped_column(String(8))
    allocation: Mapped[dict[str, float]] = mapped_column(JSON)
    """The one in force at that time, `{"control": 0.1, ...}`. Always written alike, because rows are grouped by its
    text."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
