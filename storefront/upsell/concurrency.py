"""Limits the threads of a process that compute suggestions at a time. Python runs one thread of a process at a time:
an order beside three concurrent panels took four times as long, beside three in sequence hardly longer."""

from collections.abc import Iterator
from contextlib import contextmanager

from storefront.state import current_state
from storefront.timings import timings

MAX_COMPUTATIONS = 1


@contextmanager
def recommender_slot() -> Iterator[None]:
    """Hold a slot during a computation. Nothing inside may wait for the model or for another slot."""
    slots = current_state().recommender_slots
    has_slot = slots.acquire(timeout=timings().recommender_slot)
    try:
        yield
    finally:
        if has_slot:
            slots.release()
