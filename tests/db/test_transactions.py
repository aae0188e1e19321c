"""Connections: readers, writers, and their return."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import bindparam, select, update

from storefront.catalog.models import Product
from storefront.db.base import db, table_of
from storefront.db.engine import engines
from storefront.db.tenancy import execute, tenant_scoped
from storefront.db.tenant_context import tenant_context
from storefront.db.timeouts import Timeouts, timeouts_in_force
from storefront.db.transactions import current_connection, dispose, is_writing, write
from storefront.errors import DatabaseBusy
from tests.conftest import Person
from tests.factories import find_product

products = table_of(Product)
STOCK = tenant_scoped(select(products.c.stock).where(products.c.id == "pot"))
SET_STOCK = tenant_scoped(update(products).where(products.c.id == "pot").values(stock=bindparam("now")))


CUP = tenant_scoped(select(products.c.stock).where(products.c.id == "cup"))
SET_CUP = tenant_scoped(update(products).where(products.c.id == "cup").values(stock=bindparam("now")))


def stock(app: Flask) -> int:
    with app.app_context(), tenant_context("north"):
        return int(execute(STOCK).scalar_one())


def test_who_reads_after_a_write_sees_it(app: Flask):
    with app.app_context(), tenant_context("north"):
        for now in (3, 4):
            before = execute(STOCK).scalar_one()
            with write():
                execute(SET_STOCK, {"now": now})
                assert execute(STOCK).scalar_one() == now, "what was just written is seen inside"
                assert stock(app) == before, "and outside only when it is committed"
            assert execute(STOCK).scalar_one() == stock(app) == now


def test_readers_at_once_have_a_connection_each(app: Flask):
    meeting = Barrier(4)

    def read(_: int) -> int:
        with app.app_context(), tenant_context("north"):
            execute(STOCK).scalar_one()
            meeting.wait(60)
            return id(current_connection().connection.dbapi_connection)

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(read, range(4)))) == 4


def test_a_reader_is_given_back_also_by_who_failed(app: Flask, shopper: Person):
    for _ in range(40):  # more than the pool has
        shopper.get("/products/no-such-thing")
        shopper.get("/?q=espresso")
    dispose(app)
    with app.app_context():
        assert [each.pool.checkedout() for each in db.engines.values()] == [0] * len(db.engines)  # type: ignore[attr-defined]


def test_a_session_inside_write_is_part_of_it(app: Flask):
    with app.app_context(), tenant_context("north"):
        with pytest.raises(ZeroDivisionError), write():
            find_product("pot").stock = 1
            execute(SET_CUP, {"now": 1})
            db.session.flush()
            assert execute(STOCK).scalar_one() == 1, "each sees what the other wrote"
            assert db.session.scalar(select(Product.stock).where(Product.id == "cup")) == 1
            raise ZeroDivisionError
        assert (execute(STOCK).scalar_one(), execute(CUP).scalar_one()) == (10, 3), "and both are undone"
        with write():
            find_product("pot").stock = 2
            execute(SET_CUP, {"now": 2})
        assert (execute(STOCK).scalar_one(), execute(CUP).scalar_one()) == (2, 2)


def test_what_a_session_read_before_a_write_is_read_again_inside(app: Flask):
    with app.app_context(), tenant_context("north"):
        assert find_product("pot").stock == 10
        with app.app_context(), tenant_context("north"), write():
            execute(SET_STOCK, {"now": 3})
        with write():
            assert find_product("pot").stock == 3


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_each_writer_has_its_durability_also_when_it_is_kept(app: Flask):
    with app.app_context(), tenant_context("north"):
        for _ in range(2):
            for durable, synchronous in ((True, 2), (False, 1)):
                with write(durable=durable):
                    asked = current_connection().exec_driver_sql("PRAGMA synchronous").scalar_one()
                assert asked == synchronous


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_who_finds_the_database_locked_leaves_a_writer_that_writes(app: Flask, monkeypatch: pytest.MonkeyPatch):
    with app.app_context(), tenant_context("north"):
        with sqlite3.connect(engines().write.url.database or "") as other:
            other.execute("BEGIN IMMEDIATE")
            with timeouts_in_force(Timeouts(lock=0.05, statement=0, idle=0)), pytest.raises(DatabaseBusy), write():
                pytest.fail("somebody else has the lock")
            other.rollback()
        with write():
            assert is_writing()
            execute(SET_STOCK, {"now": 1})
        assert not is_writing()
        assert stock(app) == 1
        assert [each.pool.checkedout() for each in db.engines.values()] == [0] * len(db.engines)
