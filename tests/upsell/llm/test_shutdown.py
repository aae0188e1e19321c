"""When the shop ends, what the model was asked is written down, and nothing that hangs keeps it from ending."""

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
from functools import partial
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import make_url, select

from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.state import state_of
from storefront.timings import Timings
from storefront.upsell import jobs
from storefront.upsell.llm.finishers import CallFinisher
from storefront.upsell.llm.models import LlmResponseCache, LlmUsage
from tests.conftest import Person
from tests.servers import serving, wait, workers
from tests.upsell import model_server as server
from tests.upsell.conftest import CARTS, calls
from tests.upsell.model_server import ModelServer

END_SECONDS = 30
"""Half of what a model may take or a locked database be waited for (60 s in the tests), far more than is needed."""


def look(app: Flask, cart: dict[str, int]) -> str:
    person = Person(app.test_client(), "north")
    return str(person.api("GET", f"/carts/{person.cart(**cart)}/upsell").json["source"])


@contextmanager
def soon() -> Iterator[None]:
    start = time.monotonic()
    yield
    assert time.monotonic() - start < END_SECONDS


def test_calls_that_hang_are_written_down_beside_those_that_were_answered(
    asking: Callable[..., Flask], model: ModelServer
) -> None:
    app = asking(UPSELL_TIMEOUT="60", UPSELL_BUDGET="9000/9000 tokens")
    jobs.start(app)
    assert look(app, CARTS[0]) == "llm"
    model.behave = server.hangs
    with ThreadPoolExecutor() as pool:
        waiting = [pool.submit(look, app, cart) for cart in CARTS[1:3]]
        assert model.wait_for(lambda: len(model.requests) == 3)
        with soon():
            jobs.stop(app)
        assert [one.result(END_SECONDS) for one in waiting] == ["rules"] * 2
    outcomes = [call.outcome for call in calls(app)]
    assert outcomes == ["ok", "shutting_down", "shutting_down"]
    prompts = sum(call.prompt_tokens for call in calls(app)[1:])
    with app.app_context(), tenant_context("north"):
        (use,) = db.session.scalars(select(LlmUsage))
        assert (use.calls, use.tokens) == (3, 760 + prompts), "they may have to be paid"
        kept = list(db.session.scalars(select(LlmResponseCache)))
        assert len(kept) == 1, "only the question that was answered"
        assert kept[0].responded_at


def test_ctrl_c_ends_the_server_soon_and_all_calls_are_written_down(tmp_path: Path, model: ModelServer) -> None:
    """A worker hears of it twice and more: from the terminal, and from the master."""
    model.behave = server.hangs
    settings = {"OPENAI_BASE_URL": model.address, "UPSELL_TIMEOUT": "60", "WEB_CONCURRENCY": "1"}
    with serving(tmp_path, **settings) as shop, ThreadPoolExecutor() as pool:
        wait(shop.is_up)
        waiting = []
        for cart in CARTS[:3]:
            items = [{"product_id": product_id, "quantity": 1} for product_id in cart]
            made = shop.post("/t/north/api/v1/carts", items=items)
            waiting.append(pool.submit(shop.get, f"/t/north/api/v1/carts/{made['id']}/upsell"))
        wait(lambda: len(model.requests) == 3)
        (worker,) = workers(shop)
        with soon():
            shop.process.send_signal(signal.SIGINT)
            while shop.process.poll() is None:
                with suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGINT)
                time.sleep(0.005)
        assert shop.process.returncode == 0
        assert [json.loads(one.result()[1])["source"] for one in waiting] == ["rules"] * 3
    (database,) = tmp_path.glob("**/storefront.db")
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT outcome FROM llm_call").fetchall() == [("shutting_down",)] * 3


def test_after_a_restart_the_same_is_asked_at_once(asking: Callable[..., Flask], model: ModelServer) -> None:
    app = asking(UPSELL_TIMEOUT="60")
    model.behave = server.hangs
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(look, app, CARTS[0])
        assert model.wait_for(lambda: len(model.requests) == 1)
        jobs.stop(app)
        assert waiting.result(END_SECONDS) == "rules"
    model.behave = server.good
    assert look(asking(), CARTS[0]) == "llm"


def test_what_was_answered_and_not_yet_written_down_is_written_down(
    asking: Callable[..., Flask], model: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = asking(Timings(panel_llm_wait=0), UPSELL_TIMEOUT="60")
    assistant = state_of(app).llm_reranker
    waiting: list[Callable[[], None]] = []
    submit = assistant._finishers.submit
    monkeypatch.setattr(assistant._finishers, "submit", waiting.append)
    person = Person(app.test_client(), "north")
    person.post("/cart/items", {"product_id": "beans"})
    person.get("/checkout/upsell")
    assert model.wait_for(lambda: len(waiting) == 1)
    assert calls(app) == []
    submit(waiting[0])
    with soon():
        jobs.stop(app)
    assert [call.outcome for call in calls(app)] == ["ok"]


def test_nothing_is_asked_any_more(asking: Callable[..., Flask], model: ModelServer) -> None:
    app = asking()
    jobs.stop(app)
    assert look(app, CARTS[0]) == "rules"
    assert (model.requests, calls(app)) == ([], [])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_database_that_hangs_does_not_keep_the_shop_from_ending(
    asking: Callable[..., Flask], model: ModelServer, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = asking(UPSELL_TIMEOUT="60")
    jobs.start(app)
    model.behave = server.hangs
    queue = Path(f"{make_url(database_url).database}.lock")
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(look, app, CARTS[0])
        assert model.wait_for(lambda: len(model.requests) == 1)
        with queue.open("w") as file, caplog.at_level(logging.ERROR, "storefront.upsell"):
            fcntl.flock(file, fcntl.LOCK_EX)
            with soon():
                jobs.stop(app)
            assert "1 calls of the model could not be written down" in caplog.text
        assert waiting.result(60) == "rules"


def test_settling_ends_in_time_and_says_how_much_was_left() -> None:
    settlers = CallFinisher()
    assert settlers.close(1) == 0, "nothing was ever to be settled"
    settlers, done = CallFinisher(), list[int]()
    for number in range(20):
        settlers.submit(lambda number=number: done.append(number))  # type: ignore[misc]
    assert settlers.close(END_SECONDS) == 0
    assert sorted(done) == list(range(20))
    settlers = CallFinisher()
    read, write = os.pipe()
    for _ in range(3):
        settlers.submit(partial(os.read, read, 1))  # type: ignore[arg-type]  # what it gives is not looked at
    assert settlers.close(0.1) == 3
    os.write(write, b"...")


def test_a_job_that_fails_does_not_stop_the_next_one(caplog: pytest.LogCaptureFixture) -> None:
    settlers, done = CallFinisher(), list[str]()
    settlers.submit(lambda: next(iter(())))
    settlers.submit(lambda: done.append("next"))
    assert settlers.close(END_SECONDS) == 0
    assert done == ["next"]
    assert "could not be settled" in caplog.text
