"""Concurrent shoppers, each in a thread with its own client."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, TypeVar

from flask import Flask

from tests.conftest import Person

Outcome = TypeVar("Outcome")
Other = TypeVar("Other")
HEAD_STARTS = (0.0, 0.001, -0.001, 0.002, -0.002, 0.004, -0.004, 0.01, -0.01, 0.05, -0.05)
"""Seconds by which the first of two calls starts before the second; negative: after it."""


def at_once(calls: Sequence[Callable[[], Outcome]]) -> list[Outcome]:
    """Run all calls concurrently, started at the same moment. Returns their results in the same order."""
    barrier = Barrier(len(calls))

    def start(call: Callable[[], Outcome]) -> Outcome:
        barrier.wait(timeout=60)
        return call()

    with ThreadPoolExecutor(len(calls)) as threads:
        return [done.result(timeout=120) for done in [threads.submit(start, call) for call in calls]]


def race(first: Callable[[], Outcome], second: Callable[[], Other], attempt: int) -> tuple[Outcome, Other]:
    """Run two calls at about the same time; return both results. The head start depends on `attempt`, so that each call
    is sometimes first."""
    head_start = HEAD_STARTS[attempt % len(HEAD_STARTS)]
    barrier = Barrier(2)

    def start(delay: float, call: Callable[[], Any]) -> Any:
        barrier.wait(timeout=60)
        time.sleep(max(0.0, delay))
        return call()

    with ThreadPoolExecutor(2) as threads:
        running = threads.submit(start, -head_start, first), threads.submit(start, head_start, second)
        return running[0].result(timeout=120), running[1].result(timeout=120)


def eventually(condition: Callable[[], object], seconds: float = 60) -> bool:
    """Wait until the condition is true; return whether it did in time. The default is far longer than needed."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return bool(condition())


def people(app: Flask, number: int, shop: str = "north") -> list[Person]:
    return [Person(app.test_client(), shop) for _ in range(number)]
