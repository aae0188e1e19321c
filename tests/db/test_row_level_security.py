"""PostgreSQL's row-level security: no rows without a tenant, and only the tenant's rows with one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from psycopg import sql
from sqlalchemy import select, text

from storefront import create_app
from storefront.catalog.models import Product
from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from tests.conftest import Person, Prepared, connect, dispose, settings_for
from tests.documents.shops import furnish_documents
from tests.orders.factories import insert_rows_of_order
from tests.postgres import Postgres
from tests.staff.factories import furnish_staff
from tests.tenants.factories import TABLES_FILLED_WITH_PRODUCTS, insert_promotion_use, insert_upsell_rows

Connection = psycopg.Connection[Any]
OF_PEOPLE = {"person", "recovery_code", "one_time_link", "failed_sign_ins"}
"""Of the staff, who may work in several shops; `storefront.staff` alone reads them."""


@pytest.fixture
def url(postgres: Postgres, prepared: Prepared) -> Iterator[str]:
    url = prepared.postgresql(postgres)
    yield url
    postgres.drop(url)


@pytest.fixture
def shop(url: str, tmp_path: Path) -> Iterator[Flask]:
    app = create_app(settings_for(url, tmp_path))
    yield app
    dispose(app)


@pytest.fixture
def restricted(url: str, postgres: Postgres) -> Iterator[Connection]:
    """Connection of a role with read and write privileges that neither owns the tables nor bypasses the policies."""
    name = sql.Identifier("restricted")
    with connect(url) as owner:
        postgres.run(sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS").format(name))
        rights = "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}"
        owner.execute(sql.SQL(rights).format(name))
    with connect(url.replace("shopkeeper@", "restricted@")) as connection:
        yield connection
    with connect(url) as owner:
        owner.execute(sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {}").format(name))
    postgres.run(sql.SQL("DROP ROLE {}").format(name))


def owned_tables(connection: Connection) -> list[str]:
    query = (
        "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' "
        "WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace ORDER BY 1"
    )
    found = [name for (name,) in connection.execute(query)]
    assert len(found) >= 7
    return found


def set_tenant(connection: Connection, tenant_id: str) -> None:
    connection.execute("SELECT set_config('storefront.tenant_id', %s, true)", (tenant_id,))


def count(connection: Connection, table: str) -> int:
    query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
    return int(connection.execute(query).fetchone()[0])


def test_every_table_with_a_tenant_forces_row_level_security(url: str):
    with connect(url) as owner:
        tables = owned_tables(owner)
        assert set(tables) >= {"product", "cart", "cart_line", "orders", "order_line", "event", "llm_call"}
        for table in tables:
            flags = "SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE relname = %s"
            assert owner.execute(flags, (table,)).fetchone() == (True, True), f"{table} isn't forced"
            policies = owner.execute(
                "SELECT cmd, permissive, qual, with_check, roles FROM pg_policies WHERE tablename = %s", (table,)
            ).fetchall()
            assert policies, f"{table} has no policy"
            for cmd, permissive, qual, with_check, roles in policies:
                assert (cmd, permissive, roles) == ("ALL", "PERMISSIVE", ["public"])
                for condition in (qual, with_check):
                    assert "tenant_id" in condition
                    assert "current_setting('storefront.tenant_id'" in condition, f"{table}: {condition}"


def test_tables_without_a_tenant_are_known(url: str):
    """A new table has a tenant, or is added here if it contains no data of shoppers."""
    with connect(url) as owner:
        tables = {name for (name,) in owner.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
        assert tables - set(owned_tables(owner)) <= {"tenant", "setting", "alembic_version", "shop_removal", *OF_PEOPLE}


def test_role_of_the_shop_does_not_bypass_row_level_security(url: str):
    with connect(url) as owner:
        roles = "SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
        assert owner.execute(roles).fetchone() == (False, False)
        assert count(owner, "product") == 0, "the policies don't apply to the tables' owner"


def test_without_a_tenant_no_row_is_visible_or_can_be_inserted(shop: Flask, restricted: Connection):
    fill(shop)
    for table in owned_tables(restricted):
        assert count(restricted, table) == 0, table
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        add_cart(restricted, "north")
    assert restricted.execute("UPDATE product SET stock = 0").rowcount == 0
    assert restricted.execute("DELETE FROM cart_line").rowcount == 0
    for unknown in ("", "nosuch", "%"):
        with restricted.transaction():
            set_tenant(restricted, unknown)
            assert count(restricted, "product") == 0


def test_with_a_tenant_only_its_rows_are_visible(shop: Flask, restricted: Connection):
    fill(shop)
    for tenant_id, products in (("north", 6), ("south", 4), ("far-east", 1)):
        with restricted.transaction():
            set_tenant(restricted, tenant_id)
            assert count(restricted, "product") == products
            for table in owned_tables(restricted):
                tenants = sql.SQL("SELECT DISTINCT tenant_id FROM {}").format(sql.Identifier(table))
                expected = (
                    set() if tenant_id == "far-east" and table not in TABLES_FILLED_WITH_PRODUCTS else {tenant_id}
                )
                assert {row[0] for row in restricted.execute(tenants)} == expected, table


def test_with_a_tenant_only_its_rows_can_be_written(shop: Flask, restricted: Connection):
    fill(shop)
    with restricted.transaction():
        set_tenant(restricted, "north")
        add_cart(restricted, "north")
        assert restricted.execute("UPDATE product SET stock = 1 WHERE tenant_id = 'south'").rowcount == 0
        assert restricted.execute("UPDATE product SET stock = 1").rowcount == 6
    with pytest.raises(psycopg.errors.InsufficientPrivilege), restricted.transaction():
        set_tenant(restricted, "north")
        add_cart(restricted, "south")
    with pytest.raises(psycopg.errors.InsufficientPrivilege), restricted.transaction():
        set_tenant(restricted, "north")
        restricted.execute("UPDATE cart SET tenant_id = 'south'")


def test_tenant_is_reset_at_the_end_of_the_transaction(restricted: Connection):
    with restricted.transaction():
        set_tenant(restricted, "north")
        assert count(restricted, "product") == 6
    assert count(restricted, "product") == 0


def test_sessions_set_their_tenant_and_reset_it_in_the_pool(shop: Flask):
    setting = text("SELECT current_setting('storefront.tenant_id', true)")
    with shop.app_context():
        for tenant_id in ("north", "south"):
            with tenant_context(tenant_id):
                connection = db.session.connection()
                assert connection.scalar(setting) == tenant_id
                assert len(db.session.scalars(select(Product.id)).all()) == connection.scalar(
                    text("SELECT count(*) FROM product")
                )
                db.session.commit()
                assert db.session.connection().scalar(setting) == tenant_id, "the next transaction has no tenant"
            with db.engine.connect() as pooled:
                assert pooled.scalar(setting) in (None, "")
                assert pooled.scalar(text("SELECT count(*) FROM product")) == 0


def test_row_level_security_filters_unscoped_statements(shop: Flask):
    """The session's connection runs a statement that was not scoped to the tenant."""
    with shop.app_context(), tenant_context("north"):
        found = db.session.connection().execute(select(Product.__table__.c.tenant_id)).all()
        assert {row.tenant_id for row in found} == {"north"}


def fill(shop: Flask) -> None:
    """Insert rows into every table for two shops."""
    for tenant_id, product in (("north", "beans"), ("south", "ink")):
        person = Person(shop.test_client(), tenant_id)
        cart = person.cart(**{product: 1})
        person.api("GET", f"/carts/{cart}/upsell")
        placed = person.checkout(cart)
        assert placed.status_code == 201
        insert_rows_of_order(shop, tenant_id, placed.json["id"], product)
        insert_upsell_rows(shop, tenant_id, product)
        insert_promotion_use(shop, tenant_id)
        furnish_staff(shop, tenant_id)
        furnish_documents(shop, tenant_id)


def add_cart(connection: Connection, tenant_id: str) -> None:
    values = "(%s, 'x' || random(), 'x', 'open', now(), now())"
    connection.execute(
        f"INSERT INTO cart (tenant_id, id, shopper, status, created_at, updated_at) VALUES {values}", (tenant_id,)
    )
