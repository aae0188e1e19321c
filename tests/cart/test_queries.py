"""The statements on open carts."""

from typing import Any

import pytest
from sqlalchemy.sql import ClauseElement

from storefront.cart.actions import LOCK_OPEN_CART, SET_CART_PROMO
from storefront.cart.models import CartStatus
from storefront.cart.queries import COUNT_CART_ITEMS
from storefront.orders.actions import MARK_CART_ORDERED


@pytest.mark.parametrize("statement", [COUNT_CART_ITEMS, LOCK_OPEN_CART, SET_CART_PROMO, MARK_CART_ORDERED])
def test_the_status_that_a_partial_index_names_is_no_parameter(statement: ClauseElement) -> None:
    """With a parameter, SQLite compiles the statement again at each run: four times the cost of the cart's badge."""
    compiled: Any = statement.compile()
    assert "cart.status = 'open'" in str(compiled)
    assert CartStatus.OPEN not in [parameter.value for parameter in compiled.binds.values()]
