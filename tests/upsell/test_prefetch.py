"""The model is asked when a cart changes, so that at checkout its words are there at once; nobody waits for them."""

import math
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import pytest
from flask import Flask
from sqlalchemy import update

from storefront.catalog.models import Product
from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.state import state_of
from storefront.timings import Timings
from storefront.upsell import jobs
from storefront.upsell.experiment.assignment import Arm, arm_of
from storefront.upsell.llm.circuit_breaker import FAILURE_THRESHOLD
from storefront.upsell.scheduler import JobScheduler, job_scheduler
from tests.concurrency import at_once, comes_true
from tests.conftest import Person
from tests.upsell import model_server as server
from tests.upsell.conftest import PATIENT_TIMINGS, calls, showings
from tests.upsell.model_server import Exchange, ModelServer

PAUSE = 0.1
GLANCE = Timings().panel_llm_wait
MODELS_WORDS = "It goes with this cart"


@pytest.fixture
def awake(asking: Callable[..., Flask]) -> Iterator[Callable[..., Flask]]:
    """Make a shop that asks the model by itself, as where it serves requests."""
    made: list[Flask] = []

    def make(**environment: str) -> Flask:
        app = asking(replace(PATIENT_TIMINGS, prefetch_debounce=PAUSE, prefetch_retry=PAUSE / 2), **environment)
        jobs.start(app)
        made.append(app)
        return app

    yield make
    for app in made:
        jobs.stop(app)


@pytest.fixture
def hurried(asking: Callable[..., Flask]) -> Callable[..., Flask]:
    """Make a shop that asks the model, and whose panels wait no longer than they really do."""
    return partial(asking, Timings())


class Counted:
    """Answers after so many seconds, and knows how many were answered at the same time."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.now, self.most = seconds, 0, 0
        self.lock = threading.Lock()

    def __call__(self, exchange: Exchange) -> None:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        exchange.over.wait(self.seconds)
        with self.lock:
            self.now -= 1
        server.good(exchange)


def names(request: server.Request) -> set[str]:
    """What was in the cart that the model was asked about."""
    return {goods["name"] for goods in request.data["cart"]}


@contextmanager
def before_any_errand(errands: JobScheduler) -> Iterator[None]:
    """What is done here is done before the next errand, however slow the machine is."""
    done = threading.Event()
    errands.schedule(0, "wait", done.wait)  # type: ignore[arg-type]  # what it gives is not looked at
    try:
        yield
    finally:
        done.set()


def asks_once_done(app: Flask, model: ModelServer) -> int:
    """How many requests have come when no job is left that could ask, and no call is under way.

    A job of the test's own is due after those that the last change of a cart has brought about, so it is done after
    them: nothing is proved by waiting for a time in which nothing happens.
    """
    assert comes_true(lambda: not state_of(app).llm_reranker._pending)
    done = threading.Event()
    job_scheduler(app).schedule(2 * PAUSE, "last of all", done.set)
    assert done.wait(60)
    assert comes_true(lambda: not state_of(app).llm_reranker._pending)
    return len(model.requests)


def test_at_checkout_the_models_words_are_there_at_once(awake: Callable[..., Flask], model: ModelServer) -> None:
    """They were thought of before; who came now would get none."""
    app = awake()
    model.behave = server.slow(2 * GLANCE)
    person = Person(app.test_client(), "north")
    person.post("/cart/items", {"product_id": "beans"})
    assert model.wait_for(lambda: len(calls(app)) == 1), "nobody has looked yet"
    model.behave = server.hangs
    panels = [person.get("/checkout/upsell").text for _ in range(3)]
    assert MODELS_WORDS in panels[0]
    assert len({panel.count(MODELS_WORDS) for panel in panels}) == 1
    assert asks_once_done(app, model) == 1, "it is asked once, however often the page is seen"
    assert len(calls(app)) == 1


def test_without_a_shop_that_serves_nothing_runs_by_itself(asking: Callable[..., Flask], model: ModelServer) -> None:
    app = asking()
    Person(app.test_client(), "north").post("/cart/items", {"product_id": "beans"})
    assert not job_scheduler(app).is_running
    job_scheduler(app).start()
    assert asks_once_done(app, model) == 0, "nothing was kept for later either"
    job_scheduler(app).stop()


def test_several_changes_in_a_row_make_one_call(awake: Callable[..., Flask], model: ModelServer) -> None:
    app = awake()
    person = Person(app.test_client(), "north")
    with before_any_errand(job_scheduler(app)):
        for id in ("beans", "cup", "honey"):
            person.post("/cart/items", {"product_id": id})
        assert model.requests == []
    assert model.wait_for(lambda: len(calls(app)) == 1)
    assert asks_once_done(app, model) == 1
    assert names(model.requests[0]) == {"Dawn Beans", "Stone Cup", "Heather Honey"}


def test_a_change_during_a_call_is_asked_about_afterwards(awake: Callable[..., Flask], model: ModelServer) -> None:
    """One call for a cart at a time, and the last one is about the cart as it is."""
    app = awake()
    model.behave = counted = Counted(4 * PAUSE)
    person = Person(app.test_client(), "north")
    person.post("/cart/items", {"product_id": "beans"})
    assert model.wait_for(lambda: len(model.requests) == 1)
    person.post("/cart/items", {"product_id": "cup"})
    assert model.wait_for(lambda: len(calls(app)) == 2)
    assert [names(request) for request in model.requests] == [{"Dawn Beans"}, {"Dawn Beans", "Stone Cup"}]
    assert counted.most == 1
    assert MODELS_WORDS in person.get("/checkout/upsell").text
    assert asks_once_done(app, model) == 2


def test_a_cart_that_was_emptied_or_ordered_meanwhile_is_not_asked_about(
    awake: Callable[..., Flask], model: ModelServer
) -> None:
    app = awake()
    person = Person(app.test_client(), "north")
    with before_any_errand(job_scheduler(app)):
        assert person.checkout(person.cart(beans=1)).status_code == 201
        cart_id = person.cart(cup=1)
        person.api("DELETE", f"/carts/{cart_id}/items/cup")
    assert asks_once_done(app, model) == 0
    person.cart(cup=1)
    assert model.wait_for(lambda: len(calls(app)) == 1), "one that stays is"


def test_two_processes_ask_once_for_the_same_cart(awake: Callable[..., Flask], model: ModelServer) -> None:
    """They share nothing but the database: here two apps, each of which has heard of a change."""
    apps = [awake(), awake()]
    model.behave = server.slow(3 * PAUSE)
    people = [Person(app.test_client(), "north") for app in apps]
    cart_id = people[0].cart(beans=1)
    at_once([lambda one=one: one.api("PUT", f"/carts/{cart_id}/items/beans", {"quantity": 2}) for one in people])  # type: ignore[misc]
    answers = at_once([lambda one=one: one.api("GET", f"/carts/{cart_id}/upsell").json for one in people])  # type: ignore[misc]
    assert [answer["source"] for answer in answers] == ["llm", "llm"], "who didn't ask waits for who did"
    assert [asks_once_done(app, model) for app in apps] == [1, 1]
    assert len(calls(apps[0])) == 1


def test_two_processes_ask_once_for_carts_that_are_alike(asking: Callable[..., Flask], model: ModelServer) -> None:
    """Two shoppers have the same in their carts; the second waits for what the first one's process has asked."""
    here, there = (Person(asking().test_client(), "north") for _ in range(2))
    model.behave = server.slow(0.5)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(here.api, "GET", f"/carts/{here.cart(beans=1)}/upsell")
        assert model.wait_for(lambda: len(model.requests) == 1)
        second = there.api("GET", f"/carts/{there.cart(beans=3)}/upsell")
        assert (first.result().json["source"], second.json["source"]) == ("llm", "llm")
    assert len(model.requests) == len(calls(here.client.application)) == 1


def empty_cart_in(arm: str, person: Person, holdout: float) -> str:
    while True:
        cart_id = person.cart()
        if arm_of("north", cart_id, holdout, True) == arm:
            return cart_id


def test_only_for_shoppers_in_the_models_arm(awake: Callable[..., Flask], model: ModelServer) -> None:
    app = awake(UPSELL_HOLDOUT="0.34")
    person = Person(app.test_client(), "north")
    carts = {arm: empty_cart_in(arm, person, 0.34) for arm in (Arm.CONTROL, Arm.RULES, Arm.MODEL)}
    for arm, asked in ((Arm.CONTROL, 0), (Arm.RULES, 0), (Arm.MODEL, 1)):
        person.api("POST", f"/carts/{carts[arm]}/items", {"product_id": "beans", "quantity": 1})
        assert model.wait_for(lambda many=asked: len(calls(app)) == many), arm  # type: ignore[misc]
        assert asks_once_done(app, model) == asked, arm
        shown = person.api("GET", f"/carts/{carts[arm]}/upsell").json
        assert (shown["arm"], len(model.requests)) == (arm, asked)
        assert shown["source"] == {Arm.CONTROL: None, Arm.RULES: "rules", Arm.MODEL: "llm"}[arm]


def test_switched_off_the_model_is_not_asked(awake: Callable[..., Flask], model: ModelServer) -> None:
    app = awake(UPSELL_ENABLED="false")
    Person(app.test_client(), "north").post("/cart/items", {"product_id": "beans"})
    assert asks_once_done(app, model) == 0


@pytest.mark.parametrize("behaviour", [server.hangs, server.slow(60), server.drips_body])
def test_the_panel_waits_no_longer_than_a_glance(
    hurried: Callable[..., Flask], model: ModelServer, behaviour: server.Behaviour
) -> None:
    app = hurried(UPSELL_TIMEOUT="60")
    model.behave = behaviour
    person = Person(app.test_client(), "north")
    person.post("/cart/items", {"product_id": "beans"})
    panel = person.get("/checkout/upsell")
    assert calls(app) == [], "the call of 60 seconds is still under way"
    assert "Goes well with espresso, like your Dawn Beans." in panel.text
    assert MODELS_WORDS not in panel.text
    assert [(one.source, one.decision) for one in showings(app)] == [("rules", "pending")]


def test_what_a_shopper_sees_does_not_change_under_her_finger(
    hurried: Callable[..., Flask], model: ModelServer
) -> None:
    """The panel is loaded once and never again by itself; what was shown is what the order's answer repeats."""
    app = hurried()
    model.behave = server.slow(4 * GLANCE)
    person = Person(app.test_client(), "north")
    person.post("/cart/items", {"product_id": "beans"})
    page, panel = person.get("/checkout").text, person.get("/checkout/upsell").text
    (loader,) = [tag for tag in page.split("<") if "/checkout/upsell" in tag and "hx-get" in tag]
    assert 'hx-trigger="load' in loader
    for words in ("hx-get", "hx-trigger", "every ", "sse", 'hx-target="#upsell_panel"'):
        assert words not in panel
    assert model.wait_for(lambda: len(calls(app)) == 1)
    placed = person.post("/checkout", {"email": "ada@example.com", "name": "Ada"})
    assert placed.status_code == 303
    cart_id = person.cart(beans=1)
    first = person.api("GET", f"/carts/{cart_id}/upsell").json
    assert first["source"] == "llm", "the next one has the model's words"
    order = person.checkout(cart_id).json["upsell"]
    assert (order["source"], order["suggestions"]) == ("llm", first["suggestions"])


def change(app: Flask, product_id: str, **values: int) -> None:
    with app.app_context(), tenant_context("north"):
        db.session.execute(update(Product).where(Product.id == product_id).values(**values))
        db.session.commit()


def test_what_cannot_be_sold_any_more_is_not_shown_though_the_model_named_it(
    asking: Callable[..., Flask], model: ModelServer
) -> None:
    """While it thought, the cup was sold out and the pot lost its price."""
    app = asking()

    def sell_out_then_answer(exchange: Exchange) -> None:
        change(app, "cup", stock=0)
        change(app, "pot", price=0)
        said = [{"product_id": id, "explanation": "It goes well."} for id in ("cup", "pot", "honey")]
        server.suggest(said)(exchange)

    model.behave = sell_out_then_answer
    person = Person(app.test_client(), "north")
    for _ in range(2):
        shown = person.api("GET", f"/carts/{person.cart(beans=1, shared=1)}/upsell").json
        assert [one["product"]["id"] for one in shown["suggestions"]] == ["honey"]
        assert shown["source"] == "llm"
    assert len(model.requests) == 1
    change(app, "cup", stock=5)
    shown = person.api("GET", f"/carts/{person.cart(beans=1, shared=1)}/upsell").json
    assert {one["product"]["id"] for one in shown["suggestions"]} == {"cup", "honey"}, "it is there again"


def test_an_errand_that_fails_stops_no_other() -> None:
    errands, early, done = JobScheduler(), threading.Event(), threading.Event()

    def fails() -> None:
        raise RuntimeError("out of luck")

    errands.schedule(0, "early", early.set)
    errands.start()
    errands.schedule(0, "one", fails)
    errands.schedule(0.02, "other", done.set)
    assert done.wait(60)
    assert not early.is_set(), "what was given before it serves is nobody's"
    errands.stop()
    assert not any(thread.name == "upsell-errands" for thread in threading.enumerate())


def test_an_errand_is_put_off_by_another_of_its_name_unless_it_must_not_be() -> None:
    errands, done = JobScheduler(), list[str]()
    errands.start()
    with before_any_errand(errands):
        errands.schedule(0.05, "cart", lambda: done.append("cart as it was"))
        errands.schedule(0.1, "cart", lambda: done.append("cart as it is"))
        errands.schedule(0.05, "orders", lambda: done.append("orders"), debounce=False)
        errands.schedule(9, "orders", lambda: done.append("orders"), debounce=False)
    assert comes_true(lambda: len(done) == 2)
    errands.stop()
    assert done == ["orders", "cart as it is"]


def test_an_errand_that_is_due_earlier_is_not_kept_waiting_by_a_later_one() -> None:
    errands, done = JobScheduler(), threading.Event()
    errands.start()
    errands.schedule(600, "sweep", lambda: None)
    assert comes_true(lambda: errands._wakes_at < math.inf), "it sleeps until then"
    errands.schedule(0.02, "cart", done.set)
    assert done.wait(60)
    errands.stop()


def test_a_model_that_rests_is_no_errand(awake: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch) -> None:
    app = awake()
    noted: list[object] = []
    monkeypatch.setattr(state_of(app).scheduler, "schedule", lambda _s, name, *_, **__: noted.append(name))
    person = Person(app.test_client(), "north")
    asked = person.cart(beans=1)
    assert asked in noted
    for _ in range(FAILURE_THRESHOLD):
        state_of(app).llm_reranker.model.breaker.record(False)
    left_alone = person.cart(beans=1)
    assert left_alone not in noted
