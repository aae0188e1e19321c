"""`flask seed`: a shop without orders gets a history, with the rows that real orders would have."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import func, select

from storefront import create_app
from storefront.cart.models import Cart, CartLine, CartStatus
from storefront.catalog.models import Product
from storefront.config import ROOT
from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.events.models import Event, EventType
from storefront.orders.models import Order, OrderLine, OrderStatus
from storefront.seeding.actions import min_stock
from storefront.server.bootstrap import prepare
from storefront.tenants.registry import registry
from storefront.upsell.experiment.models import UpsellExposure
from storefront.upsell.experiment.report import report
from storefront.upsell.models import UpsellImpression
from storefront.upsell.recommender.candidates import find_candidates_by_id
from storefront.upsell.recommender.models import TrainingState
from tests.conftest import Person, dispose, settings_for
from tests.upsell.test_suggestions import suggested


def seed(app: Flask, *options: str) -> Result:
    return app.test_cli_runner().invoke(args=["seed", *options])


def count(model: type[Any], *conditions: Any) -> int:
    return db.session.scalar(select(func.count()).select_from(model).where(*conditions)) or 0


@pytest.fixture
def seeded(app: Flask) -> Iterator[Flask]:
    """An app with ten days of orders in `north`, in that tenant's context."""
    done = seed(app, "--tenant", "north", "--days", "10")
    assert done.exit_code == 0, done.output
    assert "orders from" in done.output
    with app.app_context(), tenant_context("north"):
        yield app


def test_orders_add_up_and_match_their_carts(seeded: Flask) -> None:
    orders = list(db.session.scalars(select(Order)))
    assert len(orders) > 100
    for order in orders:
        lines = list(db.session.scalars(select(OrderLine).where(OrderLine.order_id == order.id)))
        assert sum(line.unit_price * line.quantity for line in lines) == order.subtotal
        assert order.total == order.subtotal - order.discount + order.tax
        in_cart = db.session.scalars(select(CartLine.product_id).where(CartLine.cart_id == order.cart_id))
        assert sorted(in_cart) == sorted(line.product_id for line in lines)
    assert count(Cart, Cart.status == CartStatus.ORDERED) == len(orders)
    assert {order.promo_code for order in orders} == {None, "SUMMER10"}, "an expired code was used"
    assert 0 < count(Order, Order.status == OrderStatus.CANCELLED) < len(orders) / 5


def test_events_are_chronological_and_the_recommender_is_trained_on_them(seeded: Flask) -> None:
    events = list(db.session.scalars(select(Event).order_by(Event.id)))
    assert [event.id for event in events] == list(range(1, len(events) + 1))
    assert [event.created_at for event in events] == sorted(event.created_at for event in events)
    assert sum(event.type == EventType.ORDER_PLACED for event in events) == count(Order)
    shipped = {order.id: order.fulfilled_at for order in db.session.scalars(select(Order)) if order.fulfilled_at}
    assert len(shipped) == count(Order, Order.status == OrderStatus.FULFILLED) > 0
    assert {event.subject: event.created_at for event in events if event.type == EventType.ORDER_FULFILLED} == shipped
    state = db.session.scalars(select(TrainingState)).one()
    learned = (EventType.ORDER_PLACED, EventType.ORDER_CANCELLED)
    assert (state.last_event_id, state.order_count) == (
        max(event.id for event in events if event.type in learned),
        count(Order, Order.status != OrderStatus.CANCELLED),
    )


def test_experiment_report_has_data(seeded: Flask) -> None:
    north = registry().all()["north"]
    arms = {arm.arm: arm for arm in report(north).arms}
    assert arms.keys() == {"control", "rules"}
    assert sum(arm.checkouts for arm in arms.values()) == count(UpsellExposure) == count(UpsellImpression)
    assert arms["rules"].upsell_revenue > 0 == arms["control"].upsell_revenue
    assert report(north).split.observed


def test_stock_is_reduced_but_not_exhausted(app: Flask) -> None:
    with app.app_context(), tenant_context("north"):
        before = dict(db.session.execute(select(Product.id, Product.stock)).all())
    assert seed(app, "--tenant", "north").exit_code == 0
    with app.app_context(), tenant_context("north"):
        after = dict(db.session.execute(select(Product.id, Product.stock)).all())
    assert after["beans"] < before["beans"]
    assert after["filter"] == 0
    assert after["cup"] == before["cup"] == 3, "low stock was reduced"
    assert all(after[id] >= min(stock, min_stock(stock)) for id, stock in before.items())


def test_second_call_changes_nothing_and_prints_so(app: Flask) -> None:
    def orders() -> int:
        with app.app_context(), tenant_context("north"):
            return count(Order)

    assert seed(app, "--tenant", "north", "--days", "2").exit_code == 0
    before = orders()
    again = seed(app, "--tenant", "north", "--seed", "2")
    assert (again.exit_code, again.output) == (
        0,
        "north: has orders already, so none were added. `make reset` starts from nothing.\n",
    )
    assert orders() == before > 0


def test_only_shops_without_orders_are_seeded(app: Flask, shopper: Person) -> None:
    shopper.checkout(shopper.cart(beans=1))
    done = seed(app, "--days", "2")
    assert done.exit_code == 0, done.output
    assert "north: has orders already" in done.output
    assert "south: " in done.output
    for shop, filled in (("north", False), ("south", True), ("far-east", True)):
        with app.app_context(), tenant_context(shop):
            assert (count(Order) > 1) == filled, shop


def test_unknown_shop_is_an_error(app: Flask) -> None:
    done = seed(app, "--tenant", "nosuch")
    assert (done.exit_code, done.stderr) == (1, "Error: --tenant: there is no shop 'nosuch'.\n")
    assert seed(app, "--days", "0").exit_code == 2


def test_same_seed_makes_the_same_orders(app: Flask, tmp_path: Path) -> None:
    """Also in another database, except for the random ids."""
    other = create_app(settings_for(f"sqlite:///{tmp_path}/other.db", tmp_path))
    prepare(other)
    found = []
    for each in (app, other):
        assert seed(each, "--tenant", "north", "--days", "3", "--seed", "7").exit_code == 0
        with each.app_context(), tenant_context("north"):
            rows = db.session.execute(select(Order.name, Order.email, Order.total).order_by(Order.email, Order.total))
            found.append([tuple(row) for row in rows])
    dispose(other)
    # The second call is later, so orders from the time between the calls are in one of them only.
    assert len(set(found[0]) ^ set(found[1])) <= 2
    assert len(found[0]) > 20


def test_recommender_learns_complements_in_the_demo_shops(tmp_path: Path) -> None:
    catalog = str(ROOT / "catalog.json")
    app = create_app(settings_for(f"sqlite:///{tmp_path}/demo.db", tmp_path, CATALOG=catalog))
    done = seed(app)
    assert done.exit_code == 0, done.output
    person = Person(app.test_client(), "aurora")
    found = suggested(person, person.cart(**{"dawn-espresso-250g": 1}))
    assert len(found) == 3
    with app.app_context(), tenant_context("aurora"):
        together = find_candidates_by_id(registry().all()["aurora"], ["enamel-coffee-pot"])
        ranks = [one.product.id for one in together.candidates]
    expected = {"round-paper-filters-100", "noon-filter-250g", "stoneware-cup", "morning-croissant-4", "brew-timer"}
    assert expected & set(ranks[:3]), "the best candidate isn't one that is bought together"
    dispose(app)
