"""The statements on open carts."""

from typing import Any

import pytest
from sqlalchemy.sql import ClauseElement

from storefront.cart.actions import LOCK_OPEN_CART, SET_CART_PROMO
from storefront.cart.models import CartStatus
from storefront.cart.queries import COUNT_CART_ITEMS
from storefront.orders.actions import MARK_CART_ORDERED


@pytest.mark.parametrize("statement", [COUNT_CART_ITEMS, LOCK_OPEN_CART, SET_CART_PROMO, MARK_CART_ORDERED])
def test_status_in_the_partial_index_condition_is_not_a_bound_parameter(statement: ClauseElement) -> None:
    """With a bound parameter, SQLite recompiles the statement each time: the cart badge takes four times as long."""
    compiled: Any = statement.compile()
    assert "cart.status = 'open'" in str(compiled)
    assert CartStatus.OPEN not in [parameter.value for parameter in compiled.binds.values()]
