"""The filter for low stock: the same products in both ways of reading them, each by the index of low stock."""

import html
import re

import pytest
from flask import Flask
from sqlalchemy import select

from storefront.admin import product_queries
from storefront.admin.product_queries import LOW_STOCK, ProductFilter, conditions, list_products, sort_key
from storefront.catalog.models import Product
from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.staff.permissions import Role
from tests.factories import import_tenants, tenant
from tests.factories import product as entry
from tests.staff.factories import signed_in

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
        second = list_products(LOW, after=first.older)
        back = list_products(LOW, before=second.newer)
    assert [[row.id for row in page.rows] for page in (first, second, back)] == [["p4", "p2"], ["p0"], ["p4", "p2"]]
    assert (first.newer, second.older, back.newer) == (None, None, None)


def test_a_page_looks_at_some_products_only_and_the_next_goes_on(shop: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("MAX_COUNT", 0), ("MAX_SCANNED", 2)):
        monkeypatch.setattr(product_queries, name, value)
    found, after = [], None
    with shop.app_context(), tenant_context("west"):
        while True:
            page = list_products(LOW, after=after)
            found.append(([row.id for row in page.rows], page.is_cut))
            after = page.older
            if after is None:
                break
        back = list_products(LOW, before=page.newer)
    assert found == [(["p4"], True), (["p2"], True), (["p0"], False)]
    assert ([row.id for row in back.rows], back.is_cut) == (["p2"], True)


def test_the_list_says_that_it_has_not_looked_at_all(shop: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("MAX_COUNT", 0), ("MAX_SCANNED", 1)):
        monkeypatch.setattr(product_queries, name, value)
    ada = signed_in(shop, "west", Role.OWNER)
    first = ada.get("/admin/products?status=low").text
    assert "haven't been searched yet" in html.unescape(first)
    older = re.search(r'id="page_older"[^>]*href="([^"]+)"', first)
    assert older
    second = ada.get(html.unescape(older[1]).partition("/t/west")[2]).text
    assert "Nothing found among these" in second
    assert 'id="page_newer"' in second
    assert 'id="page_older"' in second


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
