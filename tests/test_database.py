"""Connections: who reads, who writes, and what is given back."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from flask import Flask
from sqlalchemy import bindparam, select, update

from storefront.catalog.models import Product
from storefront.database import acting_for, connection, dispose, engine, table_of, write
from storefront.tenants.guard import held, run
from tests.conftest import Person

products = table_of(Product)
STOCK = held(select(products.c.stock).where(products.c.id == "pot"))
SET_STOCK = held(update(products).where(products.c.id == "pot").values(stock=bindparam("now")))


def stock(app: Flask) -> int:
    with app.app_context(), acting_for("north"):
        return int(run(STOCK).scalar_one())


def test_who_reads_after_a_write_sees_it(app: Flask):
    with app.app_context(), acting_for("north"):
        for now in (3, 4):
            before = run(STOCK).scalar_one()
            with write():
                run(SET_STOCK, {"now": now})
                assert run(STOCK).scalar_one() == now, "what was just written is seen inside"
                assert stock(app) == before, "and outside only when it is committed"
            assert run(STOCK).scalar_one() == stock(app) == now


def test_readers_at_once_have_a_connection_each(app: Flask):
    meeting = Barrier(4)

    def read(_: int) -> int:
        with app.app_context(), acting_for("north"):
            run(STOCK).scalar_one()
            meeting.wait(10)
            return id(connection().connection.dbapi_connection)

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(read, range(4)))) == 4


def test_a_reader_is_given_back_also_by_who_failed(app: Flask, shopper: Person):
    for _ in range(40):  # more than the pool has
        shopper.get("/products/no-such-thing")
        shopper.get("/?q=espresso")
    dispose(app)
    with app.app_context():
        assert engine().pool.checkedout() == 0
