"""Which index SQLite uses for a search of orders. It has no statistics, so the statement has to lead it there."""

import pytest
from flask import Flask

from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.orders.search import SELECT_BY_NUMBER

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.mark.parametrize("oldest_first", [True, False])
def test_a_number_is_found_in_the_index_of_numbers(app: Flask, oldest_first: bool) -> None:
    with app.app_context(), tenant_context("north"):
        connection = db.session.connection()
        text = str(SELECT_BY_NUMBER[oldest_first].compile(connection)).replace("?", "1")
        plan = str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}").all())
    assert "tenant_id=? AND number>? AND number<?" in plan, plan
