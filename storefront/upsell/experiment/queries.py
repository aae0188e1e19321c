"""Reads for the experiment's report."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Float,
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

from storefront.cart.models import CartLine
from storefront.clock import UtcDateTime
from storefront.db.base import table_of
from storefront.db.tenancy import execute, tenant_scoped
from storefront.orders.models import Order, OrderLine, OrderStatus
from storefront.upsell.experiment.models import UpsellExposure
from storefront.upsell.llm.models import LlmCall

exposures, calls = table_of(UpsellExposure), table_of(LlmCall)
orders, order_lines, cart_lines = table_of(Order), table_of(OrderLine), table_of(CartLine)
SINCE: ColumnElement[bool] = exposures.c.created_at >= bindparam("since", type_=UtcDateTime())
ALLOCATION = cast(exposures.c.allocation, String).label("allocation")
IS_VALID_ORDER = orders.c.status != OrderStatus.CANCELLED


def accepted(cart_id: ColumnElement[str]) -> ColumnElement[int]:
    """1 for a cart with a line that came from a suggestion, else 0."""
    line = tenant_scoped(select(cart_lines.c.cart_id).where(cart_lines.c.cart_id == cart_id, cart_lines.c.from_upsell))
    return case((line.correlate(exposures).exists(), 1), else_=0)


def suggested(order_id: ColumnElement[str], standing: Subquery) -> ScalarSelect[int]:
    """The revenue of an order's lines that came from suggestions."""
    paid = func.sum(order_lines.c.unit_price * order_lines.c.quantity)
    lines = tenant_scoped(select(paid).where(order_lines.c.order_id == order_id, order_lines.c.from_upsell))
    return lines.correlate(standing).scalar_subquery()


def spent(cart_id: ColumnElement[str]) -> ScalarSelect[int]:
    """The cost of the model's calls for a cart."""
    return (
        tenant_scoped(select(func.sum(calls.c.cost_micros)).where(calls.c.cart_id == cart_id))
        .correlate(exposures)
        .scalar_subquery()
    )


def per_shopper() -> Subquery:
    """A row per shopper, arm and allocation, with the number of started checkouts and what came of them. A cart's lines
    and calls are looked up by key: SQLite would read joined sums as a whole for each cart."""
    e, standing = (
        exposures.c,
        tenant_scoped(select(orders.c.cart_id, orders.c.id, orders.c.total).where(IS_VALID_ORDER)).subquery(),
    )
    return tenant_scoped(
        select(
            e.arm,
            ALLOCATION,
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
        .group_by(e.arm, ALLOCATION, e.shopper)
    ).subquery("per_shopper")


def outcomes_query() -> Select[Any]:
    """The sums of `per_shopper`. Those of squares are floating point, because the squares of revenue exceed 64 bits."""
    one = per_shopper()
    x, y = cast(one.c.checkouts, Float(53)), cast(one.c.revenue, Float(53))
    summed = ("checkouts", "orders", "revenue", "accepted", "suggested", "cost")
    return tenant_scoped(
        select(
            one.c.arm,
            one.c.allocation,
            func.count().label("shoppers"),
            *(func.sum(one.c[name]).label(name) for name in summed),
            func.sum(x * x).label("checkouts_squared"),
            func.sum(y * y).label("revenue_squared"),
            func.sum(x * y).label("checkouts_times_revenue"),
        ).group_by(one.c.arm, one.c.allocation)
    )


def first_exposures_query() -> Select[Any]:
    """The number of shoppers by the arm of their first exposure and the allocation at that time."""
    e = exposures.c
    turn = func.row_number().over(partition_by=e.shopper, order_by=(e.created_at, e.cart_id)).label("turn")
    first = tenant_scoped(select(e.arm, ALLOCATION, turn).where(SINCE)).subquery("first")
    grouped = (first.c.arm, first.c.allocation)
    return tenant_scoped(select(*grouped, func.count().label("shoppers")).where(first.c.turn == 1).group_by(*grouped))


SELECT_OUTCOMES, SELECT_FIRST_EXPOSURES = outcomes_query(), first_exposures_query()
COUNT_SHOPPERS = tenant_scoped(
    select(exposures.c.arm, func.count(distinct(exposures.c.shopper)).label("shoppers"))
    .where(SINCE)
    .group_by(exposures.c.arm)
)


def outcomes(since: datetime) -> Sequence[Any]:
    """Rows of sums by arm and allocation, named as in `outcomes_query`."""
    return execute(SELECT_OUTCOMES, {"since": since}).all()


def first_exposures(since: datetime) -> Sequence[Any]:
    """Rows of (arm, allocation, number of shoppers whose first exposure it was)."""
    return execute(SELECT_FIRST_EXPOSURES, {"since": since}).all()


def count_shoppers(since: datetime) -> dict[str, int]:
    """The number of shoppers by arm, each counted once."""
    return {row.arm: row.shoppers for row in execute(COUNT_SHOPPERS, {"since": since})}
