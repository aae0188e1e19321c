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


def ways_to_ask() -> dict[str, Any]:
    other = products.alias()
    sub = tenant_scoped(select(products.c.id, products.c.tenant_id)).subquery()
    return {
        "plain": select(products.c.id),
        "alias": select(other.c.id),
        "or": select(products.c.id).where(or_(products.c.stock >= 0, products.c.id == "pen")),
        "join": select(other.c.id).join(products, products.c.position == other.c.position),
        "two": select(other.c.id).where(products.c.id == other.c.id),
        "outer join": select(products.c.id).outerjoin(lines, lines.c.product_id == products.c.id),
        "held subquery": select(sub.c.id),
        "held in": select(products.c.id).where(products.c.id.in_(tenant_scoped(select(other.c.id)))),
        "columns": select(literal("x"), products.c.id).with_only_columns(products.c.id),
    }


def test_a_held_statement_meets_own_rows_only(north: None):
    for way, statement in ways_to_ask().items():
        found = {row[0] for row in execute(tenant_scoped(statement))}
        assert found <= NORTH, way
        assert found == NORTH or way == "outer join", way
    assert execute(tenant_scoped(select(func.count()).select_from(products))).scalar() == 6


def test_the_same_statement_serves_each_tenant_its_own(app: Flask):
    statement = tenant_scoped(select(products.c.name).where(products.c.id == bindparam("id")))
    for tenant_id, name in (("north", "North's own"), ("south", "South's own"), ("north", "North's own")):
        with app.app_context(), tenant_context(tenant_id):
            assert execute(statement, {"id": "shared"}).scalars().all() == [name]


def test_without_a_tenant_a_held_statement_does_not_run(app: Flask):
    with app.app_context():
        for statement in (select(products.c.id), update(products).values(stock=0), delete(carts)):
            with pytest.raises(TenantNotSet):
                execute(tenant_scoped(statement))
        with pytest.raises(TenantNotSet):
            insert_rows(Cart, [{"id": "x", "shopper": "x"}])
    assert {row[1] for row in every_row(app, "north")["product"]} == NORTH


def test_a_part_that_is_not_held_is_refused(app: Flask):
    free = select(products.c.id)
    for statement in (
        select(free.subquery().c.id),
        select(free.cte().c.id),
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


def test_what_only_looks_held_is_refused(app: Flask):
    """A condition beside the tenant's that undoes it."""
    mine = tenant_scoped(select(products.c.id)).whereclause
    for undone in (or_(mine, products.c.stock >= 0), ~mine):
        with app.app_context(), pytest.raises(TenantNotSet):
            tenant_scoped(select(select(products.c.id).where(undone).subquery().c.id))


def test_a_union_is_not_taken(north: None):
    """Its halves are held each by itself, or not at all: no statement that may be mixed gets through."""
    halves = [tenant_scoped(select(products.c.id)) for _ in range(2)]
    for union in (union_all(select(products.c.id), select(products.c.id)), union_all(*halves)):
        with pytest.raises(AttributeError):
            tenant_scoped(union)  # type: ignore[type-var]


def test_rows_come_as_one_text_in_their_order(app: Flask, north: None):
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


def test_only_held_rows_come_as_text(north: None):
    with pytest.raises(TenantNotSet):
        fetch_json(select(products.c.id))


def test_held_updates_and_deletes_meet_own_rows_only(app: Flask, shopper: Person, stranger: Person):
    shopper.cart(shared=1)
    stranger.cart(shared=1)
    theirs = every_row(app, "south")
    with app.app_context(), tenant_context("north"):
        assert execute(tenant_scoped(update(products).values(stock=products.c.stock + 1))).rowcount == 6
        assert execute(tenant_scoped(delete(lines))).rowcount == 1
        db.session.commit()
    assert every_row(app, "south") == theirs


def test_added_rows_are_the_tenants_whatever_they_say(app: Flask, north: None):
    with write():
        insert_rows(Cart, [{"id": "x", "shopper": "x"}, {"id": "y", "shopper": "x", "tenant_id": "south"}])
    assert {row[1] for row in every_row(app, "north")["cart"]} == {"x", "y"}
    assert every_row(app, "south")["cart"] == []


def test_rows_are_added_inside_write_only(app: Flask, north: None):
    with pytest.raises(RuntimeError, match="inside write"):
        insert_rows(Cart, [{"id": "x", "shopper": "x"}])
    assert every_row(app, "north")["cart"] == []


def test_a_held_statement_cannot_move_rows_to_another_tenant(app: Flask, north: None):
    before = every_row(app, "south")
    with write():
        insert_rows(Cart, [{"id": "x", "shopper": "x"}])
    for statement in (update(carts).values(tenant_id="south"), insert(carts).values(tenant_id="south", id="z")):
        with pytest.raises(Exception):  # noqa: B017 the database's own no is a no too
            execute(tenant_scoped(statement))  # type: ignore[type-var]
        db.session.rollback()
    assert every_row(app, "south") == before


def test_run_takes_held_statements_only(north: None):
    """Forgetting to hold a statement is found when it runs, not when a shopper sees another shop's goods."""
    for statement in (select(products.c.id), update(products).values(stock=0), text("SELECT id FROM product")):
        with pytest.raises(TenantNotSet):
            execute(statement)


def test_only_the_database_and_the_guard_itself_use_raw_connections():
    """Elsewhere raw connections are for loading, booting and probing, which name their tenant or need none."""
    may = {
        "db/base.py",
        "db/dialects.py",
        "db/engine.py",
        "db/transactions.py",
        "db/tenant_context.py",
        "db/tenancy.py",
        "db/preparation.py",
        "catalog/importer.py",
        "observability/health.py",
    }
    ways = (
        r"(?:engine|engines\(\)\.\w+)\.(?:connect|begin)\(|\bwrite_transaction\(|"
        r"session\.connection\(|exec_driver_sql|\.get_bind\("
    )
    files = {path.relative_to(ROOT / "storefront").as_posix(): path for path in (ROOT / "storefront").rglob("*.py")}
    found = {name: ways_found for name, path in files.items() if (ways_found := re.findall(ways, path.read_text()))}
    assert "db/preparation.py" in found, "what is looked for can be found"
    assert found.keys() - may == set(), f"past the tenant guard: {found}"
