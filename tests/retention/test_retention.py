"""Data retention: old rows are deleted in small batches, rows in use stay."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, event, update

from storefront.cart.models import Cart, CartLine
from storefront.clock import now
from storefront.config import ROOT
from storefront.db import expiry
from storefront.db.base import db
from storefront.db.tenancy import insert_rows
from storefront.db.tenant_context import tenant_context
from storefront.db.transactions import write
from storefront.ids import id_at
from storefront.orders.models import Order
from storefront.retention import actions
from storefront.retention.actions import begin_round, prune
from storefront.tenants.registry import put_setting
from storefront.upsell.experiment.models import UpsellExposure
from storefront.upsell.llm.models import LlmCall, LlmResponseCache, LlmUsage
from storefront.upsell.models import UpsellImpression
from tests.conftest import Person
from tests.tenants.factories import every_row

HOUR = timedelta(hours=1)
UPSELL_TABLES = ("llm_call", "upsell_impression", "llm_response_cache", "upsell_exposure")


def insert_old_and_new(old: int, new: int, days: int) -> None:
    """Insert into each table `old` rows that are an hour older than `days`, and `new` rows that are an hour younger."""
    for count, age, prefix in ((old, timedelta(days=days) + HOUR, "old"), (new, timedelta(days=days) - HOUR, "new")):
        moment = now() - age
        ids = [f"{prefix}-{i}" for i in range(count)]
        keys = [{"id": id, "sort_id": id_at(moment) + i, "cart_id": "c"} for i, id in enumerate(ids)]
        call = dict.fromkeys(("purpose", "model", "prompt_version", "language", "prompt", "response", "outcome"), "x")
        numbers = dict.fromkeys(("prompt_tokens", "completion_tokens", "latency_ms"), 1)
        answer = {"cart_hash": "s", "cart_id": "c", "requested_at": moment, "responded_at": moment, "suggestions": []}
        exposure = {"shopper": "ada", "arm": "rules", "allocation": {}, "created_at": moment}
        impression = {"arm": "rules", "decision": "rules", "suggestions": []}
        with write():
            insert_rows(LlmCall, [key | call | numbers | {"rejections": {}, "suggestions": []} for key in keys])
            insert_rows(UpsellImpression, [key | impression for key in keys])
            insert_rows(LlmResponseCache, [answer | {"key": id} for id in ids])
            insert_rows(UpsellExposure, [exposure | {"cart_id": id} for id in ids])


def remaining_ids(app: Flask, shop: str = "north") -> dict[str, list[str]]:
    rows = every_row(app, shop)
    return {table: sorted(row[1] for row in rows[table]) for table in UPSELL_TABLES}


def prune_north(app: Flask, batch_size: int = expiry.BATCH) -> int:
    with app.app_context(), tenant_context("north"):
        return sum(prune(batch_size))


def test_old_rows_are_deleted_in_batches(make_app: Callable[..., Flask]) -> None:
    app = make_app(UPSELL_KEEP_DAYS="30")
    removed: list[int] = []

    def record(_connection: object, cursor: Any, statement: str, *_: object) -> None:
        if statement.startswith("DELETE"):
            removed.append(cursor.rowcount)

    with app.app_context():
        for shop in ("north", "south"):
            with tenant_context(shop):
                insert_old_and_new(7, 4, days=30)
    event.listen(Engine, "after_cursor_execute", record)
    try:
        assert prune_north(app, batch_size=3) == 28
    finally:
        event.remove(Engine, "after_cursor_execute", record)
    assert max(removed) == 3, "a batch was too large"
    new, old = [f"new-{i}" for i in range(4)], [f"old-{i}" for i in range(7)]
    assert remaining_ids(app) == dict.fromkeys(UPSELL_TABLES, new)
    assert remaining_ids(app, "south") == dict.fromkeys(UPSELL_TABLES, new + old), "rows of another shop were deleted"
    assert prune_north(app) == 0


def test_default_batch_size_deletes_several_batches(app: Flask) -> None:
    with app.app_context(), tenant_context("north"):
        insert_old_and_new(expiry.BATCH + 1, 1, days=90)
    assert prune_north(app) == 4 * (expiry.BATCH + 1)
    assert remaining_ids(app) == {table: ["new-0"] for table in UPSELL_TABLES}


def test_llm_usage_is_kept_for_the_same_number_of_days(app: Flask) -> None:
    today: date = now().date()
    with app.app_context(), tenant_context("north"), write():
        rows = [{"day": today - timedelta(days=age), "calls": 1, "tokens": 1, "cost_micros": 1} for age in (0, 90, 91)]
        insert_rows(LlmUsage, rows)
    assert prune_north(app) == 1
    assert sorted(row[1] for row in every_row(app, "north")["llm_usage"]) == [today - timedelta(days=90), today]


def make_cart(shopper: str | None, age: timedelta, lines: int = 1, touched: timedelta | None = None) -> str:
    """Insert a cart of this age; without a shopper it is one of the API. `touched` is the age of its last change."""
    moment, cart_id = now() - age, f"cart-{now().timestamp()}"
    times = {"created_at": moment, "updated_at": now() - (touched or age)}
    with write():
        insert_rows(Cart, [{"id": cart_id, "shopper": shopper or cart_id, **times}])
        if lines:
            line = {"cart_id": cart_id, "quantity": 1, "from_upsell": True}
            insert_rows(CartLine, [{**line, "product_id": id, "variant_id": id} for id in ("beans", "cup")[:lines]])
    return cart_id


def carts(app: Flask) -> set[str]:
    return {row[1] for row in every_row(app, "north")["cart"]}


DAYS = timedelta(days=1)


def test_old_open_carts_are_deleted_with_their_lines(app: Flask) -> None:
    with app.app_context(), tenant_context("north"):
        kept = {
            make_cart("ada", 30 * DAYS - HOUR, 2),
            make_cart("ada", 90 * DAYS, 2, touched=HOUR),
            make_cart("ada", 90 * DAYS, 0, touched=HOUR),
            make_cart(None, 3 * DAYS - HOUR),
            make_cart("ada", 3 * DAYS - HOUR, 0),
        }
        deleted = {
            make_cart("ada", 30 * DAYS + HOUR, 2),
            make_cart(None, 3 * DAYS + HOUR),
            make_cart(None, 3 * DAYS + HOUR, 0),
            make_cart("ada", 3 * DAYS + HOUR, 0),
        }
    assert prune_north(app) == len(deleted)
    assert carts(app) == kept
    assert {row[1] for row in every_row(app, "north")["cart_line"]} <= kept


def test_retention_of_carts_is_configurable(make_app: Callable[..., Flask]) -> None:
    app = make_app(CART_KEEP_DAYS="10", CART_KEEP_DAYS_SHORT="5")
    with app.app_context(), tenant_context("north"):
        kept = {make_cart("ada", 10 * DAYS - HOUR), make_cart(None, 5 * DAYS - HOUR)}
        make_cart("ada", 10 * DAYS + HOUR)
        make_cart(None, 5 * DAYS + HOUR)
    assert prune_north(app) == 2
    assert carts(app) == kept


def age_all(app: Flask, age: timedelta) -> None:
    """Set the age of all carts and orders of `north`."""
    moment = now() - age
    with app.app_context(), tenant_context("north"), write():
        db.session.execute(update(Cart).values(created_at=moment, updated_at=moment))
        db.session.execute(update(Order).values(created_at=moment))


def test_ordered_cart_is_kept_like_its_order(app: Flask, shopper: Person) -> None:
    cart = shopper.cart(beans=1)
    order = shopper.checkout(cart, key="mine").json
    age_all(app, 4000 * DAYS)
    assert prune_north(app) == 0
    again = shopper.checkout(cart, key="mine")
    assert (again.status_code, again.json["id"]) == (200, order["id"])
    assert shopper.api("GET", f"/carts/{cart}").json["status"] == "ordered"


def test_browser_with_a_deleted_cart_gets_a_new_one(app: Flask) -> None:
    person = Person(app.test_client(), "north")
    person.post("/cart/items", {"product_id": "beans"})
    age_all(app, 31 * DAYS)
    assert prune_north(app) == 1
    assert person.get("/cart").status_code == 200
    assert (person.get("/checkout").status_code, person.get("/checkout").location) == (303, "/t/north/cart")
    assert person.post("/cart/items", {"product_id": "cup"}).status_code == 303
    assert "Cup" in person.get("/cart").text


def test_cart_used_during_the_deletion_is_kept(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.app_context(), tenant_context("north"):
        cart = make_cart("ada", 31 * DAYS)
    execute = expiry.execute  # type: ignore[attr-defined]

    def touched_meanwhile(statement: Any, values: Any = None) -> Any:
        result = execute(statement, values)
        if statement.is_select:
            monkeypatch.undo()
            with app.app_context(), tenant_context("north"), write():
                db.session.execute(update(Cart).where(Cart.id == cart).values(updated_at=now()))
        return result

    with app.app_context(), tenant_context("north"):
        rule, _ = actions.RULES[-1]
        monkeypatch.setattr(expiry, "execute", touched_meanwhile)
        assert sum(expiry.batches(rule, now() - 30 * DAYS)) == 0
    assert carts(app) == {cart}


def test_carts_are_kept_while_the_report_counts_them(app: Flask) -> None:
    """Whether a suggestion was accepted is read from the lines of the carts that were exposed, ordered or not."""
    with app.app_context(), tenant_context("north"):
        counted, old = make_cart("ada", 80 * DAYS), make_cart("eve", 91 * DAYS)
        both = {"arm": "rules", "allocation": {"rules": 1.0}}
        with write():
            rows = [
                {"cart_id": id, "shopper": id, **both, "created_at": now() - age * DAYS}
                for id, age in ((counted, 80), (old, 91))
            ]
            insert_rows(UpsellExposure, rows)
        before = report_counts(app)
        assert sum(prune()) == 2, "expected an exposure and its cart"
        assert report_counts(app) == before == (1, 1)
    assert carts(app) == {counted}


def report_counts(app: Flask) -> tuple[int, int]:
    """Return the number of checkouts in the report, and in how many of them a suggestion was accepted."""
    from storefront.tenants.registry import registry  # noqa: PLC0415
    from storefront.upsell.experiment.report import report  # noqa: PLC0415

    tenant = registry().find("north")
    assert tenant
    arms = report(tenant).arms
    return sum(arm.checkouts for arm in arms), sum(arm.accepted for arm in arms)


class FakeScheduler:
    """Stands in for the job scheduler of a process; runs the jobs in `run_all`."""

    def __init__(self) -> None:
        self.jobs: list[Callable[[], None]] = []

    def schedule(self, _seconds: float, _name: object, job: Callable[[], None]) -> None:
        self.jobs.append(job)

    def run_all(self) -> int:
        done = 0
        while self.jobs:
            self.jobs.pop()()
            done += 1
        return done


def test_one_process_per_hour_deletes_old_rows_of_all_shops(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    scheduler = FakeScheduler()
    monkeypatch.setattr(actions, "job_scheduler", lambda _app: scheduler)
    with app.app_context():
        for shop in ("north", "south"):
            with tenant_context(shop):
                insert_old_and_new(expiry.BATCH + 1, 1, days=90)
    begin_round(app)
    begin_round(app)
    assert len(scheduler.jobs) == 1, "the second process started a round too"
    assert scheduler.run_all() > 8, "the round is not split into jobs"
    assert remaining_ids(app) == remaining_ids(app, "south") == {table: ["new-0"] for table in UPSELL_TABLES}
    begin_round(app)
    assert not scheduler.jobs
    with app.app_context(), write():
        put_setting(actions.ROW, "2020-01-01T00:00:00.000Z")
    with app.app_context(), tenant_context("south"):
        make_cart(None, 4 * DAYS, 0)
    begin_round(app)
    scheduler.run_all()
    assert not every_row(app, "south")["cart"], "no round was started after an hour"


def test_old_carts_are_found_by_an_index(app: Flask) -> None:
    with app.app_context():
        indexes = db.inspect(db.engine).get_indexes("cart")
    assert ["tenant_id", "created_at"] in [index["column_names"] for index in indexes]


def test_every_table_is_in_the_docs_on_retention(app: Flask) -> None:
    section = Path(ROOT / "docs" / "deploy.md").read_text().split("## Data retention")[1].split("\n## ")[0]
    with app.app_context():
        missing = [table.name for table in db.metadata.sorted_tables if f"`{table.name}`" not in section]
    assert not missing


def test_command_prints_the_number_of_deleted_rows(app: Flask) -> None:
    with app.app_context(), tenant_context("north"):
        insert_old_and_new(1, 1, days=90)
    run = app.test_cli_runner().invoke
    assert run(args=["prune", "--tenant", "north"]).output == "north: 4 rows deleted.\n"
    assert "\nnorth: 0 rows deleted.\nsouth: 0 rows deleted.\n" in run(args=["prune"]).output
    unknown = run(args=["prune", "--tenant", "west"])
    assert (unknown.exit_code, "'west'" in unknown.output) == (1, True)
