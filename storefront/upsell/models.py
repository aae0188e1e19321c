"""The journal of suggestions, and what the shop's own orders and texts say about which products go together."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, BindParameter, Index, Select, String, bindparam, func, select
from sqlalchemy.orm import Mapped, mapped_column

from storefront.catalog.models import Product, closest
from storefront.clock import UtcDateTime, now
from storefront.database import Model, OwnedByTenant, held, is_id, new_id, new_token, run, table_of
from storefront.orders.models import OrderLine
from storefront.upsell.rules import Goods

RECENT_LINES = 80
"""How many of the latest order lines with the cart's products are asked what else was bought."""
MOST_TOGETHER = 30
MOST_ALIKE = 24


class UpsellShowing(OwnedByTenant, Model):
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


showings = table_of(UpsellShowing)
SHOWN = held(
    select(showings.c.suggestions).where(showings.c.id == bindparam("showing"), showings.c.cart_id == bindparam("cart"))
)
LAST = held(
    select(showings.c.id, showings.c.source, showings.c.suggestions)
    .where(showings.c.cart_id == bindparam("cart"))
    .order_by(showings.c.place.desc())
    .limit(1)
)


def was_suggested(showing_id: str | None, cart_id: str, product_id: str) -> bool:
    """Whether this product was suggested to this cart in that showing."""
    if not showing_id or not is_id(showing_id) or not is_id(cart_id):
        return False
    shown = run(SHOWN, {"showing": showing_id, "cart": cart_id}).scalar() or []
    return any(suggestion["product_id"] == product_id for suggestion in shown)


def last_showing(cart_id: str) -> Any:
    """The latest showing for this cart: its id, source and suggestions, or None."""
    return run(LAST, {"cart": cart_id}).one_or_none()


def together_query() -> Select[Any]:
    """Which other products the latest orders with these products had, and how many such orders."""
    mine, other = table_of(OrderLine).alias("mine"), table_of(OrderLine).alias("other")
    cart: BindParameter[Any] = bindparam("cart", expanding=True)
    latest = held(
        select(mine.c.tenant_id, mine.c.order_id, mine.c.product_id)
        .where(mine.c.product_id.in_(cart))
        .order_by(mine.c.place.desc())
        .limit(RECENT_LINES)
    ).subquery()
    times = func.count()
    return held(
        select(other.c.product_id, latest.c.product_id, times)
        .join(latest, (latest.c.tenant_id == other.c.tenant_id) & (latest.c.order_id == other.c.order_id))
        .where(other.c.product_id.not_in(cart))
        .group_by(other.c.product_id, latest.c.product_id)
        .order_by(times.desc(), other.c.product_id)
        .limit(MOST_TOGETHER)
    )


TOGETHER = together_query()


def bought_together(product_ids: Sequence[str]) -> Sequence[tuple[str, str, int]]:
    """(other product, product of the cart, number of shared orders) among the latest orders, most shared first."""
    return [tuple(row) for row in run(TOGETHER, {"cart": list(product_ids)})]


def alike(mine: Goods) -> list[Goods]:
    """Other products of the shop that share words with this one, the closest first, then others of its category."""
    words = sorted(mine.name_words | {word for tag in mine.tag_set for word in tag.split()})
    found: dict[str, Goods] = {}
    if words:
        others = select(*GOODS).where(products.c.id != mine.id, products.c.stock > 0).limit(MOST_ALIKE)
        found = read_goods(run(held(closest(others, words))))
    if len(found) < MOST_ALIKE:
        found |= same_category(mine)
    return list(found.values())


def same_category(mine: Goods) -> dict[str, Goods]:
    """Other products of its category, by id: the quick way to something that is alike."""
    return read_goods(run(SAME_CATEGORY, {"category": mine.category, "id": mine.id})) if mine.category else {}


def find_goods(product_ids: Collection[str]) -> dict[str, Goods]:
    """These products as they are compared with others, by id."""
    return read_goods(run(THESE_GOODS, {"ids": list(product_ids)}))


def read_goods(rows: Iterable[Any]) -> dict[str, Goods]:
    return {id: Goods(id, name, description, category, tuple(tags)) for id, name, description, category, tags in rows}


products = table_of(Product)
GOODS = [products.c[name] for name in ("id", "name", "description", "category", "tags")]
THESE_GOODS = held(select(*GOODS).where(products.c.id.in_(bindparam("ids", expanding=True))))
SAME_CATEGORY = held(
    select(*GOODS)
    .where(products.c.category == bindparam("category"), products.c.id != bindparam("id"), products.c.stock > 0)
    .order_by(products.c.place)
    .limit(MOST_ALIKE)
)
