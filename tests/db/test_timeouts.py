"""Every wait for the database has a limit, after which the client may try again; others go on."""

import fcntl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import bindparam, select, update

from storefront.catalog.models import Product
from storefront.db import dialects, write_queue
from storefront.db.base import db, table_of
from storefront.db.engine import engines
from storefront.db.tenancy import execute, tenant_scoped
from storefront.db.tenant_context import tenant_context
from storefront.db.timeouts import BULK, Timeouts, timeouts_in_force
from storefront.db.transactions import current_connection, write
from storefront.db.write_queue import NestedWrite
from storefront.errors import DatabaseBusy
from tests.api_contract import assert_problem
from tests.concurrency import comes_true
from tests.conftest import Person, connect
from tests.locks import forgotten_session, somebody_writes
from tests.postgres import Postgres
from tests.servers import Server, serving, wait

products = table_of(Product)
STOCK = tenant_scoped(select(products.c.stock).where(products.c.id == "pot"))
SET_STOCK = tenant_scoped(update(products).where(products.c.id == "pot").values(stock=bindparam("now")))
SHORT = 0.3
LONGER = 1.5
"""Seconds for a statement, or between two of them, on a machine that has other things to do as well."""
LONG = 60
"""Seconds, a hundred times what is expected: who waits longer waits for something that never ends."""
postgresql_only = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
LOCKED_ROWS = {
    "the cart": "SELECT 1 FROM cart WHERE status = 'open' FOR UPDATE",
    "a product": "SELECT 1 FROM product WHERE id = 'beans' FOR UPDATE",
    "the shop's events": "SELECT 1 FROM event_sequence FOR UPDATE",
}


@pytest.fixture
def impatient() -> Iterator[None]:
    """What this test's thread does."""
    with timeouts_in_force(Timeouts(lock=SHORT, statement=LONGER, idle=LONGER)):
        yield


@pytest.mark.parametrize("locked", LOCKED_ROWS)
def test_who_needs_a_row_that_stays_locked_is_told_to_try_again(
    shopper: Person, database_url: str, impatient: None, locked: str
) -> None:
    shopper.checkout(shopper.cart(cup=1))  # so that the shop has events
    cart = shopper.cart(beans=1)
    with somebody_writes(database_url, LOCKED_ROWS[locked]):
        answer = shopper.checkout(cart)
        assert_problem(answer, 503)
        assert answer.json["type"].endswith("/busy")
        assert int(answer.headers["Retry-After"]) >= 1
        assert shopper.get("/").status_code == shopper.get("/products/beans").status_code == 200
        assert shopper.api("GET", f"/carts/{cart}").json["status"] == "open"
    assert shopper.checkout(cart).status_code == 201
    assert shopper.stock("beans") == 99


@postgresql_only
def test_a_locked_product_is_in_the_way_of_its_own_buyers_only(
    shopper: Person, database_url: str, impatient: None
) -> None:
    cart = shopper.cart(beans=1)
    with forgotten_session(database_url, LOCKED_ROWS["a product"]):
        assert_problem(shopper.checkout(cart), 503)
        assert shopper.checkout(shopper.cart(cup=1)).status_code == 201


@postgresql_only
def test_a_statement_that_does_not_end_is_ended(app: Flask, impatient: None) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False

    @app.get("/api/v1/slow")
    def slow() -> str:
        db.session.connection().exec_driver_sql("SELECT pg_sleep(600)")
        return "never"

    answer = Person(app.test_client(), "north").api("GET", "/slow")
    assert_problem(answer, 503)
    assert "Retry-After" in answer.headers
    with app.app_context(), tenant_context("north"):
        with pytest.raises(DatabaseBusy), write():
            current_connection().exec_driver_sql("SELECT pg_sleep(600)")
        with timeouts_in_force(Timeouts(lock=1, statement=0, idle=0)):
            current_connection().exec_driver_sql(f"SELECT pg_sleep({2 * LONGER})")


@postgresql_only
def test_a_transaction_in_which_nothing_is_asked_gives_back_what_it_has_locked(
    app: Flask, database_url: str, impatient: None
) -> None:
    """As after a process was stopped in the middle of an order."""
    with app.app_context(), tenant_context("north"):
        with pytest.raises(DatabaseBusy), write():
            execute(SET_STOCK, {"now": 1})
            with forgotten_session(database_url, "SELECT 1 FROM product WHERE id = 'pot' FOR UPDATE"):
                execute(STOCK)
        assert execute(STOCK).scalar_one() == 10
        with write():
            execute(SET_STOCK, {"now": 2})
        assert execute(STOCK).scalar_one() == 2


@postgresql_only
def test_a_reader_whose_connection_was_ended_meanwhile_ends_quietly(
    app: Flask, database_url: str, impatient: None
) -> None:
    with closing(connect(database_url)) as other:
        with app.app_context(), tenant_context("north"):
            execute(STOCK)
            pid = current_connection().connection.dbapi_connection.info.backend_pid
            while other.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", (pid,)).fetchone():
                time.sleep(0.05)
        with app.app_context(), tenant_context("north"):
            assert engines().read.pool.checkedout() == 0  # type: ignore[attr-defined]
            assert execute(STOCK).scalar_one() == 10


IN_FORCE = "SELECT current_setting('lock_timeout'), current_setting('storefront.tenant_id', true)"


@postgresql_only
def test_each_transaction_has_its_timeouts_and_its_tenant(app: Flask) -> None:
    """And only the transaction, so that a pooler gives a session to the next one as it was."""
    with app.app_context(), timeouts_in_force(Timeouts(lock=7, statement=8, idle=9)):
        with tenant_context("north"):
            assert current_connection().exec_driver_sql(IN_FORCE).one() == ("7s", "north")
            assert db.session.connection().exec_driver_sql(IN_FORCE).one() == ("7s", "north")
            with timeouts_in_force(BULK), write():
                assert current_connection().exec_driver_sql(IN_FORCE).one() == ("1min", "north")
        with db.engine.connect() as bare:
            assert bare.exec_driver_sql(IN_FORCE).one()[0] == "7s"
            bare.rollback()
            raw = bare.connection.dbapi_connection
            assert raw.execute("SHOW lock_timeout").fetchone() == ("0",)


def test_a_write_inside_a_write_is_the_programs_fault_and_said_at_once(app: Flask) -> None:
    with app.app_context(), tenant_context("north"):
        for context in (tenant_context("north"), app.app_context()):
            with pytest.raises(NestedWrite), write(), context, write():
                pytest.fail("it would wait for itself")
        with pytest.raises(NestedWrite), write(), write():
            pytest.fail("it would wait for itself")
        with write():
            execute(SET_STOCK, {"now": 4})
        assert execute(STOCK).scalar_one() == 4


@sqlite_only
def test_another_process_that_stops_in_the_middle_of_writing_is_not_waited_for(
    app: Flask, impatient: None, database_url: str
) -> None:
    path = Path(database_url.removeprefix("sqlite:///") + ".lock")
    with app.app_context(), tenant_context("north"):
        with path.open("a") as other:
            fcntl.flock(other, fcntl.LOCK_EX)
            for _ in range(3):
                with pytest.raises(DatabaseBusy), write():
                    pytest.fail("somebody else has the lock")
        with timeouts_in_force(Timeouts(lock=LONG, statement=0, idle=0)), write():  # those who gave up don't keep it
            execute(SET_STOCK, {"now": 5})
        assert execute(STOCK).scalar_one() == 5


@sqlite_only
def test_writers_of_two_processes_take_turns(app: Flask, database_url: str) -> None:
    path = Path(database_url.removeprefix("sqlite:///") + ".lock")
    with ThreadPoolExecutor(1) as pool, path.open("a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)

        def put() -> None:
            with app.app_context(), tenant_context("north"), write():
                execute(SET_STOCK, {"now": 6})

        waiting = pool.submit(put)
        assert comes_true(lambda: "write-lock" in {thread.name for thread in threading.enumerate()})
        assert not waiting.done()
        with app.app_context(), tenant_context("north"):
            assert execute(STOCK).scalar_one() == 10
            fcntl.flock(other, fcntl.LOCK_UN)
            waiting.result(LONG)
            assert execute(STOCK).scalar_one() == 6


@sqlite_only
def test_a_folder_that_takes_no_lock_file_is_unavailable(shopper: Person, database_url: str) -> None:
    path = Path(database_url.removeprefix("sqlite:///") + ".lock")
    path.unlink(missing_ok=True)
    path.mkdir()
    answer = shopper.api("POST", "/carts", {})
    assert_problem(answer, 503)
    assert answer.json["type"].endswith("/unavailable")
    assert shopper.get("/").status_code == 200


def test_blocked_writers_leave_threads_to_the_others(
    app: Flask, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    monkeypatch.setattr(write_queue, "WRITER_SLOT_TIMEOUT_SECONDS", SHORT)
    many = write_queue.MAX_WRITERS
    people = [Person(app.test_client(), "north") for _ in range(many + 1)]
    carts = [person.cart(beans=1) for person in people]
    with ThreadPoolExecutor(many) as pool:
        with somebody_writes(database_url, LOCKED_ROWS["a product"]):
            blocked = [pool.submit(people[i].checkout, carts[i]) for i in range(many)]
            wait(lambda: not write_queue._writer_slots._value)
            assert_problem(people[-1].checkout(carts[-1]), 503)
            assert people[-1].get("/").status_code == 200
            assert not any(one.done() for one in blocked)
        assert {one.result().status_code for one in blocked} == {201}


def test_a_pool_without_a_free_connection_is_busy(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialects, "POOL_TIMEOUT_SECONDS", SHORT)
    app = make_app()
    shopper = Person(app.test_client(), "north")
    shopper.get("/")
    with app.app_context():
        taken = []
        for source in db.engines.values():
            while source.pool.checkedout() < source.pool.size() + source.pool._max_overflow:  # type: ignore[attr-defined]
                taken.append(source.connect())
        try:
            answer = shopper.checkout("cart-of-nobody")
            assert_problem(answer, 503)
            assert app.test_client().get("/readyz").status_code == 503
        finally:
            for one in taken:
                one.close()
    assert shopper.api("POST", "/carts", {}).status_code == 201


def test_a_server_goes_on_while_a_forgotten_session_holds_a_row(tmp_path: Path, postgres: Postgres) -> None:
    """More buyers of it come than there are threads; others read and buy meanwhile."""
    url = postgres.create("forgotten")
    settings = {"DATABASE_URL": url, "SECRET_KEY": "only for this test, and long enough", "WEB_CONCURRENCY": "1"}
    with serving(tmp_path, **settings) as server, ThreadPoolExecutor(12) as pool:
        wait(server.is_up)
        carts = [api_cart(server, "beans") for _ in range(12)]
        with forgotten_session(url, LOCKED_ROWS["a product"]):
            blocked = [pool.submit(server_checkout, server, cart) for cart in carts]
            for _ in range(3):
                assert server.get("/t/north/products/beans")[0].status == 200
            assert not all(one.done() for one in blocked), "they were answered before the others"
            assert {one.result(60) for one in blocked} == {(503, True)}
        assert {server_checkout(server, cart)[0] for cart in carts} == {201}
        assert server.stop() == 0
    postgres.drop(url)


def api_cart(server: Server, product: str) -> str:
    return server.post("/t/north/api/v1/carts", items=[{"product_id": product, "quantity": 1}])["id"]


def server_checkout(server: Server, cart: str) -> tuple[int, bool]:
    """The status, and whether it said when to come back."""
    body = '{"email": "ada@example.com", "name": "Ada"}'
    answer, _ = server.ask("POST", f"/t/north/api/v1/carts/{cart}/checkout", body, Content_Type="application/json")
    return answer.status, "Retry-After" in answer.headers
