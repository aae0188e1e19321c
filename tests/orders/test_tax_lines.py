"""The tax lines of an order, also of one that an earlier version stored."""

from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.db.transactions import write
from storefront.orders.models import Order
from storefront.orders.queries import load_order
from storefront.pricing.price import TaxLine
from tests.conftest import Person
from tests.factories import import_tenants, product, tenant


def order_of(app: Flask, tax: dict[str, Any] | None) -> str:
    settings: dict[str, Any] = {"tax": tax} if tax else {}
    import_tenants(app, tenant("west", product("mug", "12.00"), **settings))
    buyer = Person(app.test_client(), "west")
    return str(buyer.checkout(buyer.cart(mug=1)).json["id"])


@pytest.mark.parametrize(("included", "base", "amount"), [(True, 1000, 200), (False, 1200, 240)])
def test_order_without_stored_lines_has_one_rate(app: Flask, included: bool, base: int, amount: int) -> None:
    order_id = order_of(app, {"rate": "20", "included": included})
    with app.app_context(), tenant_context("west"):
        assert load_order(order_id).price.tax_lines == (TaxLine(Decimal(20), base, amount),)
        with write():
            db.session.execute(update(Order).values(tax_lines=None))
        assert load_order(order_id).price.tax_lines == (TaxLine(Decimal(20), base, amount),)


def test_order_without_tax_has_no_lines(app: Flask) -> None:
    order_id = order_of(app, None)
    with app.app_context(), tenant_context("west"):
        assert load_order(order_id).price.tax_lines == ()
