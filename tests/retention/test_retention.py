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
LEFT_BY_SUGGESTIONS = ("llm_call", "upsell_impression", "llm_response_cache", "upsell_exposure")


def old_and_new(old: int, new: int, days: int) -> None:
    """So many rows of each kind that are older than these days by an hour, and so many younger by an hour."""
    for many, age, word in ((old, timedelta(days=days) + HOUR, "old"), (new, timedelta(days=days) - HOUR, "new")):
        moment = now() - age
        ids = [f"{word}-{i}" for i in range(many)]
        places = [{"id": id, "sort_id": id_at(moment) + i, "cart_id": "c"} for i, id in enumerate(ids)]
        call = dict.fromkeys(("purpose", "model", "prompt_version", "language", "prompt", "response", "outcome"), "x")
        numbers = dict.fromkeys(("prompt_tokens", "completion_tokens", "latency_ms"), 1)
        answer = {"cart_hash": "s", "cart_id": "c", "requested_at": moment, "responded_at": moment, "suggestions": []}
        exposure = {"shopper": "ada", "arm": "rules", "allocation": {}, "created_at": moment}
        showing = {"arm": "rules", "decision": "rules", "suggestions": []}
        with write():
            insert_rows(LlmCall, [place | call | numbers | {"rejections": {}, "suggestions": []} for place in places])
            insert_rows(UpsellImpression, [place | showing for place in places])
            insert_rows(LlmResponseCache, [answer | {"key": id} for id in ids])
            insert_rows(UpsellExposure, [exposure | {"cart_id": id} for id in ids])


def left(app: Flask, shop: str = "north") -> dict[str, list[str]]:
    rows = every_row(app, shop)
    return {table: sorted(row[1] for row in rows[table]) for table in LEFT_BY_SUGGESTIONS}


def prune_north(app: Flask) -> int:
    with app.app_context(), tenant_context("north"):
        return sum(prune())


def test_what_is_old_goes_in_batches_and_nothing_else(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiry, "BATCH", 3)
    app = make_app(UPSELL_KEEP_DAYS="30")
    removed: list[int] = []

    def hear(_connection: object, cursor: Any, statement: str, *_: object) -> None:
        if statement.startswith("DELETE"):
            removed.append(cursor.rowcount)

    with app.app_context():
        for shop in ("north", "south"):
            with tenant_context(shop):
                old_and_new(7, 4, days=30)
    event.listen(Engine, "after_cursor_execute", hear)
    try:
        assert prune_north(app) == 28
    finally:
        event.remove(Engine, "after_cursor_execute", hear)
    assert max(removed) == 3, "a batch at a time"
    new, old = [f"new-{i}" for i in range(4)], [f"old-{i}" for i in range(7)]
    assert left(app) == dict.fromkeys(LEFT_BY_SUGGESTIONS, new)
    assert left(app, "south") == dict.fromkeys(LEFT_BY_SUGGESTIONS, new + old), "nobody asked there"
    assert prune_north(app) == 0


def test_more_than_one_batch_goes_as_it_is_shipped(app: Flask) -> None:
    with app.app_context(), tenant_context("north"):
        old_and_new(expiry.BATCH + 1, 1, days=90)
    assert prune_north(app) == 4 * (expiry.BATCH + 1)
    assert left(app) == {table: ["new-0"] for table in LEFT_BY_SUGGESTIONS}


def test_the_use_of_the_model_is_kept_as_long(app: Flask) -> None:
    today: date = now().date()
    with app.app_context(), tenant_context("north"), write():
        rows = [{"day": today - timedelta(days=age), "calls": 1, "tokens": 1, "cost_micros": 1} for age in (0, 90, 91)]
        insert_rows(LlmUsage, rows)
    assert prune_north(app) == 1
    assert sorted(row[1] for row in every_row(app, "north")["llm_usage"]) == [today - timedelta(days=90), today]


def make_cart(shopper: str | None, age: timedelta, lines: int = 1, touched: timedelta | None = None) -> str:
    """A cart of this age; without a shopper a program made it. `touched` is the age of its last change."""
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


def test_carts_that_nobody_ordered_go_with_their_lines(app: Flask) -> None:
    with app.app_context(), tenant_context("north"):
        stay = {
            make_cart("ada", 30 * DAYS - HOUR, 2),
            make_cart("ada", 90 * DAYS, 2, touched=HOUR),
            make_cart("ada", 90 * DAYS, 0, touched=HOUR),
            make_cart(None, 3 * DAYS - HOUR),
            make_cart("ada", 3 * DAYS - HOUR, 0),
        }
        go = {
            make_cart("ada", 30 * DAYS + HOUR, 2),
            make_cart(None, 3 * DAYS + HOUR),
            make_cart(None, 3 * DAYS + HOUR, 0),
            make_cart("ada", 3 * DAYS + HOUR, 0),
        }
    assert prune_north(app) == len(go)
    assert carts(app) == stay
    assert {row[1] for row in every_row(app, "north")["cart_line"]} <= stay


def test_how_long_carts_are_kept_can_be_said(make_app: Callable[..., Flask]) -> None:
    app = make_app(CART_KEEP_DAYS="10", CART_KEEP_DAYS_SHORT="5")
    with app.app_context(), tenant_context("north"):
        stay = {make_cart("ada", 10 * DAYS - HOUR), make_cart(None, 5 * DAYS - HOUR)}
        make_cart("ada", 10 * DAYS + HOUR)
        make_cart(None, 5 * DAYS + HOUR)
    assert prune_north(app) == 2
    assert carts(app) == stay


def age_all(app: Flask, age: timedelta) -> None:
    """Let time pass for all carts and orders of the north."""
    moment = now() - age
    with app.app_context(), tenant_context("north"), write():
        db.session.execute(update(Cart).values(created_at=moment, updated_at=moment))
        db.session.execute(update(Order).values(created_at=moment))


def test_an_ordered_cart_stays_as_long_as_its_order(app: Flask, shopper: Person) -> None:
    cart = shopper.cart(beans=1)
    order = shopper.checkout(cart, key="mine").json
    age_all(app, 4000 * DAYS)
    assert prune_north(app) == 0
    again = shopper.checkout(cart, key="mine")
    assert (again.status_code, again.json["id"]) == (200, order["id"])
    assert shopper.api("GET", f"/carts/{cart}").json["status"] == "ordered"


def test_a_browser_whose_cart_went_gets_another(app: Flask) -> None:
    person = Person(app.test_client(), "north")
    person.post("/cart/items", {"product_id": "beans"})
    age_all(app, 31 * DAYS)
    assert prune_north(app) == 1
    assert person.get("/cart").status_code == 200
    assert (person.get("/checkout").status_code, person.get("/checkout").location) == (303, "/t/north/cart")
    assert person.post("/cart/items", {"product_id": "cup"}).status_code == 303
    assert "Cup" in person.get("/cart").text


def test_a_cart_that_is_used_while_it_is_about_to_go_stays(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.app_context(), tenant_context("north"):
        cart = make_cart("ada", 31 * DAYS)
    found = expiry.execute  # type: ignore[attr-defined]

    def touched_meanwhile(statement: Any, values: Any = None) -> Any:
        result = found(statement, values)
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


def test_carts_stay_while_the_report_counts_them(app: Flask) -> None:
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
        before = actions_of_report(app)
        assert sum(prune()) == 2, "an exposure and its cart"
        assert actions_of_report(app) == before == (1, 1)
    assert carts(app) == {counted}


def actions_of_report(app: Flask) -> tuple[int, int]:
    """The checkouts that the report counts, and in how many of them a suggestion was accepted."""
    from storefront.tenants.registry import registry  # noqa: PLC0415
    from storefront.upsell.experiment.report import report  # noqa: PLC0415

    tenant = registry().find("north")
    assert tenant
    arms = report(tenant).arms
    return sum(arm.checkouts for arm in arms), sum(arm.accepted for arm in arms)


class Queue:
    """Stands for the errands of a process that serves requests, and does them at once."""

    def __init__(self) -> None:
        self.jobs: list[Callable[[], None]] = []

    def schedule(self, _seconds: float, _name: object, job: Callable[[], None]) -> None:
        self.jobs.append(job)

    def work(self) -> int:
        done = 0
        while self.jobs:
            self.jobs.pop()()
            done += 1
        return done


def test_one_process_an_hour_goes_through_all_shops(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiry, "BATCH", 3)
    queue = Queue()
    monkeypatch.setattr(actions, "job_scheduler", lambda _app: queue)
    with app.app_context():
        for shop in ("north", "south"):
            with tenant_context(shop):
                old_and_new(4, 1, days=90)
    begin_round(app)
    begin_round(app)
    assert len(queue.jobs) == 1, "the other one found that it had been begun"
    assert queue.work() > 8, "step by step"
    assert left(app) == left(app, "south") == {table: ["new-0"] for table in LEFT_BY_SUGGESTIONS}
    begin_round(app)
    assert not queue.jobs
    with app.app_context(), write():
        put_setting(actions.ROW, "2020-01-01T00:00:00.000Z")
    with app.app_context(), tenant_context("south"):
        make_cart(None, 4 * DAYS, 0)
    begin_round(app)
    queue.work()
    assert not every_row(app, "south")["cart"], "an hour later it goes on"


def test_old_carts_are_found_by_an_index(app: Flask) -> None:
    with app.app_context():
        indexes = db.inspect(db.engine).get_indexes("cart")
    assert ["tenant_id", "created_at"] in [index["column_names"] for index in indexes]


def test_every_table_is_said_to_be_bounded_or_why_not(app: Flask) -> None:
    said = Path(ROOT / "docs" / "deploy.md").read_text().split("## Data retention")[1].split("\n## ")[0]
    with app.app_context():
        missing = [table.name for table in db.metadata.sorted_tables if f"`{table.name}`" not in said]
    assert not missing


def test_the_command_says_how_many_rows_went(app: Flask) -> None:
    with app.app_context(), tenant_context("north"):
        old_and_new(1, 1, days=90)
    run = app.test_cli_runner().invoke
    assert run(args=["prune", "--tenant", "north"]).output == "north: 4 rows deleted.\n"
    assert "\nnorth: 0 rows deleted.\nsouth: 0 rows deleted.\n" in run(args=["prune"]).output
    nowhere = run(args=["prune", "--tenant", "west"])
    assert (nowhere.exit_code, "'west'" in nowhere.output) == (1, True)
