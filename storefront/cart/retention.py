"""How long carts are kept that nobody ordered. One that became an order stays as long as the order, which names it."""

from sqlalchemy import ColumnElement, bindparam, delete, or_, select

from storefront.cart.models import CartLine, CartStatus
from storefront.cart.queries import carts
from storefront.clock import UtcDateTime
from storefront.db.base import table_of
from storefront.db.expiry import Rule
from storefront.db.tenancy import tenant_scoped

lines = table_of(CartLine)
BEFORE = bindparam("before", type_=UtcDateTime())
UNTOUCHED = (carts.c.status == CartStatus.OPEN) & (carts.c.updated_at < BEFORE)
HAS_LINES = tenant_scoped(select(lines.c.cart_id).where(lines.c.cart_id == carts.c.id)).correlate(carts).exists()
BY_PROGRAM = carts.c.shopper == carts.c.id
"""Programs name no shopper, so each of their carts is a shopper of its own."""


def untouched(*conditions: ColumnElement[bool]) -> Rule:
    """Removes open carts, with their lines, that meet these conditions and were not touched for long."""
    age = carts.c.created_at  # which has an index, because it doesn't change with each touch
    found = select(carts.c.id.label("key"), age.label("age")).where(
        UNTOUCHED, age < BEFORE, age >= bindparam("after"), *conditions
    )
    remove = delete(carts).where(carts.c.id.in_(bindparam("keys", expanding=True)), UNTOUCHED, *conditions)
    return Rule(age, tenant_scoped(found.order_by(age).limit(bindparam("batch"))), tenant_scoped(remove))


def short_lived(is_needed: ColumnElement[bool]) -> Rule:
    """Empty carts, and those that programs made, unless they are needed for something else."""
    return untouched(or_(BY_PROGRAM, ~HAS_LINES), ~is_needed)


def long_lived(is_needed: ColumnElement[bool]) -> Rule:
    """All others that nobody ordered."""
    return untouched(~is_needed)
