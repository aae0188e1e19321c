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
"""Seconds by which the first of two begins before the second, or after it."""


def at_once(acts: Sequence[Callable[[], Outcome]]) -> list[Outcome]:
    """What each act gave; all start together."""
    barrier = Barrier(len(acts))

    def start(act: Callable[[], Outcome]) -> Outcome:
        barrier.wait(timeout=60)
        return act()

    with ThreadPoolExecutor(len(acts)) as threads:
        return [done.result(timeout=120) for done in [threads.submit(start, act) for act in acts]]


def race(first: Callable[[], Outcome], second: Callable[[], Other], attempt: int) -> tuple[Outcome, Other]:
    """What each gave when both happened at about the same time. Over several attempts each is sometimes ahead, so that
    both outcomes of the race can be asked for."""
    head_start = HEAD_STARTS[attempt % len(HEAD_STARTS)]
    barrier = Barrier(2)

    def start(delay: float, act: Callable[[], Any]) -> Any:
        barrier.wait(timeout=60)
        time.sleep(max(0.0, delay))
        return act()

    with ThreadPoolExecutor(2) as threads:
        running = threads.submit(start, -head_start, first), threads.submit(start, head_start, second)
        return running[0].result(timeout=120), running[1].result(timeout=120)


def comes_true(condition: Callable[[], object], seconds: float = 60) -> bool:
    """Wait until the condition is true; whether it is in time. The time is far more than what is waited for takes."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return bool(condition())


def people(app: Flask, number: int, shop: str = "north") -> list[Person]:
    return [Person(app.test_client(), shop) for _ in range(number)]
