"""Reads for the back office's home. Counts end at `MAX_COUNT`, so that they cost the same in every shop."""

from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Select, func, select

from storefront.catalog.models import LOW_STOCK, Product, Variant
from storefront.catalog.queries import IS_ON_SALE
from storefront.clock import now
from storefront.db.base import db
from storefront.orders.fulfilment import IS_TO_SHIP
from storefront.orders.models import Order
from storefront.orders.sales import Sales, sales_between, sales_by_day, start_of, total
from storefront.tenants.settings import TenantSettings

MAX_COUNT = 1000
MAX_LOW_PRODUCTS = 5
PERIODS = (1, 7, 30)
"""Days, the current one included."""


class Period(NamedTuple):
    """The sales of the last `days` days up to now, and of as many days before, up to the same time of day."""

    days: int
    sales: Sales
    before: Sales


class SalesOverview(NamedTuple):
    periods: list[Period]
    by_day: list[tuple[date, Sales]]
    """The last 30 days, the oldest first."""


def sales_overview(tenant: TenantSettings) -> SalesOverview:
    zone, moment = tenant.timezone, now().astimezone(tenant.timezone)
    today, longest = moment.date(), max(PERIODS)
    by_day = sales_by_day(today - timedelta(days=2 * longest - 1), today, zone)
    periods = []
    for days in PERIODS:
        ago = today - timedelta(days=days)
        so_far = sales_between(start_of(ago, zone), datetime.combine(ago, moment.time(), zone))
        full = total(by_day, ago - timedelta(days=days - 1), ago)
        before = Sales(full.orders + so_far.orders, full.revenue + so_far.revenue)
        current = total(by_day, ago + timedelta(days=1), today + timedelta(days=1))
        periods.append(Period(days, current, before))
    shown = [today - timedelta(days=number) for number in range(longest - 1, -1, -1)]
    return SalesOverview(periods, [(day, by_day[day]) for day in shown])


class ToShip(NamedTuple):
    number: int
    oldest: datetime | None


def orders_to_ship() -> ToShip:
    """Return how many orders the list of orders to ship has."""
    oldest = db.session.scalar(select(Order.created_at).where(IS_TO_SHIP).order_by(Order.position).limit(1))
    return ToShip(bounded_count(select(Order.id).where(IS_TO_SHIP)), oldest)


class LowStock(NamedTuple):
    number: int
    products: list[Any]
    """Some of them: rows of (id, name, stock of the variant with the fewest)."""


def low_stock() -> LowStock:
    """Return products on sale of which a variant is sold out or nearly so."""
    low = select(Variant.product_id).where(LOW_STOCK).distinct()
    fewest = func.min(Variant.stock).label("stock")
    lowest = (
        select(Variant.product_id, fewest).where(LOW_STOCK).group_by(Variant.product_id).limit(MAX_COUNT).subquery()
    )
    rows = select(Product.id, Product.name, lowest.c.stock).join(lowest, lowest.c.product_id == Product.id)
    first = rows.where(IS_ON_SALE).order_by(lowest.c.stock, Product.position).limit(MAX_LOW_PRODUCTS)
    products = db.session.execute(first).all()
    return LowStock(bounded_count(low), list(products))


def bounded_count(rows: Select[Any]) -> int:
    """Return the number of rows, at most `MAX_COUNT` and one."""
    limited = rows.limit(MAX_COUNT + 1).subquery()
    return db.session.scalar(select(func.count()).select_from(limited)) or 0
