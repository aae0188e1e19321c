"""The impression table: which suggestions were shown for which cart."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, String, bindparam, select
from sqlalchemy.orm import Mapped, mapped_column

from storefront.clock import UtcDateTime, now
from storefront.db.base import Model, table_of
from storefront.db.tenancy import OwnedByTenant, tenant_scoped
from storefront.ids import new_id, new_token


class UpsellImpression(OwnedByTenant, Model):
    """What was shown to a cart, and why it was that. `call_id` is the model call that chose it, if one did."""

    __tablename__ = "upsell_impression"
    __table_args__ = (Index(None, "tenant_id", "cart_id", "sort_id"), Index(None, "tenant_id", "sort_id"))

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_token)
    sort_id: Mapped[int] = mapped_column(BigInteger, default=new_id)
    """Grows with time."""
    cart_id: Mapped[str] = mapped_column(String(32))
    arm: Mapped[str] = mapped_column(String(8))
    source: Mapped[str | None] = mapped_column(String(8))
    decision: Mapped[str]
    """A `Decision`."""
    call_id: Mapped[str | None] = mapped_column(String(32))
    suggestions: Mapped[list[dict[str, str]]] = mapped_column(JSON)
    """`[{"product_id", "explanation"}]`."""
    reasons: Mapped[dict[str, dict[str, Any]] | None] = mapped_column(JSON(none_as_null=True))
    """By product id, why it was suggested, as `recommender.reasons` says, and whether the model chose it (`by_model`).
    None for impressions of earlier versions, and for those of demo orders."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


impressions = table_of(UpsellImpression)
SELECT_IMPRESSION_SUGGESTIONS = tenant_scoped(
    select(impressions.c.suggestions).where(
        impressions.c.id == bindparam("impression"), impressions.c.cart_id == bindparam("cart")
    )
)
SELECT_LAST_IMPRESSION = tenant_scoped(
    select(impressions.c.id, impressions.c.source, impressions.c.suggestions)
    .where(impressions.c.cart_id == bindparam("cart"))
    .order_by(impressions.c.sort_id.desc())
    .limit(1)
)
