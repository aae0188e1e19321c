"""What the shop learns from its orders: each once, in their order, and nothing of what was called off."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.events.models import Event
from storefront.timings import Timings
from storefront.upsell import jobs
from storefront.upsell.explanations import SEVERAL_ORDERS
from storefront.upsell.recommender import training
from storefront.upsell.recommender.training import retrain, train_incrementally
from tests.concurrency import at_once, comes_true, people
from tests.conftest import Person
from tests.factories import cancel, place_order
from tests.tenants.factories import every_row
from tests.upsell.conftest import teach

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
TABLES = ("product_affinity", "category_affinity")


def learned(app: Flask, shop: str = "north") -> dict[str, object]:
    """All that the engine has written down of this shop, to the byte."""
    rows = every_row(app, shop)
    return {table: rows[table] for table in TABLES}


def reason(person: Person, mine: str, other: str) -> str | None:
    """Why the other product is suggested with this one; None when it isn't."""
    answer = person.api("GET", f"/carts/{person.cart(**{mine: 1})}/upsell")
    found = {one["product"]["id"]: one["explanation"] for one in answer.json["suggestions"]}
    return found.get(other)


def together(times: int) -> str:
    if times >= SEVERAL_ORDERS:
        return f"Often bought together with your Dawn Beans: {times} orders so far."
    return f"Bought together with your Dawn Beans in {times} order{'' if times == 1 else 's'}."


def test_an_order_is_learned_once_however_often_the_shop_learns(app: Flask, shopper: Person) -> None:
    place_order(shopper, beans=1, honey=1)
    assert reason(shopper, "beans", "honey") != together(1), "nothing is learned while an order is placed"
    teach(app)
    once = learned(app)
    assert reason(shopper, "beans", "honey") == together(1)
    teach(app)
    assert learned(app) == once
    place_order(shopper, beans=2, honey=5)
    teach(app)
    assert reason(shopper, "beans", "honey") == together(2)


def test_a_shop_that_serves_learns_by_itself(make_app: Callable[..., Flask]) -> None:
    app = make_app(Timings(learn_delay=0.05))
    jobs.start(app)
    person = Person(app.test_client(), "north")
    place_order(person, beans=1, honey=1)
    order_id = place_order(person, beans=1, honey=1)
    assert comes_true(lambda: reason(person, "beans", "honey") == together(2))
    cancel(app, order_id)
    assert comes_true(lambda: reason(person, "beans", "honey") == together(1))
    jobs.stop(app)


def test_learners_at_once_learn_each_order_once(app: Flask, shopper: Person) -> None:
    for _ in range(12):
        place_order(shopper, beans=1, honey=1)
    at_once([lambda: teach(app)] * 4)
    assert reason(shopper, "beans", "honey") == together(12)


@pytest.mark.parametrize("step", ["order_batch", "save_rows"], ids=["reckons slowly", "writes slowly"])
def test_a_slow_learner_undoes_nothing_of_a_quick_one(
    app: Flask, shopper: Person, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """The slow one has the first order to learn; the quick one comes for the second too."""
    place_order(shopper, beans=1, honey=1)
    place_order(shopper, beans=1, pot=1)
    at_it, quick_is_done, act = threading.Event(), threading.Event(), getattr(training, step)

    def slowly(*known: object) -> object:
        if not at_it.is_set():
            at_it.set()
            quick_is_done.wait(0.3)  # or until the quick one waits for what this one has locked
        return act(*known)

    def slow() -> None:
        with app.app_context(), tenant_context("north"):
            train_incrementally(1)

    monkeypatch.setattr(training, step, slowly)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(slow)
        assert at_it.wait(60)
        teach(app)
        quick_is_done.set()
        first.result()
    teach(app)
    assert (reason(shopper, "beans", "honey"), reason(shopper, "beans", "pot")) == (together(1), together(1))
    assert reason(shopper, "pot", "beans") == "Bought together with your Café Pot in 1 order."


def test_an_order_that_was_cancelled_is_as_if_it_had_never_been(app: Flask, shopper: Person) -> None:
    place_order(shopper, beans=1, honey=1)
    teach(app)
    before = learned(app)
    stays = place_order(shopper, beans=1, pot=1)
    goes = place_order(shopper, beans=1, honey=2, pot=1)
    teach(app)
    assert reason(shopper, "beans", "pot") == together(2)
    cancel(app, goes)
    cancel(app, goes)
    teach(app)
    assert reason(shopper, "beans", "pot") == together(1)
    cancel(app, stays)
    teach(app)
    assert learned(app) == before
    assert reason(shopper, "beans", "honey") == together(1)


def test_an_order_cancelled_before_it_was_learned_leaves_nothing(app: Flask, shopper: Person) -> None:
    place_order(shopper, beans=1, pot=1)
    teach(app)
    before = learned(app)
    cancel(app, place_order(shopper, beans=1, honey=1))
    teach(app)
    assert learned(app) == before


def test_another_shops_orders_teach_nothing_here(app: Flask, shopper: Person, stranger: Person) -> None:
    """Both sell something under the id `shared`."""
    mine = place_order(shopper, shared=1, beans=1)
    teach(app)
    before = learned(app)
    place_order(stranger, shared=1, pen=1)
    for shop in ("south", "north"):
        teach(app, shop)
    assert learned(app) == before
    assert "1件の注文" in reason(stranger, "shared", "pen"), "the shop in the south speaks Japanese"
    souths = learned(app, "south")
    cancel(app, mine)
    for shop in ("south", "north"):
        teach(app, shop)
    assert learned(app, "south") == souths
    assert learned(app) != before


def test_what_breaks_in_the_middle_leaves_nothing_half_learned(
    app: Flask, shopper: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        place_order(shopper, beans=1, honey=1)
    teach(app)
    before = learned(app)
    place_order(shopper, beans=1, honey=1)
    run = training.execute  # type: ignore[attr-defined]

    def breaks_down(statement: Any, *parameters: Any) -> Any:
        if statement is training.UPDATE_TRAINING_STATE:  # type: ignore[attr-defined]  # all rows are written by then
            raise RuntimeError("out of disk")
        return run(statement, *parameters)

    monkeypatch.setattr(training, "execute", breaks_down)
    with pytest.raises(RuntimeError):
        teach(app)
    assert learned(app) == before
    monkeypatch.undo()
    teach(app)
    assert reason(shopper, "beans", "honey") == together(4)


@pytest.mark.parametrize("batch", [1, 3, 100])
@ON_SQLITE
def test_a_rebuild_comes_to_the_same_bytes(
    app: Flask, shopper: Person, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    """Though rows were pruned in between, and orders cancelled; and whatever the size of the lots."""
    monkeypatch.setattr("storefront.upsell.recommender.cooccurrence.PRUNE_TO", 1)
    monkeypatch.setattr("storefront.upsell.recommender.cooccurrence.PRUNE_ABOVE", 2)
    monkeypatch.setattr(training, "TRAINING_BATCH_SIZE", batch)
    monkeypatch.setattr(training, "RETRAIN_BATCH_SIZE", max(1, batch - 1))
    chance, placed = Random(7), []
    for step in range(24):
        items = chance.sample(["beans", "pot", "honey", "shared"], chance.randint(1, 4))
        if shopper.stock("pot") < 2:
            items = ["beans", "honey", "shared"]
        placed.append(place_order(shopper, **dict.fromkeys(items, 1)))
        if step % 3 == 2:
            cancel(app, placed.pop(chance.randrange(len(placed))))
        if step % 5 == 0:
            teach(app)
    teach(app)
    before = every_row(app, "north")
    with app.app_context(), tenant_context("north"):
        assert retrain() == 24 + 8
    after = every_row(app, "north")
    assert {table: after[table] for table in (*TABLES, "recommender_state")} == {
        table: before[table] for table in (*TABLES, "recommender_state")
    }
    teach(app)
    assert learned(app) == {table: after[table] for table in TABLES}, "nothing is learned a second time"


def test_a_rebuild_heals_what_was_broken(app: Flask, shopper: Person) -> None:
    place_order(shopper, beans=1, honey=1)
    teach(app)
    before = learned(app)
    with app.app_context(), tenant_context("north"):
        with training.write():  # type: ignore[attr-defined]
            training.execute(training.RESET_ROWS)  # type: ignore[attr-defined]
            training.execute(training.RESET_CATEGORY_ROWS)  # type: ignore[attr-defined]
        assert learned(app) != before
        retrain()
    assert learned(app) == before


def test_events_count_up_without_a_gap_in_the_order_of_their_commits(make_app: Callable[..., Flask]) -> None:
    """Whoever has seen one event has seen all before it, so that nothing is missed by who reads on from there."""
    app = make_app()
    seen: list[list[int]] = []

    def read() -> list[int]:
        with app.app_context(), tenant_context("north"):
            return list(db.session.scalars(select(Event.id).order_by(Event.id)))

    orders, cancelled, products = 24, 8, 2
    everything = (orders + cancelled) * (1 + products)

    def watch() -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end and (not seen or len(seen[-1]) < everything):
            seen.append(read())

    def shop(person: Person) -> Callable[[], None]:
        def buy() -> None:
            for i in range(3):
                placed = place_order(person, beans=1, honey=1)
                if i == 1:
                    cancel(app, placed)

        return buy

    at_once([*map(shop, people(app, 8)), watch])
    assert read() == list(range(1, everything + 1))
    assert len({len(ids) for ids in seen}) > 2, "it was looked at in between"
    for ids in seen:
        assert ids == list(range(1, len(ids) + 1)), "a later one was there before an earlier one"


def test_an_order_that_is_refused_leaves_no_gap(app: Flask, shopper: Person) -> None:
    place_order(shopper, beans=1)
    assert shopper.checkout(shopper.cart(beans=1, cup=99)).status_code == 409
    place_order(shopper, beans=1)
    with app.app_context(), tenant_context("north"):
        ids = list(db.session.scalars(select(Event.id).order_by(Event.id)))
        assert ids == [1, 2, 3, 4]
