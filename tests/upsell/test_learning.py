"""Training on orders: each order counts once, in event order, and cancelled orders are reverted."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.events.models import Event
from storefront.upsell import jobs
from storefront.upsell.explanations import SEVERAL_ORDERS
from storefront.upsell.recommender import training
from storefront.upsell.recommender.cooccurrence import PRUNE_ABOVE, PRUNE_TO, CooccurrenceRow
from storefront.upsell.recommender.models import ProductAffinity
from storefront.upsell.recommender.training import retrain, train_incrementally
from tests.concurrency import at_once, eventually, people
from tests.conftest import PATIENT_DATABASE, Person
from tests.factories import cancel, import_tenants, place_order, product, tenant
from tests.tenants.factories import every_row
from tests.upsell.conftest import train

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
TABLES = ("product_affinity", "category_affinity")


def training_rows(app: Flask, shop: str = "north") -> dict[str, object]:
    """All rows that training has stored for this tenant."""
    rows = every_row(app, shop)
    return {table: rows[table] for table in TABLES}


def explanation(person: Person, in_cart: str, suggested: str) -> str | None:
    """The explanation of `suggested` for a cart with `in_cart`; None when it isn't suggested."""
    answer = person.api("GET", f"/carts/{person.cart(**{in_cart: 1})}/upsell")
    found = {one["product"]["id"]: one["explanation"] for one in answer.json["suggestions"]}
    return found.get(suggested)


def bought_together(orders: int) -> str:
    if orders >= SEVERAL_ORDERS:
        return f"Often bought together with your Dawn Beans: {orders} orders so far."
    return f"Bought together with your Dawn Beans in {orders} order{'' if orders == 1 else 's'}."


def test_repeated_training_counts_an_order_once(app: Flask, shopper: Person) -> None:
    place_order(shopper, beans=1, honey=1)
    assert explanation(shopper, "beans", "honey") != bought_together(1), "placing an order doesn't train"
    train(app)
    once = training_rows(app)
    assert explanation(shopper, "beans", "honey") == bought_together(1)
    train(app)
    assert training_rows(app) == once
    place_order(shopper, beans=2, honey=5)
    train(app)
    assert explanation(shopper, "beans", "honey") == bought_together(2)


def test_a_serving_app_trains_in_the_background(make_app: Callable[..., Flask]) -> None:
    app = make_app(replace(PATIENT_DATABASE, learn_delay=0.05))
    jobs.start(app)
    person = Person(app.test_client(), "north")
    place_order(person, beans=1, honey=1)
    order_id = place_order(person, beans=1, honey=1)
    assert eventually(lambda: explanation(person, "beans", "honey") == bought_together(2))
    cancel(app, order_id)
    assert eventually(lambda: explanation(person, "beans", "honey") == bought_together(1))
    jobs.stop(app)


def test_concurrent_training_counts_each_order_once(app: Flask, shopper: Person) -> None:
    for _ in range(12):
        place_order(shopper, beans=1, honey=1)
    at_once([lambda: train(app)] * 4)
    assert explanation(shopper, "beans", "honey") == bought_together(12)


@pytest.mark.parametrize("step", ["order_batch", "save_rows"], ids=["slow computation", "slow write"])
def test_a_slow_training_run_does_not_overwrite_a_faster_one(
    app: Flask, shopper: Person, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """The slow run processes the first order only; the fast run also processes the second."""
    place_order(shopper, beans=1, honey=1)
    place_order(shopper, beans=1, pot=1)
    started, fast_run_done, original = threading.Event(), threading.Event(), getattr(training, step)

    def delayed(*arguments: object) -> object:
        if not started.is_set():
            started.set()
            fast_run_done.wait(0.3)  # or until the fast run waits for a lock of this one
        return original(*arguments)

    def train_slowly() -> None:
        with app.app_context(), tenant_context("north"):
            train_incrementally(1)

    monkeypatch.setattr(training, step, delayed)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(train_slowly)
        assert started.wait(60)
        train(app)
        fast_run_done.set()
        first.result()
    train(app)
    assert (explanation(shopper, "beans", "honey"), explanation(shopper, "beans", "pot")) == (
        bought_together(1),
        bought_together(1),
    )
    assert explanation(shopper, "pot", "beans") == "Bought together with your Café Pot in 1 order."


def test_cancelling_an_order_reverts_its_training(app: Flask, shopper: Person) -> None:
    place_order(shopper, beans=1, honey=1)
    train(app)
    before = training_rows(app)
    first = place_order(shopper, beans=1, pot=1)
    second = place_order(shopper, beans=1, honey=2, pot=1)
    train(app)
    assert explanation(shopper, "beans", "pot") == bought_together(2)
    cancel(app, second)
    cancel(app, second)
    train(app)
    assert explanation(shopper, "beans", "pot") == bought_together(1)
    cancel(app, first)
    train(app)
    assert training_rows(app) == before
    assert explanation(shopper, "beans", "honey") == bought_together(1)


def test_an_order_cancelled_before_training_changes_no_row(app: Flask, shopper: Person) -> None:
    place_order(shopper, beans=1, pot=1)
    train(app)
    before = training_rows(app)
    cancel(app, place_order(shopper, beans=1, honey=1))
    train(app)
    assert training_rows(app) == before


def test_orders_of_another_tenant_do_not_change_training(app: Flask, shopper: Person, stranger: Person) -> None:
    """Both tenants have a product with the id `shared`."""
    north_order = place_order(shopper, shared=1, beans=1)
    train(app)
    before = training_rows(app)
    place_order(stranger, shared=1, pen=1)
    for shop in ("south", "north"):
        train(app, shop)
    assert training_rows(app) == before
    assert "1件の注文" in explanation(stranger, "shared", "pen"), "the tenant 'south' has Japanese as its language"
    south_rows = training_rows(app, "south")
    cancel(app, north_order)
    for shop in ("south", "north"):
        train(app, shop)
    assert training_rows(app, "south") == south_rows
    assert training_rows(app) != before


def test_a_failed_training_run_is_rolled_back(app: Flask, shopper: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        place_order(shopper, beans=1, honey=1)
    train(app)
    before = training_rows(app)
    place_order(shopper, beans=1, honey=1)
    execute = training.execute  # type: ignore[attr-defined]

    def fail_at_the_end(statement: Any, *parameters: Any) -> Any:
        if statement is training.UPDATE_TRAINING_STATE:  # type: ignore[attr-defined]  # all rows are written before it
            raise RuntimeError("out of disk")
        return execute(statement, *parameters)

    monkeypatch.setattr(training, "execute", fail_at_the_end)
    with pytest.raises(RuntimeError):
        train(app)
    assert training_rows(app) == before
    monkeypatch.undo()
    train(app)
    assert explanation(shopper, "beans", "honey") == bought_together(4)


@pytest.mark.parametrize("batch", [1, 3, 100])
@ON_SQLITE
def test_retraining_yields_identical_rows(app: Flask, shopper: Person, batch: int) -> None:
    """With pruned rows, cancelled orders and any batch size."""
    ids = [f"p{i}" for i in range(PRUNE_ABOVE + 20)]
    import_tenants(app, tenant("north", *(product(id) for id in ids)))
    rng, placed = Random(7), []
    for step in range(24):
        items = ["beans", *rng.sample(ids, 60)]
        placed.append(place_order(shopper, **dict.fromkeys(items, 1)))
        if step % 3 == 2:
            cancel(app, placed.pop(rng.randrange(len(placed))))
        if step % 5 == 0:
            train(app, batch_size=batch)
    train(app, batch_size=batch)
    before = every_row(app, "north")
    with app.app_context(), tenant_context("north"):
        beans = db.session.get_one(ProductAffinity, ("north", "beans"))
        neighbours = CooccurrenceRow.unpack(beans.order_count, beans.cooccurrences).weights
        assert PRUNE_TO <= len(neighbours) <= PRUNE_ABOVE
        assert retrain(batch_size=max(1, batch - 1)) == 24 + 8
    after = every_row(app, "north")
    assert {table: after[table] for table in (*TABLES, "recommender_state")} == {
        table: before[table] for table in (*TABLES, "recommender_state")
    }
    train(app)
    assert training_rows(app) == {table: after[table] for table in TABLES}, "no order is counted twice"


def test_retraining_restores_reset_rows(app: Flask, shopper: Person) -> None:
    place_order(shopper, beans=1, honey=1)
    train(app)
    before = training_rows(app)
    with app.app_context(), tenant_context("north"):
        with training.write():  # type: ignore[attr-defined]
            training.execute(training.RESET_ROWS)  # type: ignore[attr-defined]
            training.execute(training.RESET_CATEGORY_ROWS)  # type: ignore[attr-defined]
        assert training_rows(app) != before
        retrain()
    assert training_rows(app) == before


def test_event_ids_are_gapless_and_in_commit_order(make_app: Callable[..., Flask]) -> None:
    """A reader that has seen an event has seen all earlier ones, so that it can continue from the last id."""
    app = make_app()
    snapshots: list[list[int]] = []

    def read() -> list[int]:
        with app.app_context(), tenant_context("north"):
            return list(db.session.scalars(select(Event.id).order_by(Event.id)))

    orders, cancelled, products = 24, 8, 2
    event_count = (orders + cancelled) * (1 + products)

    def watch() -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end and (not snapshots or len(snapshots[-1]) < event_count):
            snapshots.append(read())

    def buyer(person: Person) -> Callable[[], None]:
        def buy() -> None:
            for i in range(3):
                placed = place_order(person, beans=1, honey=1)
                if i == 1:
                    cancel(app, placed)

        return buy

    at_once([*map(buyer, people(app, 8)), watch])
    assert read() == list(range(1, event_count + 1))
    assert len({len(ids) for ids in snapshots}) > 2, "some reads happened between the commits"
    for ids in snapshots:
        assert ids == list(range(1, len(ids) + 1)), "a later event was visible before an earlier one"


def test_a_rejected_order_leaves_no_gap_in_the_event_ids(app: Flask, shopper: Person) -> None:
    place_order(shopper, beans=1)
    assert shopper.checkout(shopper.cart(beans=1, cup=99)).status_code == 409
    place_order(shopper, beans=1)
    with app.app_context(), tenant_context("north"):
        ids = list(db.session.scalars(select(Event.id).order_by(Event.id)))
        assert ids == [1, 2, 3, 4]
