"""The impression table: which suggestions were shown for which cart."""

from datetime import datetime

from sqlalchemy import JSON, BigInteger, Index, String, bindparam, select
from sqlalchemy.orm import Mapped, mapped_column

from storefront.clock import UtcDateTime, now
from storefront.db.base import Model, table_of
from storefront.db.tenancy import OwnedByTenant, tenant_scoped
from storefront.ids import new_id, new_token


class UpsellImpression(OwnedByTenant, Model):
    """What was shown to a cart, and why it was that. `call_id` is the model call that chose it, if one did."""

    __tablename__ = "upsell_showing"
    __table_args__ = (Index(None, "tenant_id", "cart_id", "place"), Index(None, "tenant_id", "place"))

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_token)
    place: Mapped[int] = mapped_column(BigInteger, default=new_id)
    cart_id: Mapped[str] = mapped_column(String(32))
    arm: Mapped[str] = mapped_column(String(8))
    source: Mapped[str | None] = mapped_column(String(8))
    outcome: Mapped[str]
    """Who was to choose, or why the model's choice was not shown."""
    call_id: Mapped[str | None] = mapped_column(String(32))
    suggestions: Mapped[list[dict[str, str]]] = mapped_column(JSON)
    """`[{"product_id", "explanation"}]`."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


showings = table_of(UpsellImpression)
SELECT_IMPRESSION_SUGGESTIONS = tenant_scoped(
    select(showings.c.suggestions).where(showings.c.id == bindparam("showing"), showings.c.cart_id == bindparam("cart"))
)
SELECT_LAST_IMPRESSION = tenant_scoped(
    select(showings.c.id, showings.c.source, showings.c.suggestions)
    .where(showings.c.cart_id == bindparam("cart"))
    .order_by(showings.c.place.desc())
    .limit(1)
)
