"""A clock that tests advance."""

import pytest


class Clock:
    """Returns `time`, in seconds, which a test changes."""

    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()
