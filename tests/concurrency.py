"""Concurrent shoppers, each in a thread with its own client."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from flask import Flask

from tests.conftest import Person

Outcome = TypeVar("Outcome")


def at_once(acts: Sequence[Callable[[], Outcome]]) -> list[Outcome]:
    """What each act gave; all start together."""
    barrier = Barrier(len(acts))

    def start(act: Callable[[], Outcome]) -> Outcome:
        barrier.wait(timeout=60)
        return act()

    with ThreadPoolExecutor(len(acts)) as threads:
        return [done.result(timeout=120) for done in [threads.submit(start, act) for act in acts]]


def people(app: Flask, number: int, shop: str = "north") -> list[Person]:
    return [Person(app.test_client(), shop) for _ in range(number)]
