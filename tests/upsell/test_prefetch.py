"""The prefetch after a cart change, which makes the model's answer available at checkout, and its scheduler."""

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
from storefront.circuit_breaker import FAILURE_THRESHOLD
from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.scheduler import JobScheduler, job_scheduler
from storefront.state import state_of
from storefront.timings import Timings
from storefront.upsell import jobs
from storefront.upsell.experiment.assignment import Arm, arm_of
from tests.concurrency import at_once, eventually
from tests.conftest import PATIENT_DATABASE, Person
from tests.upsell import model_server as server
from tests.upsell.conftest import GENEROUS_TIMINGS, stored_calls, stored_impressions
from tests.upsell.model_server import Exchange, ModelServer

DEBOUNCE_SECONDS = 0.1
PANEL_LLM_WAIT_SECONDS = Timings().panel_llm_wait
LLM_EXPLANATION = "It goes with this cart"


@pytest.fixture
def make_serving_app(make_llm_app: Callable[..., Flask]) -> Iterator[Callable[..., Flask]]:
    """Return a factory of apps with a model and running background jobs."""
    made: list[Flask] = []

    def make(**environment: str) -> Flask:
        app = make_llm_app(
            replace(GENEROUS_TIMINGS, prefetch_debounce=DEBOUNCE_SECONDS, prefetch_retry=DEBOUNCE_SECONDS / 2),
            **environment,
        )
        jobs.start(app)
        made.append(app)
        return app

    yield make
    for app in made:
        jobs.stop(app)


@pytest.fixture
def make_default_app(make_llm_app: Callable[..., Flask]) -> Callable[..., Flask]:
    """Return a factory of apps with a model and the production timings."""
    return partial(make_llm_app, PATIENT_DATABASE)


class DelayedServer:
    """Answers after a delay and records the maximum number of concurrent requests."""

    def __init__(self, delay_seconds: float) -> None:
        self.delay_seconds, self.active, self.max_active = delay_seconds, 0, 0
        self.lock = threading.Lock()

    def __call__(self, exchange: Exchange) -> None:
        with self.lock:
            self.active += 1
            self.max_active = max(self.max_active, self.active)
        exchange.stopping.wait(self.delay_seconds)
        with self.lock:
            self.active -= 1
        server.good(exchange)


def cart_names(request: server.Request) -> set[str]:
    """The product names of the cart in the prompt."""
    return {product["name"] for product in request.data["cart"]}


@contextmanager
def jobs_blocked(scheduler: JobScheduler) -> Iterator[None]:
    """Run no scheduled job inside the block, however slow the machine is."""
    done = threading.Event()
    scheduler.schedule(0, "wait", done.wait)  # type: ignore[arg-type]  # the result is ignored
    try:
        yield
    finally:
        done.set()


def request_count_when_idle(app: Flask, model: ModelServer) -> int:
    """Return the number of model requests when no prefetch job and no call is left.

    A job of the test is due after the jobs of the last cart change and therefore runs after them, so that the absence
    of further requests isn't proved by sleeping.
    """
    assert eventually(lambda: not state_of(app).llm_reranker._pending)
    done = threading.Event()
    job_scheduler(app).schedule(2 * DEBOUNCE_SECONDS, "end of test", done.set)
    assert done.wait(60)
    assert eventually(lambda: not state_of(app).llm_reranker._pending)
    return len(model.requests)


def test_checkout_shows_the_prefetched_answer(make_serving_app: Callable[..., Flask], model: ModelServer) -> None:
    """The model is too slow for the panel and then hangs, so only a prefetched answer can be displayed."""
    app = make_serving_app()
    model.behave = server.slow(2 * PANEL_LLM_WAIT_SECONDS)
    person = Person(app.test_client(), "north")
    person.post("/cart/items", {"product_id": "beans"})
    assert model.wait_for(lambda: len(stored_calls(app)) == 1), "no panel was displayed yet"
    model.behave = server.hangs
    panels = [person.get("/checkout/upsell").text for _ in range(3)]
    assert LLM_EXPLANATION in panels[0]
    assert len({panel.count(LLM_EXPLANATION) for panel in panels}) == 1
    assert request_count_when_idle(app, model) == 1, "displaying the panel again makes no call"
    assert len(stored_calls(app)) == 1


def test_background_jobs_need_a_serving_app(make_llm_app: Callable[..., Flask], model: ModelServer) -> None:
    app = make_llm_app()
    Person(app.test_client(), "north").post("/cart/items", {"product_id": "beans"})
    assert not job_scheduler(app).is_running
    job_scheduler(app).start()
    assert request_count_when_idle(app, model) == 0, "the earlier change scheduled no job"
    job_scheduler(app).stop()


def test_several_cart_changes_are_debounced_into_one_call(
    make_serving_app: Callable[..., Flask], model: ModelServer
) -> None:
    app = make_serving_app()
    person = Person(app.test_client(), "north")
    with jobs_blocked(job_scheduler(app)):
        for id in ("beans", "cup", "honey"):
            person.post("/cart/items", {"product_id": id})
        assert model.requests == []
    assert model.wait_for(lambda: len(stored_calls(app)) == 1)
    assert request_count_when_idle(app, model) == 1
    assert cart_names(model.requests[0]) == {"Dawn Beans", "Stone Cup", "Heather Honey"}


def test_a_change_during_a_call_is_prefetched_afterwards(
    make_serving_app: Callable[..., Flask], model: ModelServer
) -> None:
    """Calls for a cart run one at a time, and the last call has the current cart."""
    app = make_serving_app()
    model.behave = delayed_server = DelayedServer(4 * DEBOUNCE_SECONDS)
    person = Person(app.test_client(), "north")
    person.post("/cart/items", {"product_id": "beans"})
    assert model.wait_for(lambda: len(model.requests) == 1)
    person.post("/cart/items", {"product_id": "cup"})
    assert model.wait_for(lambda: len(stored_calls(app)) == 2)
    assert [cart_names(request) for request in model.requests] == [{"Dawn Beans"}, {"Dawn Beans", "Stone Cup"}]
    assert delayed_server.max_active == 1
    assert LLM_EXPLANATION in person.get("/checkout/upsell").text
    assert request_count_when_idle(app, model) == 2


def test_a_cart_emptied_or_ordered_meanwhile_is_not_prefetched(
    make_serving_app: Callable[..., Flask], model: ModelServer
) -> None:
    app = make_serving_app()
    person = Person(app.test_client(), "north")
    with jobs_blocked(job_scheduler(app)):
        assert person.checkout(person.cart(beans=1)).status_code == 201
        cart_id = person.cart(cup=1)
        person.api("DELETE", f"/carts/{cart_id}/items/cup")
    assert request_count_when_idle(app, model) == 0
    person.cart(cup=1)
    assert model.wait_for(lambda: len(stored_calls(app)) == 1), "an open cart is prefetched"


def test_two_processes_make_one_call_for_the_same_cart(
    make_serving_app: Callable[..., Flask], model: ModelServer
) -> None:
    """They share only the database. Each of the two apps handles a change of the cart."""
    apps = [make_serving_app(), make_serving_app()]
    model.behave = server.slow(3 * DEBOUNCE_SECONDS)
    people = [Person(app.test_client(), "north") for app in apps]
    cart_id = people[0].cart(beans=1)
    at_once([partial(person.api, "PUT", f"/carts/{cart_id}/items/beans", {"quantity": 2}) for person in people])
    answers = at_once([partial(person.api, "GET", f"/carts/{cart_id}/upsell") for person in people])
    assert [answer.json["source"] for answer in answers] == ["llm", "llm"], "the other process waits for the answer"
    assert [request_count_when_idle(app, model) for app in apps] == [1, 1]
    assert len(stored_calls(apps[0])) == 1


def test_two_processes_make_one_call_for_equal_carts(make_llm_app: Callable[..., Flask], model: ModelServer) -> None:
    """Two shoppers have the same products; the second waits for the call of the first shopper's process."""
    first_shopper, second_shopper = (Person(make_llm_app().test_client(), "north") for _ in range(2))
    model.behave = server.slow(0.5)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(first_shopper.api, "GET", f"/carts/{first_shopper.cart(beans=1)}/upsell")
        assert model.wait_for(lambda: len(model.requests) == 1)
        second = second_shopper.api("GET", f"/carts/{second_shopper.cart(beans=3)}/upsell")
        assert (first.result().json["source"], second.json["source"]) == ("llm", "llm")
    assert len(model.requests) == len(stored_calls(first_shopper.client.application)) == 1


def empty_cart_in(arm: str, person: Person, holdout: float) -> str:
    while True:
        cart_id = person.cart()
        if arm_of("north", cart_id, holdout, True) == arm:
            return cart_id


def test_only_carts_in_the_model_arm_are_prefetched(make_serving_app: Callable[..., Flask], model: ModelServer) -> None:
    app = make_serving_app(UPSELL_HOLDOUT="0.34")
    person = Person(app.test_client(), "north")
    carts = {arm: empty_cart_in(arm, person, 0.34) for arm in (Arm.CONTROL, Arm.RULES, Arm.MODEL)}
    for arm, call_count in ((Arm.CONTROL, 0), (Arm.RULES, 0), (Arm.MODEL, 1)):
        person.api("POST", f"/carts/{carts[arm]}/items", {"product_id": "beans", "quantity": 1})
        assert model.wait_for(lambda expected=call_count: len(stored_calls(app)) == expected), arm  # type: ignore[misc]
        assert request_count_when_idle(app, model) == call_count, arm
        upsell = person.api("GET", f"/carts/{carts[arm]}/upsell").json
        assert (upsell["arm"], len(model.requests)) == (arm, call_count)
        assert upsell["source"] == {Arm.CONTROL: None, Arm.RULES: "rules", Arm.MODEL: "llm"}[arm]


def test_nothing_is_prefetched_when_switched_off(make_serving_app: Callable[..., Flask], model: ModelServer) -> None:
    app = make_serving_app(UPSELL_ENABLED="false")
    Person(app.test_client(), "north").post("/cart/items", {"product_id": "beans"})
    assert request_count_when_idle(app, model) == 0


@pytest.mark.parametrize("behaviour", [server.hangs, server.slow(60), server.drips_body])
def test_the_panel_falls_back_to_rules_after_its_wait(
    make_default_app: Callable[..., Flask], model: ModelServer, behaviour: server.Behaviour
) -> None:
    app = make_default_app(UPSELL_TIMEOUT="60")
    model.behave = behaviour
    person = Person(app.test_client(), "north")
    person.post("/cart/items", {"product_id": "beans"})
    panel = person.get("/checkout/upsell")
    assert stored_calls(app) == [], "the call of 60 seconds is still running"
    assert "Goes well with espresso, like your Dawn Beans." in panel.text
    assert LLM_EXPLANATION not in panel.text
    assert [(row.source, row.decision) for row in stored_impressions(app)] == [("rules", "pending")]


def test_a_displayed_panel_does_not_update_itself(make_default_app: Callable[..., Flask], model: ModelServer) -> None:
    """The panel is loaded once, and the order response repeats the displayed suggestions."""
    app = make_default_app()
    model.behave = server.slow(4 * PANEL_LLM_WAIT_SECONDS)
    person = Person(app.test_client(), "north")
    person.post("/cart/items", {"product_id": "beans"})
    page, panel = person.get("/checkout").text, person.get("/checkout/upsell").text
    (loader,) = [tag for tag in page.split("<") if "/checkout/upsell" in tag and "hx-get" in tag]
    assert 'hx-trigger="load' in loader
    for trigger in ("hx-get", "hx-trigger", "every ", "sse", 'hx-target="#upsell_panel"'):
        assert trigger not in panel
    assert model.wait_for(lambda: len(stored_calls(app)) == 1)
    placed = person.post("/checkout", {"email": "ada@example.com", "name": "Ada"})
    assert placed.status_code == 303
    cart_id = person.cart(beans=1)
    first = person.api("GET", f"/carts/{cart_id}/upsell").json
    assert first["source"] == "llm", "the next panel has the model's answer"
    order = person.checkout(cart_id).json["upsell"]
    assert (order["source"], order["suggestions"]) == ("llm", first["suggestions"])


def change_product(app: Flask, product_id: str, **values: int) -> None:
    with app.app_context(), tenant_context("north"):
        db.session.execute(update(Product).where(Product.id == product_id).values(**values))
        db.session.commit()


def test_products_unavailable_since_the_call_are_not_suggested(
    make_llm_app: Callable[..., Flask], model: ModelServer
) -> None:
    """During the call the cup sells out and the price of the pot becomes 0."""
    app = make_llm_app()

    def sell_out_then_answer(exchange: Exchange) -> None:
        change_product(app, "cup", stock=0)
        change_product(app, "pot", price=0)
        suggestions = [{"product_id": id, "explanation": "It goes well."} for id in ("cup", "pot", "honey")]
        server.suggest(suggestions)(exchange)

    model.behave = sell_out_then_answer
    person = Person(app.test_client(), "north")
    for _ in range(2):
        shown = person.api("GET", f"/carts/{person.cart(beans=1, shared=1)}/upsell").json
        assert [one["product"]["id"] for one in shown["suggestions"]] == ["honey"]
        assert shown["source"] == "llm"
    assert len(model.requests) == 1
    change_product(app, "cup", stock=5)
    shown = person.api("GET", f"/carts/{person.cart(beans=1, shared=1)}/upsell").json
    assert {one["product"]["id"] for one in shown["suggestions"]} == {"cup", "honey"}, "the cup is in stock again"


def test_a_failing_job_does_not_stop_others() -> None:
    scheduler, early, done = JobScheduler(), threading.Event(), threading.Event()

    def fail() -> None:
        raise RuntimeError("out of luck")

    scheduler.schedule(0, "early", early.set)
    scheduler.start()
    scheduler.schedule(0, "one", fail)
    scheduler.schedule(0.02, "other", done.set)
    assert done.wait(60)
    assert not early.is_set(), "a job scheduled before the start is discarded"
    assert "scheduler" in {thread.name for thread in threading.enumerate()}
    scheduler.stop()
    assert "scheduler" not in {thread.name for thread in threading.enumerate()}


def test_a_job_replaces_an_earlier_one_of_its_key_only_with_debounce() -> None:
    scheduler, done = JobScheduler(), list[str]()
    scheduler.start()
    with jobs_blocked(scheduler):
        scheduler.schedule(0.05, "cart", lambda: done.append("cart as it was"))
        scheduler.schedule(0.1, "cart", lambda: done.append("cart as it is"))
        scheduler.schedule(0.05, "orders", lambda: done.append("orders"), debounce=False)
        scheduler.schedule(9, "orders", lambda: done.append("orders"), debounce=False)
    assert eventually(lambda: len(done) == 2)
    scheduler.stop()
    assert done == ["orders", "cart as it is"]


def test_an_earlier_job_is_not_delayed_by_a_later_one() -> None:
    scheduler, done = JobScheduler(), threading.Event()
    scheduler.start()
    scheduler.schedule(600, "sweep", lambda: None)
    assert eventually(lambda: scheduler._wakes_at < math.inf), "the scheduler sleeps until the job is due"
    scheduler.schedule(0.02, "cart", done.set)
    assert done.wait(60)
    scheduler.stop()


def test_nothing_is_prefetched_while_the_circuit_is_open(
    make_serving_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_serving_app()
    scheduled: list[object] = []
    monkeypatch.setattr(state_of(app).scheduler, "schedule", lambda _s, name, *_, **__: scheduled.append(name))
    person = Person(app.test_client(), "north")
    before = person.cart(beans=1)
    assert before in scheduled
    for _ in range(FAILURE_THRESHOLD):
        state_of(app).llm_reranker.model.breaker.record(False)
    while_open = person.cart(beans=1)
    assert while_open not in scheduled
