"""Which carts were exposed to which arm, and what came of them, summed by the database."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Float,
    Index,
    ScalarSelect,
    Select,
    String,
    Subquery,
    bindparam,
    case,
    cast,
    distinct,
    func,
    select,
)
from sqlalchemy.orm import Mapped, mapped_column

from storefront.cart.models import CartLine
from storefront.clock import UtcDateTime, now
from storefront.db.base import Model, table_of
from storefront.db.tenancy import OwnedByTenant, execute, insert_if_absent, tenant_scoped
from storefront.orders.models import CANCELLED, Order, OrderLine
from storefront.upsell.llm.models import LlmCall


class UpsellExposure(OwnedByTenant, Model):
    """The moment when suggestions were, or in control would have been, first shown for a cart: a started checkout."""

    __tablename__ = "upsell_exposure"
    __table_args__ = (Index(None, "tenant_id", "created_at"),)

    cart_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    shopper: Mapped[str] = mapped_column(String(32))
    arm: Mapped[str] = mapped_column(String(8))
    shares: Mapped[dict[str, float]] = mapped_column(JSON)
    """Those in force: `{"control": 0.1, ...}`, always written alike, because they are grouped by as text."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


def expose(rows: Sequence[Mapping[str, Any]]) -> None:
    """Write down, inside `write()`, that carts' shoppers came to the panel; for each cart the first time counts."""
    insert_if_absent(UpsellExposure, rows)


exposures, calls = table_of(UpsellExposure), table_of(LlmCall)
orders, order_lines, cart_lines = table_of(Order), table_of(OrderLine), table_of(CartLine)
SINCE: ColumnElement[bool] = exposures.c.created_at >= bindparam("since", type_=UtcDateTime())
SHARES = cast(exposures.c.shares, String).label("shares")
STANDS = orders.c.status != CANCELLED


def accepted(cart_id: ColumnElement[str]) -> ColumnElement[int]:
    """1 for a cart with a line that came from a suggestion, else 0."""
    line = tenant_scoped(select(cart_lines.c.cart_id).where(cart_lines.c.cart_id == cart_id, cart_lines.c.from_upsell))
    return case((line.correlate(exposures).exists(), 1), else_=0)


def suggested(order_id: ColumnElement[str], standing: Subquery) -> ScalarSelect[int]:
    """What the lines of an order that came from suggestions were sold for."""
    paid = func.sum(order_lines.c.unit_price * order_lines.c.quantity)
    lines = tenant_scoped(select(paid).where(order_lines.c.order_id == order_id, order_lines.c.from_upsell))
    return lines.correlate(standing).scalar_subquery()


def spent(cart_id: ColumnElement[str]) -> ScalarSelect[int]:
    """What asking the model for a cart cost."""
    return (
        tenant_scoped(select(func.sum(calls.c.cost)).where(calls.c.cart_id == cart_id))
        .correlate(exposures)
        .scalar_subquery()
    )


def per_shopper() -> Subquery:
    """A row for each shopper, arm and shares in force, with her started checkouts and what came of them. What hangs on
    a cart is looked up by its key: joined as tables of sums, SQLite would read them whole for each cart."""
    e, standing = (
        exposures.c,
        tenant_scoped(select(orders.c.cart_id, orders.c.id, orders.c.total).where(STANDS)).subquery(),
    )
    return tenant_scoped(
        select(
            e.arm,
            SHARES,
            e.shopper,
            func.count().label("checkouts"),
            func.count(standing.c.cart_id).label("orders"),
            func.coalesce(func.sum(standing.c.total), 0).label("revenue"),
            func.sum(accepted(e.cart_id)).label("accepted"),
            func.coalesce(func.sum(suggested(standing.c.id, standing)), 0).label("suggested"),
            func.coalesce(func.sum(spent(e.cart_id)), 0).label("cost"),
        )
        .outerjoin(standing, standing.c.cart_id == e.cart_id)
        .where(SINCE)
        .group_by(e.arm, SHARES, e.shopper)
    ).subquery("per_shopper")


def outcomes_query() -> Select[Any]:
    """The sums of `per_shopper`, and those of squares as floating point: the squares of revenue outgrow 64 bits."""
    one = per_shopper()
    x, y = cast(one.c.checkouts, Float(53)), cast(one.c.revenue, Float(53))
    summed = ("checkouts", "orders", "revenue", "accepted", "suggested", "cost")
    return tenant_scoped(
        select(
            one.c.arm,
            one.c.shares,
            func.count().label("shoppers"),
            *(func.sum(one.c[name]).label(name) for name in summed),
            func.sum(x * x).label("checkouts_squared"),
            func.sum(y * y).label("revenue_squared"),
            func.sum(x * y).label("checkouts_times_revenue"),
        ).group_by(one.c.arm, one.c.shares)
    )


def arrivals_query() -> Select[Any]:
    """How many shoppers came to an arm first, by the shares in force then."""
    e = exposures.c
    turn = func.row_number().over(partition_by=e.shopper, order_by=(e.created_at, e.cart_id)).label("turn")
    first = tenant_scoped(select(e.arm, SHARES, turn).where(SINCE)).subquery("first")
    grouped = (first.c.arm, first.c.shares)
    return tenant_scoped(select(*grouped, func.count().label("shoppers")).where(first.c.turn == 1).group_by(*grouped))


OUTCOMES, ARRIVALS = outcomes_query(), arrivals_query()
SHOPPERS = tenant_scoped(
    select(exposures.c.arm, func.count(distinct(exposures.c.shopper)).label("shoppers"))
    .where(SINCE)
    .group_by(exposures.c.arm)
)


def outcomes(since: datetime) -> Sequence[Any]:
    """By arm and shares in force since then: rows of sums as `outcomes_query` names them."""
    return execute(OUTCOMES, {"since": since}).all()


def arrivals(since: datetime) -> Sequence[Any]:
    """Rows of (arm, shares, shoppers): who came first since then."""
    return execute(ARRIVALS, {"since": since}).all()


def count_shoppers(since: datetime) -> dict[str, int]:
    """How many shoppers each arm has had since then, each counted once."""
    return {row.arm: row.shoppers for row in execute(SHOPPERS, {"since": since})}
