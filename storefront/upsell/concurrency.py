"""How many threads of a process compute suggestions at a time. Python runs one thread of a process at a time, so an
order that meets three panels at once takes four times as long; met by one after the other, hardly longer."""

from collections.abc import Iterator
from contextlib import contextmanager

from storefront.state import current_state
from storefront.timings import timings

MAX_COMPUTATIONS = 1


@contextmanager
def recommender_slot() -> Iterator[None]:
    """Put it around a computation alone: nothing inside may wait for the model or for another slot."""
    slots = current_state().recommender_slots
    has_slot = slots.acquire(timeout=timings().recommender_slot)
    try:
        yield
    finally:
        if has_slot:
            slots.release()
