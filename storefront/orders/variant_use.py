"""Which variants carts and orders refer to."""

from collections.abc import Collection

from sqlalchemy import select

from storefront.cart.models import CartLine
from storefront.db.base import db
from storefront.orders.models import OrderLine


def variants_in_use(product_id: str, ids: Collection[str]) -> set[str]:
    """Return those of a product's variants that a cart or an order has, which therefore can't be deleted."""
    found: set[str] = set()
    for line in (OrderLine, CartLine):
        query = select(line.variant_id).where(line.product_id == product_id, line.variant_id.in_(ids))
        found |= set(db.session.scalars(query.distinct()))
    return found
