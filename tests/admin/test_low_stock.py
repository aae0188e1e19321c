"""The filter for low stock: the same products in both ways of reading them, each by the index of low stock."""

import pytest
from flask import Flask
from sqlalchemy import select

from storefront.admin import product_queries
from storefront.admin.product_queries import LOW_STOCK, ProductFilter, conditions, list_products, sort_key
from storefront.catalog.models import Product
from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from tests.factories import import_tenants, tenant
from tests.factories import product as entry

LOW = ProductFilter(shown=LOW_STOCK)


@pytest.fixture
def shop(app: Flask) -> Flask:
    """Six products of which the even ones are low, one of them not on sale, beside a shop where all are low."""
    sold = [entry(f"p{number}", stock=2 if number % 2 == 0 else 90) for number in range(5)]
    import_tenants(
        app, tenant("west", *sold, entry("p6", stock=0, status="draft")), tenant("east", entry("p1", stock=0))
    )
    return app


@pytest.mark.parametrize("max_count", [0, 1000], ids=["many", "few"])
def test_it_finds_what_is_on_sale_and_low_from_page_to_page(
    shop: Flask, monkeypatch: pytest.MonkeyPatch, max_count: int
) -> None:
    monkeypatch.setattr(product_queries, "MAX_COUNT", max_count)
    monkeypatch.setattr(product_queries, "PAGE_SIZE", 2)
    with shop.app_context(), tenant_context("west"):
        first = list_products(LOW)
        second = list_products(LOW, after=first.rows[-1].position)
        back = list_products(LOW, before=second.rows[0].position)
    assert [[row.id for row in page.rows] for page in (first, second, back)] == [["p4", "p2"], ["p0"], ["p4", "p2"]]
    assert (first.has_older, second.has_older, second.has_newer) == (True, False, True)


@pytest.mark.parametrize("few", [False, True], ids=["many", "few"])
def test_it_reads_the_index_of_low_stock(shop: Flask, few: bool) -> None:
    key = sort_key(few)
    with shop.app_context(), tenant_context("west"):
        query = select(Product.id).where(Product.tenant_id == "west", *conditions(LOW, few)).order_by(key.desc())
        assert "stock <= 5" in str(query), "a bound value would decide whether the index can be used"
        connection = db.session.connection()
        text = str(query.limit(50).compile(connection, compile_kwargs={"literal_binds": True}))
        if connection.dialect.name == "sqlite":
            plan = str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}").all())
            assert ("ix_product_on_sale_position" in plan) != few, "few products are not searched among all"
        else:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # which is faster for six products
            plan = str(connection.exec_driver_sql(f"EXPLAIN {text}").all())
    assert "ix_variant_low_stock" in plan, plan
