"""The journal of suggestions, and what the shop's own orders and texts say about which products go together."""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import JSON, BigInteger, BindParameter, Index, Select, String, bindparam, func, select
from sqlalchemy.orm import Mapped, aliased, mapped_column

from storefront.catalog.models import Product, closest
from storefront.clock import UtcDateTime, now
from storefront.database import Model, OwnedByTenant, db, is_id, new_id, new_token
from storefront.orders.models import OrderLine
from storefront.upsell.rules import Goods

RECENT_LINES = 80
"""How many of the latest order lines with the cart's products are asked what else was bought."""
MOST_TOGETHER = 30
MOST_ALIKE = 16


class UpsellCall(OwnedByTenant, Model):
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
    return db.session.execute(together_query(), {"cart": list(product_ids)}).all()


@cache
def together_query() -> Select[str, str, int]:
    """Built once, because building it costs ten times what running it does."""
    mine, other = aliased(OrderLine), aliased(OrderLine)
    cart: BindParameter[Any] = bindparam("cart", expanding=True)
    latest = (
        select(mine.tenant_id, mine.order_id, mine.product_id)
        .where(mine.product_id.in_(cart))
        .order_by(mine.place.desc())
        .limit(RECENT_LINES)
        .subquery()
    )
    times = func.count()
    return (
        select(other.product_id, latest.c.product_id, times)
        .join(latest, (latest.c.tenant_id == other.tenant_id) & (latest.c.order_id == other.order_id))
        .where(other.product_id.not_in(cart))
        .group_by(other.product_id, latest.c.product_id)
        .order_by(times.desc(), other.product_id)
        .limit(MOST_TOGETHER)
    )


def alike(mine: Goods) -> list[Goods]:
    """Other products of the shop that share words with this one, the closest first, then others of its category."""
    words = sorted(mine.name_words | {word for tag in mine.tag_set for word in tag.split()})
    others = select(*GOODS).where(Product.id != mine.id).limit(MOST_ALIKE)
    found = read_goods(closest(others, words)) if words else {}
    if mine.category and len(found) < MOST_ALIKE:
        found |= read_goods(others.where(Product.category == mine.category).order_by(Product.place))
    return list(found.values())


GOODS = (Product.id, Product.name, Product.description, Product.category, Product.tags)


def find_goods(product_ids: Collection[str]) -> dict[str, Goods]:
    """These products as they are compared with others, by id."""
    return read_goods(select(*GOODS).where(Product.id.in_(product_ids)))


def read_goods(query: Select[str, str, str, str, list[str]]) -> dict[str, Goods]:
    return {
        id: Goods(id, name, description, category, tuple(tags))
        for id, name, description, category, tags in db.session.execute(query)
    }


def in_stock(product_ids: Collection[str]) -> dict[str, Product]:
    """Those of the products that can be sold at this moment."""
    query = select(Product).where(Product.id.in_(product_ids), Product.stock > 0)
    return {product.id: product for product in db.session.scalars(query.execution_options(populate_existing=True))}
