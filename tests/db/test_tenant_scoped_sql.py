"""Tenant scoping of Core statements: applied when they are built, or refused."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import bindparam, delete, exists, func, insert, literal, or_, select, text, union_all, update

from storefront.cart.models import Cart, CartLine
from storefront.catalog.models import Product
from storefront.config import ROOT
from storefront.db.base import db, table_of
from storefront.db.tenancy import execute, fetch_json, insert_rows, tenant_scoped
from storefront.db.tenant_context import TenantNotSet, tenant_context
from storefront.db.transactions import write
from storefront.tenants.models import Tenant
from tests.conftest import Person
from tests.tenants.factories import every_row

products, carts, lines, tenants = table_of(Product), table_of(Cart), table_of(CartLine), table_of(Tenant)
NORTH = {"beans", "pot", "cup", "filter", "honey", "shared"}


@pytest.fixture
def north(app: Flask) -> Iterator[None]:
    with app.app_context(), tenant_context("north"):
        yield


def query_forms() -> dict[str, Any]:
    other = products.alias()
    sub = tenant_scoped(select(products.c.id, products.c.tenant_id)).subquery()
    return {
        "plain": select(products.c.id),
        "alias": select(other.c.id),
        "or": select(products.c.id).where(or_(products.c.stock >= 0, products.c.id == "pen")),
        "join": select(other.c.id).join(products, products.c.position == other.c.position),
        "two": select(other.c.id).where(products.c.id == other.c.id),
        "outer join": select(products.c.id).outerjoin(lines, lines.c.product_id == products.c.id),
        "scoped subquery": select(sub.c.id),
        "scoped in": select(products.c.id).where(products.c.id.in_(tenant_scoped(select(other.c.id)))),
        "columns": select(literal("x"), products.c.id).with_only_columns(products.c.id),
    }


def test_scoped_statement_returns_own_rows_only(north: None):
    for form, statement in query_forms().items():
        found = {row[0] for row in execute(tenant_scoped(statement))}
        assert found <= NORTH, form
        assert found == NORTH or form == "outer join", form
    assert execute(tenant_scoped(select(func.count()).select_from(products))).scalar() == 6


def test_one_statement_returns_each_tenants_own_rows(app: Flask):
    statement = tenant_scoped(select(products.c.name).where(products.c.id == bindparam("id")))
    for tenant_id, name in (("north", "North's own"), ("south", "South's own"), ("north", "North's own")):
        with app.app_context(), tenant_context(tenant_id):
            assert execute(statement, {"id": "shared"}).scalars().all() == [name]


def test_without_a_tenant_a_scoped_statement_is_refused(app: Flask):
    with app.app_context():
        for statement in (select(products.c.id), update(products).values(stock=0), delete(carts)):
            with pytest.raises(TenantNotSet):
                execute(tenant_scoped(statement))
        with pytest.raises(TenantNotSet):
            insert_rows(Cart, [{"id": "x", "shopper": "x"}])
    assert {row[1] for row in every_row(app, "north")["product"]} == NORTH


def test_statement_with_an_unscoped_part_is_refused(app: Flask):
    unscoped = select(products.c.id)
    for statement in (
        select(unscoped.subquery().c.id),
        select(unscoped.cte().c.id),
        select(tenants.c.id).where(tenants.c.id.in_(select(products.c.tenant_id))),
        select(tenants.c.id).where(exists().where(products.c.tenant_id == tenants.c.id)),
        select(select(func.count()).select_from(products).scalar_subquery()),
        select(carts.c.id).where(carts.c.id.in_(select(lines.c.cart_id))),
        update(products).where(products.c.id.in_(select(lines.c.product_id))).values(stock=0),
        delete(carts).where(carts.c.id.in_(select(lines.c.cart_id))),
        update(products).values(stock=select(func.max(lines.c.quantity)).scalar_subquery()),
    ):
        with app.app_context(), pytest.raises(TenantNotSet):
            tenant_scoped(statement)


def test_tenant_condition_undone_by_another_is_refused(app: Flask):
    """The tenant's condition is part of an OR or is negated."""
    mine = tenant_scoped(select(products.c.id)).whereclause
    for condition in (or_(mine, products.c.stock >= 0), ~mine):
        with app.app_context(), pytest.raises(TenantNotSet):
            tenant_scoped(select(select(products.c.id).where(condition).subquery().c.id))


def test_union_is_refused(north: None):
    """A union could combine scoped and unscoped statements."""
    halves = [tenant_scoped(select(products.c.id)) for _ in range(2)]
    for union in (union_all(select(products.c.id), select(products.c.id)), union_all(*halves)):
        with pytest.raises(AttributeError):
            tenant_scoped(union)  # type: ignore[type-var]


def test_fetch_json_returns_rows_in_order(app: Flask, north: None):
    shown = [products.c.id, products.c.name_translations, products.c.price, products.c.tags, products.c.image]
    in_order = tenant_scoped(
        select(*shown).where(products.c.price > bindparam("above")).order_by(products.c.price.desc()).limit(4)
    )
    with write():
        execute(
            tenant_scoped(
                update(products)
                .where(products.c.id == "pot")
                .values(name_translations={"de": 'Ein "Topf" 🫖\n'}, image="é\\'")
            )
        )
    found = json.loads(fetch_json(in_order, {"above": 0}))
    assert len(found) == 4
    assert found == [list(row) for row in execute(in_order, {"above": 0})]
    assert [row[1]["de"] for row in found if row[0] == "pot"] == ['Ein "Topf" 🫖\n']
    assert {row[0] for row in found} < NORTH
    assert fetch_json(in_order, {"above": 10**9}) == "[]"


def test_fetch_json_refuses_an_unscoped_statement(north: None):
    with pytest.raises(TenantNotSet):
        fetch_json(select(products.c.id))


def test_scoped_updates_and_deletes_change_own_rows_only(app: Flask, shopper: Person, stranger: Person):
    shopper.cart(shared=1)
    stranger.cart(shared=1)
    theirs = every_row(app, "south")
    with app.app_context(), tenant_context("north"):
        assert execute(tenant_scoped(update(products).values(stock=products.c.stock + 1))).rowcount == 6
        assert execute(tenant_scoped(delete(lines))).rowcount == 1
        db.session.commit()
    assert every_row(app, "south") == theirs


def test_inserted_rows_get_the_current_tenant(app: Flask, north: None):
    with write():
        insert_rows(Cart, [{"id": "x", "shopper": "x"}, {"id": "y", "shopper": "x", "tenant_id": "south"}])
    assert {row[1] for row in every_row(app, "north")["cart"]} == {"x", "y"}
    assert every_row(app, "south")["cart"] == []


def test_rows_are_inserted_inside_write_only(app: Flask, north: None):
    with pytest.raises(RuntimeError, match="inside write"):
        insert_rows(Cart, [{"id": "x", "shopper": "x"}])
    assert every_row(app, "north")["cart"] == []


def test_scoped_statement_cannot_move_rows_to_another_tenant(app: Flask, north: None):
    before = every_row(app, "south")
    with write():
        insert_rows(Cart, [{"id": "x", "shopper": "x"}])
    for statement in (update(carts).values(tenant_id="south"), insert(carts).values(tenant_id="south", id="z")):
        with pytest.raises(Exception):  # noqa: B017 an error of the database is fine too
            execute(tenant_scoped(statement))  # type: ignore[type-var]
        db.session.rollback()
    assert every_row(app, "south") == before


def test_execute_refuses_unscoped_statements(north: None):
    """A missing `tenant_scoped()` is found at the first execution."""
    for statement in (select(products.c.id), update(products).values(stock=0), text("SELECT id FROM product")):
        with pytest.raises(TenantNotSet):
            execute(statement)


def test_only_known_modules_use_raw_connections():
    """Besides `db`, the import and the probes use them; they set their tenant or need none."""
    allowed = {
        "db/base.py",
        "db/dialects.py",
        "db/engine.py",
        "db/transactions.py",
        "db/tenant_context.py",
        "db/tenancy.py",
        "db/preparation.py",
        "catalog/importer.py",
        "observability/health.py",
        "tenant_admin/commands.py",
    }
    patterns = (
        r"(?:engine|engines\(\)\.\w+)\.(?:connect|begin)\(|\bwrite_transaction\(|"
        r"session\.connection\(|exec_driver_sql|\.get_bind\("
    )
    files = {path.relative_to(ROOT / "storefront").as_posix(): path for path in (ROOT / "storefront").rglob("*.py")}
    found = {name: matches for name, path in files.items() if (matches := re.findall(patterns, path.read_text()))}
    assert "db/preparation.py" in found, "the patterns find nothing"
    assert found.keys() - allowed == set(), f"bypass the tenant guard: {found}"
