"""Sales by day, in the shop's time zone: orders that neither are cancelled nor wait for an online payment, and their
totals less what was refunded of them. A refund counts on the day of its order.

The sums of days that are over are kept in `sales_day`, so that the back office's home reads a row per day instead of
every order of two months. What changes an order of such a day calls `forget_sales`, behind its event: the lock of the
event's sequence keeps a sum that is being computed from missing the change."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import and_, bindparam, delete, func, select

from storefront.clock import UtcDateTime, now
from storefront.db.base import table_of
from storefront.db.tenancy import execute, insert_if_absent, tenant_scoped
from storefront.db.tenant_context import current_tenant_id
from storefront.db.transactions import write, write_connection
from storefront.errors import DatabaseBusy
from storefront.events.actions import next_ids
from storefront.orders.models import HAS_PAYMENT, Order, OrderStatus, SalesDay
from storefront.orders.payment_choice import ONLINE_METHODS
from storefront.orders.payment_models import PaymentStatus
from storefront.orders.payment_queries import payments

COMPLETE_AFTER = timedelta(minutes=15)
"""After the end of a day, when no order of it can still be about to be committed."""
REFUNDED = (PaymentStatus.PARTLY_REFUNDED, PaymentStatus.REFUNDED)
orders, sales_days = table_of(Order), table_of(SalesDay)
IS_SALE = and_(
    orders.c.created_at >= bindparam("start", type_=UtcDateTime()),
    orders.c.created_at < bindparam("end", type_=UtcDateTime()),
    orders.c.status != OrderStatus.CANCELLED,
)
SUM_REFUNDS = tenant_scoped(
    select(func.coalesce(func.sum(payments.c.refunded), 0))
    .join(orders, (orders.c.tenant_id == payments.c.tenant_id) & (orders.c.id == payments.c.order_id))
    .where(IS_SALE, orders.c.payment_status.in_(REFUNDED), HAS_PAYMENT)
    .correlate(None)
).scalar_subquery()
COUNT_WAITING, SUM_WAITING = (
    tenant_scoped(
        select(what)
        .select_from(orders)
        .where(
            *(IS_SALE, orders.c.payment_status == PaymentStatus.PENDING, HAS_PAYMENT),
            orders.c.payment_method.in_(ONLINE_METHODS),
        )
        .correlate(None)
    ).scalar_subquery()
    for what in (func.count(), func.coalesce(func.sum(orders.c.total), 0))
)
SUM_SALES = tenant_scoped(
    select(
        (func.count() - COUNT_WAITING).label("orders"),
        (func.coalesce(func.sum(orders.c.total), 0) - SUM_REFUNDS - SUM_WAITING).label("revenue"),
    ).where(IS_SALE)
)
SELECT_SALES_DAYS = tenant_scoped(
    select(sales_days.c.day, sales_days.c.orders, sales_days.c.revenue).where(
        sales_days.c.timezone == bindparam("timezone"), sales_days.c.day.between(bindparam("first"), bindparam("last"))
    )
)
DELETE_SALES_DAYS = tenant_scoped(
    delete(sales_days).where(sales_days.c.day.between(bindparam("first"), bindparam("last")))
)


class Sales(NamedTuple):
    """The number of orders, and their revenue in minor units."""

    orders: int = 0
    revenue: int = 0


def start_of(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


def sales_between(start: datetime, end: datetime) -> Sales:
    """Return the sales from `start` until before `end`."""
    found = execute(SUM_SALES, {"start": start, "end": end}).one()
    return Sales(int(found.orders), int(found.revenue))


def sales_by_day(first: date, last: date, zone: ZoneInfo) -> dict[date, Sales]:
    """Return the sales of each day, by day. Stores those of complete days that aren't stored yet."""
    wanted = {"timezone": zone.key, "first": first, "last": last}
    stored = {row.day: Sales(int(row.orders), int(row.revenue)) for row in execute(SELECT_SALES_DAYS, wanted)}
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return {day: stored[day] if day in stored else missing_sales(day, zone) for day in days}


def missing_sales(day: date, zone: ZoneInfo) -> Sales:
    start, end = start_of(day, zone), start_of(day + timedelta(days=1), zone)
    if now() < end + COMPLETE_AFTER:
        return sales_between(start, end)
    try:
        return store_sales(day, zone, start, end)
    except DatabaseBusy:
        return sales_between(start, end)


def store_sales(day: date, zone: ZoneInfo, start: datetime, end: datetime) -> Sales:
    with write():
        next_ids(write_connection(), current_tenant_id(), 0)  # locks; see the top
        found = sales_between(start, end)
        insert_if_absent(SalesDay, [{"timezone": zone.key, "day": day, **found._asdict()}])
    return found


def forget_sales(moments: Sequence[datetime]) -> None:
    """Forget the sums of the days of these moments, inside `write()`, behind the event of what changed. The day of a
    recent moment has no sum yet."""
    old = [moment for moment in moments if now() - moment >= COMPLETE_AFTER]
    if old:
        days = {"first": (min(old) - timedelta(days=1)).date(), "last": (max(old) + timedelta(days=1)).date()}
        execute(DELETE_SALES_DAYS, days)


def total(sales: Mapping[date, Sales], first: date, last: date) -> Sales:
    """Return the sum of the days from `first` to before `last`."""
    found = [one for day, one in sales.items() if first <= day < last]
    return Sales(sum(one.orders for one in found), sum(one.revenue for one in found))
