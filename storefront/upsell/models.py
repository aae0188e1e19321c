"""The journal of suggestions, and what the shop's own orders and texts say about which products go together."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, Select, String, func, select
from sqlalchemy.orm import Mapped, aliased, mapped_column

from storefront.catalog.models import Product, with_any_word
from storefront.clock import UtcDateTime, now
from storefront.database import OwnedByTenant, db, is_id, new_id, new_token
from storefront.orders.models import OrderLine

RECENT_LINES = 300
"""How many of the latest order lines with the cart's products are asked what else was bought."""
MOST_RELATED = 60


class UpsellCall(OwnedByTenant, db.Model):
    """One showing of suggestions (or of none) for a cart, with the model call behind it when there was one.

    `outcome` is "ok" or the cause why the model's answer was not used; `latency_ms`, `model` and the texts are of the
    model call and None without one.
    """

    __tablename__ = "upsell_call"
    __table_args__ = (Index(None, "tenant_id", "cart_id", "place"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_token)
    place: Mapped[int] = mapped_column(BigInteger, default=new_id)
    cart_id: Mapped[str] = mapped_column(String(32))
    arm: Mapped[str] = mapped_column(String(8))
    source: Mapped[str | None] = mapped_column(String(8))
    outcome: Mapped[str] = mapped_column(String(32))
    suggestions: Mapped[list[dict[str, str]]] = mapped_column(JSON)
    """What was shown: `[{"product_id", "explanation"}]`."""
    model: Mapped[str | None]
    prompt: Mapped[str | None]
    response: Mapped[str | None]
    prompt_tokens: Mapped[int | None]
    completion_tokens: Mapped[int | None]
    latency_ms: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


def was_suggested(call_id: str | None, cart_id: str, product_id: str) -> bool:
    """Whether this product was suggested to this cart in that call."""
    if not call_id or not is_id(call_id):
        return False
    query = select(UpsellCall.suggestions).where(UpsellCall.id == call_id, UpsellCall.cart_id == cart_id)
    shown = db.session.scalar(query) or []
    return any(suggestion["product_id"] == product_id for suggestion in shown)


def last_call(cart_id: str) -> UpsellCall | None:
    """The latest showing for this cart."""
    query = select(UpsellCall).where(UpsellCall.cart_id == cart_id).order_by(UpsellCall.place.desc()).limit(1)
    return db.session.scalar(query)


def bought_together(product_ids: Sequence[str]) -> Sequence[tuple[str, str, int]]:
    """(other product, product of the cart, number of shared orders) among the latest orders, most shared first."""
    mine, other = aliased(OrderLine), aliased(OrderLine)
    latest = (
        select(mine.tenant_id, mine.order_id, mine.product_id)
        .where(mine.product_id.in_(product_ids))
        .order_by(mine.place.desc())
        .limit(RECENT_LINES)
        .subquery()
    )
    query: Select[tuple[str, str, int]] = (
        select(other.product_id, latest.c.product_id, func.count().label("times"))
        .join(latest, (latest.c.tenant_id == other.tenant_id) & (latest.c.order_id == other.order_id))
        .where(other.product_id.not_in(product_ids))
        .group_by(other.product_id, latest.c.product_id)
        .order_by(func.count().desc(), other.product_id)
        .limit(MOST_RELATED)
    )
    return [tuple(row) for row in db.session.execute(query)]


def related_by_words(words: Sequence[str], category_of: Sequence[str], but_not: Sequence[str]) -> Sequence[Product]:
    """Products in stock that share a word or a category with the cart."""
    related = Product.category.in_([name for name in category_of if name])
    if words:
        related = related | with_any_word(words)
    query = select(Product).where(related, Product.stock > 0, Product.id.not_in(but_not))
    return db.session.scalars(query.order_by(Product.place).limit(MOST_RELATED)).all()


def in_stock(product_ids: Sequence[str]) -> dict[str, Product]:
    """Those of the products that can be sold at this moment."""
    query = select(Product).where(Product.id.in_(product_ids), Product.stock > 0)
    return {product.id: product for product in db.session.scalars(query.execution_options(populate_existing=True))}


