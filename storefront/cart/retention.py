"""Retention of carts that were not ordered. An ordered cart is kept as long as its order, which refers to it."""

from sqlalchemy import ColumnElement, and_, bindparam, delete, or_, select

from storefront.cart.models import IS_OPEN, CartLine
from storefront.cart.queries import carts
from storefront.clock import UtcDateTime
from storefront.db.base import table_of
from storefront.db.expiry import Rule
from storefront.db.tenancy import tenant_scoped

lines = table_of(CartLine)
BEFORE = bindparam("before", type_=UtcDateTime())
UNCHANGED = and_(IS_OPEN, carts.c.updated_at < BEFORE)
HAS_LINES = tenant_scoped(select(lines.c.cart_id).where(lines.c.cart_id == carts.c.id)).correlate(carts).exists()
CREATED_BY_API = carts.c.shopper == carts.c.id
"""Carts created by the API have no browser; their `shopper` is the cart's own id."""


def unchanged_carts(*conditions: ColumnElement[bool]) -> Rule:
    """Return a rule that deletes open carts with their lines if they meet the conditions and haven't changed since
    `before`."""
    age = carts.c.created_at  # indexed, because it never changes
    found = select(carts.c.id.label("key"), age.label("age")).where(
        UNCHANGED, age < BEFORE, age >= bindparam("after"), *conditions
    )
    remove = delete(carts).where(carts.c.id.in_(bindparam("keys", expanding=True)), UNCHANGED, *conditions)
    return Rule(age, tenant_scoped(found.order_by(age).limit(bindparam("batch"))), tenant_scoped(remove))


def short_lived(is_needed: ColumnElement[bool]) -> Rule:
    """Return the rule for empty carts and those created by the API, unless they are still needed."""
    return unchanged_carts(or_(CREATED_BY_API, ~HAS_LINES), ~is_needed)


def long_lived(is_needed: ColumnElement[bool]) -> Rule:
    """Return the rule for all other carts that were not ordered, unless they are still needed."""
    return unchanged_carts(~is_needed)
