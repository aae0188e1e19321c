"""A shutdown stores the pending calls of the model and is not blocked by calls or a database that hang."""

import fcntl
import json
import logging
import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import make_url, select

from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.state import state_of
from storefront.upsell import jobs
from storefront.upsell.llm.finishers import CallFinisher
from storefront.upsell.llm.models import LlmResponseCache, LlmUsage
from tests.conftest import PATIENT_DATABASE, Person
from tests.servers import serving, wait, workers
from tests.upsell import model_server as server
from tests.upsell.conftest import CARTS, stored_calls
from tests.upsell.model_server import ModelServer

MAX_SHUTDOWN_SECONDS = 30
"""Half of the timeouts of the model and of a database lock (60 s in the tests), and far more than a shutdown needs."""


def suggestion_source(app: Flask, cart: dict[str, int]) -> str:
    """Get suggestions for a new cart and return their source."""
    person = Person(app.test_client(), "north")
    return str(person.api("GET", f"/carts/{person.cart(**cart)}/upsell").json["source"])


@contextmanager
def within_shutdown_time() -> Iterator[None]:
    """Check that the block ends within MAX_SHUTDOWN_SECONDS."""
    start = time.monotonic()
    yield
    assert time.monotonic() - start < MAX_SHUTDOWN_SECONDS


def test_pending_calls_are_stored_at_shutdown(make_llm_app: Callable[..., Flask], model: ModelServer) -> None:
    app = make_llm_app(UPSELL_TIMEOUT="60", UPSELL_BUDGET="9000/9000 tokens")
    jobs.start(app)
    assert suggestion_source(app, CARTS[0]) == "llm"
    model.behave = server.hangs
    with ThreadPoolExecutor() as pool:
        waiting = [pool.submit(suggestion_source, app, cart) for cart in CARTS[1:3]]
        assert model.wait_for(lambda: len(model.requests) == 3)
        with within_shutdown_time():
            jobs.stop(app)
        assert [future.result(MAX_SHUTDOWN_SECONDS) for future in waiting] == ["rules"] * 2
    outcomes = [call.outcome for call in stored_calls(app)]
    assert outcomes == ["ok", "shutting_down", "shutting_down"]
    prompts = sum(call.prompt_tokens for call in stored_calls(app)[1:])
    with app.app_context(), tenant_context("north"):
        (usage,) = db.session.scalars(select(LlmUsage))
        assert (usage.calls, usage.tokens) == (3, 760 + prompts), "they may be billed"
        cached = list(db.session.scalars(select(LlmResponseCache)))
        assert len(cached) == 1, "only the answered call is cached"
        assert cached[0].responded_at


def test_ctrl_c_stops_the_server_and_stores_pending_calls(tmp_path: Path, model: ModelServer) -> None:
    """A worker receives SIGINT several times: from the terminal and from the master."""
    model.behave = server.hangs
    settings = {"OPENAI_BASE_URL": model.address, "UPSELL_TIMEOUT": "60", "WEB_CONCURRENCY": "1"}
    with serving(tmp_path, **settings) as shop, ThreadPoolExecutor() as pool:
        wait(shop.is_up)
        waiting = []
        for product_ids in CARTS[:3]:
            items = [{"product_id": product_id, "quantity": 1} for product_id in product_ids]
            cart = shop.post("/t/north/api/v1/carts", items=items)
            waiting.append(pool.submit(shop.get, f"/t/north/api/v1/carts/{cart['id']}/upsell"))
        wait(lambda: len(model.requests) == 3)
        (worker,) = workers(shop)
        with within_shutdown_time():
            shop.process.send_signal(signal.SIGINT)
            while shop.process.poll() is None:
                with suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGINT)
                time.sleep(0.005)
        assert shop.process.returncode == 0
        assert [json.loads(future.result()[1])["source"] for future in waiting] == ["rules"] * 3
    (database,) = tmp_path.glob("**/storefront.db")
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT outcome FROM llm_call").fetchall() == [("shutting_down",)] * 3


def test_an_interrupted_call_is_repeated_after_a_restart(
    make_llm_app: Callable[..., Flask], model: ModelServer
) -> None:
    app = make_llm_app(UPSELL_TIMEOUT="60")
    model.behave = server.hangs
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(suggestion_source, app, CARTS[0])
        assert model.wait_for(lambda: len(model.requests) == 1)
        jobs.stop(app)
        assert waiting.result(MAX_SHUTDOWN_SECONDS) == "rules"
    model.behave = server.good
    assert suggestion_source(make_llm_app(), CARTS[0]) == "llm"


def test_answered_calls_in_the_queue_are_stored_at_shutdown(
    make_llm_app: Callable[..., Flask], model: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_llm_app(replace(PATIENT_DATABASE, panel_llm_wait=0), UPSELL_TIMEOUT="60")
    reranker = state_of(app).llm_reranker
    waiting: list[Callable[[], None]] = []
    submit = reranker._finishers.submit
    monkeypatch.setattr(reranker._finishers, "submit", waiting.append)
    person = Person(app.test_client(), "north")
    person.post("/cart/items", {"product_id": "beans"})
    person.get("/checkout/upsell")
    assert model.wait_for(lambda: len(waiting) == 1)
    assert stored_calls(app) == []
    submit(waiting[0])
    with within_shutdown_time():
        jobs.stop(app)
    assert [call.outcome for call in stored_calls(app)] == ["ok"]


def test_no_call_is_made_after_the_shutdown(make_llm_app: Callable[..., Flask], model: ModelServer) -> None:
    app = make_llm_app()
    jobs.stop(app)
    assert suggestion_source(app, CARTS[0]) == "rules"
    assert (model.requests, stored_calls(app)) == ([], [])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_locked_database_does_not_block_the_shutdown(
    make_llm_app: Callable[..., Flask], model: ModelServer, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_llm_app(UPSELL_TIMEOUT="60")
    jobs.start(app)
    model.behave = server.hangs
    lock_file = Path(f"{make_url(database_url).database}.lock")
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(suggestion_source, app, CARTS[0])
        assert model.wait_for(lambda: len(model.requests) == 1)
        with lock_file.open("w") as file, caplog.at_level(logging.ERROR, "storefront.upsell"):
            fcntl.flock(file, fcntl.LOCK_EX)
            with within_shutdown_time():
                jobs.stop(app)
            assert "1 calls of the model could not be written down" in caplog.text
        assert waiting.result(60) == "rules"


def test_closing_the_finisher_returns_the_number_of_unfinished_jobs() -> None:
    finisher = CallFinisher()
    assert finisher.close(1) == 0, "no job was submitted"
    finisher, done = CallFinisher(), list[int]()
    for number in range(20):
        finisher.submit(lambda number=number: done.append(number))  # type: ignore[misc]
    assert finisher.close(MAX_SHUTDOWN_SECONDS) == 0
    assert sorted(done) == list(range(20))
    finisher = CallFinisher()
    read, write = os.pipe()
    for _ in range(3):
        finisher.submit(partial(os.read, read, 1))  # type: ignore[arg-type]  # the result is ignored
    assert finisher.close(0.1) == 3
    os.write(write, b"...")


def test_a_failing_job_does_not_stop_the_next_one(caplog: pytest.LogCaptureFixture) -> None:
    finisher, done = CallFinisher(), list[str]()
    finisher.submit(lambda: next(iter(())))
    finisher.submit(lambda: done.append("next"))
    assert finisher.close(MAX_SHUTDOWN_SECONDS) == 0
    assert done == ["next"]
    assert "could not be settled" in caplog.text
