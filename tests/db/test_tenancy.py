"""Tenant scoping of ORM statements: a query sees the current tenant's rows only, or raises."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, exists, func, insert, literal, select, text, union_all, update
from sqlalchemy.exc import IntegrityError, ProgrammingError
from sqlalchemy.orm import aliased, joinedload, selectinload

from storefront.cart.models import Cart, CartLine
from storefront.catalog.models import Product
from storefront.catalog.queries import get_product_view
from storefront.db.base import db, table_of
from storefront.db.tenancy import CrossTenantWrite
from storefront.db.tenant_context import TenantNotSet, tenant_context
from storefront.errors import NotFound
from storefront.events.models import Event
from storefront.orders.models import Order, OrderLine
from storefront.tenants.models import Tenant
from storefront.tenants.registry import registry
from storefront.upsell.models import UpsellImpression
from storefront.upsell.recommender.candidates import find_candidates_by_id
from tests.conftest import Person
from tests.factories import find_product
from tests.tenants.factories import every_row, owned_models
from tests.upsell.conftest import train

NORTH = {"beans", "pot", "cup", "filter", "honey", "shared"}
SOUTH = {"pen", "ink", "paper", "shared"}


@pytest.fixture
def without_tenant(app: Flask) -> Iterator[None]:
    """An app context without a tenant."""
    with app.app_context():
        yield


@pytest.fixture
def north(without_tenant: None) -> Iterator[None]:
    with tenant_context("north"):
        yield


def test_every_table_with_a_tenant_is_guarded(app: Flask):
    with_tenant = {table.name for table in db.metadata.sorted_tables if "tenant_id" in table.c}
    assert with_tenant == {model.__tablename__ for model in owned_models()}
    assert len(with_tenant) >= 7


def test_every_key_of_a_table_with_a_tenant_begins_with_it(app: Flask):
    for model in owned_models():
        table = model.__table__
        assert next(iter(table.primary_key.columns)).name == "tenant_id"
        for key in table.foreign_key_constraints:
            if key.referred_table.name not in ("tenant", "person"):  # people work in several shops
                assert key.column_keys[0] == "tenant_id", f"{table.name} may point into another shop"


def test_without_a_tenant_no_owned_table_can_be_read_or_written(without_tenant: None):
    for model in owned_models():
        for statement in (select(model), select(func.count()).select_from(model), update(model), delete(model)):
            with pytest.raises(TenantNotSet):
                db.session.execute(statement)
            db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(Tenant)) == 3


def test_without_a_tenant_no_row_can_be_inserted(without_tenant: None):
    db.session.add(Cart(shopper="x"))
    with pytest.raises(TenantNotSet):
        db.session.commit()
    db.session.rollback()
    with pytest.raises(TenantNotSet):
        db.session.execute(insert(Cart), [{"tenant_id": "north", "id": "x", "shopper": "x"}])


def test_with_a_tenant_owned_tables_can_be_read_and_written(north: None):
    for model in owned_models():
        db.session.execute(select(model))
    db.session.add(Cart(shopper="x"))
    db.session.execute(insert(Cart), [{"tenant_id": "north", "id": "x", "shopper": "x"}])
    db.session.commit()
    assert db.session.scalar(select(func.count()).select_from(Cart)) == 2


def test_statements_that_cannot_be_scoped_to_a_tenant_are_refused(north: None):
    for statement in (
        text("SELECT * FROM product"),
        select(table_of(Product)),
        select(table_of(Product).c.id),
        update(table_of(Product)).values(stock=0),
        delete(table_of(CartLine)),
        insert(table_of(Cart)).values(tenant_id="south", id="x", shopper="x"),
        select(func.count()).select_from(table_of(Product)),
    ):
        with pytest.raises(TenantNotSet):
            db.session.execute(statement)


def test_row_of_another_tenant_cannot_be_inserted(north: None):
    db.session.add(Cart(tenant_id="south", shopper="x"))
    with pytest.raises(CrossTenantWrite):
        db.session.commit()
    db.session.rollback()
    for rows in ([{"tenant_id": "south", "id": "x", "shopper": "x"}], [{"id": "x", "shopper": "x"}]):
        with pytest.raises(CrossTenantWrite):
            db.session.execute(insert(Cart), rows)
    with pytest.raises((CrossTenantWrite, TenantNotSet)):
        db.session.execute(insert(Cart).values(tenant_id="south", id="x", shopper="x"))
    with pytest.raises((CrossTenantWrite, TenantNotSet)):
        db.session.execute(insert(Cart).values([{"tenant_id": "south", "id": "x", "shopper": "x"}]))


def test_row_cannot_be_moved_to_another_tenant(north: None):
    product = find_product("beans")
    product.tenant_id = "south"
    with pytest.raises(CrossTenantWrite):
        db.session.commit()
    db.session.rollback()
    with pytest.raises((CrossTenantWrite, TenantNotSet, ProgrammingError)):
        db.session.execute(update(Product).where(Product.id == "honey").values(tenant_id="south"))
        db.session.commit()


def test_cart_line_cannot_refer_to_another_shops_product(north: None):
    db.session.add(Cart(id="mine", shopper="x"))
    db.session.commit()
    db.session.add(CartLine(cart_id="mine", product_id="pen", variant_id="pen", quantity=1))
    with pytest.raises(IntegrityError):
        db.session.commit()
    db.session.rollback()
    db.session.add(CartLine(cart_id="mine", product_id="beans", variant_id="beans", quantity=1))
    db.session.commit()


def test_key_of_another_tenants_row_finds_nothing(north: None):
    for product_id in SOUTH - {"shared"}:
        with pytest.raises(NotFound):
            get_product_view(product_id)
        assert db.session.get(Product, ("north", product_id)) is None
    assert find_product("shared").name == "North's own"
    assert db.session.get(Product, ("south", "pen")) is None
    assert db.session.get(Product, ("north", "pot")) is not None


def rows_or_none(statement: Any) -> Any:
    """Return the statement's rows, or None if the guard refuses it because it can't be scoped to a tenant."""
    try:
        return db.session.execute(statement).all()
    except TenantNotSet:
        db.session.rollback()
        return None


def query_forms() -> dict[str, Any]:
    one, other = aliased(Product), aliased(Product)
    with_price = select(Product.id).where(Product.price > 0)
    inner = select(Product.id, Product.name).subquery()
    return {
        "plain": select(Product.id),
        "whole": select(Product).with_only_columns(Product.id, Product.name),
        "alias": select(one.id),
        "join": select(other.id).join(one, one.position == other.position),
        "cross": select(other.id).select_from(one).join(other, one.id == other.id),
        "in": select(one.id).where(one.id.in_(with_price)),
        "subquery": select(inner.c.id),
        "alias of a subquery": select(aliased(Product, select(Product).subquery()).id),
        "cte": select(select(Product.id).cte().c.id),
        "exists": select(one.id).where(select(other.id).where(other.id == one.id).exists()),
        "grouped": select(Product.id).group_by(Product.id),
        "union": union_all(select(Product.id), select(one.id)),
    }


def test_aliases_joins_and_subqueries_return_own_rows_only(north: None):
    for form, statement in query_forms().items():
        found = rows_or_none(statement)
        assert found is None or {row[0] for row in found} == NORTH, form
        assert found is not None or form in ("union", "cte", "subquery"), f"{form}: a common form of query was refused"


def count_forms() -> dict[str, Any]:
    some = select(Product.id).subquery()
    return {
        "of a column": select(func.count(Product.id)),
        "select_from": select(func.count()).select_from(Product),
        "select_from with a condition": select(func.count()).select_from(Product).where(Product.stock >= 0),
        "of a subquery": select(func.count()).select_from(some),
        "scalar subquery": select(select(func.count()).select_from(Product).scalar_subquery()),
        "literal": select(func.sum(literal(1))).select_from(Product),
        "join": select(func.count()).select_from(Tenant).join(Product, Product.stock >= 0).where(
            Tenant.id == "far-east"
        ),
    }  # fmt: skip


def test_counting_counts_own_rows_only(north: None):
    for form, statement in count_forms().items():
        found = rows_or_none(statement)
        assert found is None or found == [(6,)], form
        assert found is not None or "subquery" in form, f"{form}: a common form of query was refused"


def test_conditions_on_the_tenant_table_reveal_no_rows_of_others(north: None):
    for condition in (
        exists().where(Product.tenant_id == Tenant.id),
        Tenant.id.in_(select(Product.tenant_id)),
        select(func.count(Product.id)).where(Product.tenant_id == Tenant.id).scalar_subquery() > 0,
    ):
        found = rows_or_none(select(Tenant.id).where(condition))
        assert found is None or found == [("north",)], str(condition)


def test_relations_are_loaded_from_own_rows_only(app: Flask, shopper: Person, stranger: Person):
    mine, theirs = shopper.cart(shared=1), stranger.cart(shared=1)
    with app.app_context(), tenant_context("north"):
        for how in (joinedload, selectinload):
            carts = db.session.scalars(select(Cart).options(how(Cart.lines))).unique().all()
            assert [cart.id for cart in carts] == [mine]
            assert [line.product.name for line in carts[0].lines] == ["North's own"]
            db.session.rollback()
            db.session.expunge_all()
        assert db.session.get(Cart, ("north", theirs)) is None


def test_update_and_delete_change_own_rows_only(app: Flask, shopper: Person, stranger: Person):
    shopper.cart(shared=1)
    stranger.cart(shared=1)
    theirs = every_row(app, "south")
    with app.app_context(), tenant_context("north"):
        db.session.execute(update(Product).values(stock=Product.stock + 1))
        db.session.execute(update(Product).where(Product.id == "shared").values(stock=999))
        db.session.execute(delete(CartLine))
        db.session.execute(delete(Cart).where(Cart.status == "open"))
        db.session.commit()
        assert find_product("shared").stock == 999
        assert db.session.scalar(select(func.count()).select_from(CartLine)) == 0
    assert every_row(app, "south") == theirs


def test_cooccurrences_are_counted_per_shop(app: Flask, shopper: Person, stranger: Person):
    """Both shops have a product with the id `shared`."""
    shopper.checkout(shopper.cart(shared=1, beans=1))
    for _ in range(3):
        stranger.checkout(stranger.cart(shared=1, ink=1))
    for tenant_id in ("north", "south", "far-east"):
        train(app, tenant_id)
    assert cooccurrence_explanations("shared", "north", app) == {
        "beans": "Bought together with your North's own in 1 order."
    }
    assert cooccurrence_explanations("shared", "south", app) == {
        "ink": "Often bought together with your South's own: 3 orders so far."
    }
    assert cooccurrence_explanations("shared", "far-east", app) == {}


def cooccurrence_explanations(product_id: str, tenant_id: str, app: Flask) -> dict[str, str]:
    """Return the co-occurrence explanations for a product in this shop, by product id."""
    with app.app_context(), tenant_context(tenant_id):
        tenant = registry().find(tenant_id)
        assert tenant
        found = find_candidates_by_id(tenant, [product_id]).candidates
        return {one.product.id: one.explanation for one in found if "ought together" in one.explanation}


def test_identity_map_is_not_shared_between_tenants(app: Flask):
    with app.app_context(), tenant_context("north"):
        first = find_product("shared")
        with tenant_context("south"):
            assert find_product("shared").name == "South's own"
        assert first.name == "North's own"


def test_impressions_events_and_orders_are_scoped_too(app: Flask, shopper: Person, stranger: Person):
    cart = shopper.cart(beans=1)
    shopper.api("GET", f"/carts/{cart}/upsell")
    shopper.checkout(cart)
    for model in (Order, OrderLine, Event, UpsellImpression):
        with app.app_context(), tenant_context("south"):
            assert db.session.scalars(select(model)).all() == []
        with app.app_context(), tenant_context("north"):
            assert db.session.scalars(select(model)).all() != []
