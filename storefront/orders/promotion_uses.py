"""How often promotions were used."""

from collections.abc import Sequence

from sqlalchemy import func, select

from storefront.db.base import db
from storefront.orders.models import HAS_PROMO_CODE, Order, OrderStatus


def count_uses(codes: Sequence[str]) -> dict[str, int]:
    """Return how many orders of the current shop, without cancelled ones, used each of the codes. Reads the index of
    all orders with a code, so it is for pages of staff only."""
    query = select(Order.promo_code, func.count().label("number")).where(
        HAS_PROMO_CODE, Order.promo_code.in_(codes), Order.status != OrderStatus.CANCELLED
    )
    counted = {row.promo_code: row.number for row in db.session.execute(query.group_by(Order.promo_code))}
    return {code: counted.get(code, 0) for code in codes}
