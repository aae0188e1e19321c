"""Who thinks about suggestions takes turns. Python runs one thread of a process at a time, so an order that meets three
panels at once takes four times as long; met by one after the other, hardly longer."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from flask import Flask, current_app, g

from storefront.timings import timings


def init_app(app: Flask) -> None:
    app.extensions["storefront_turn"] = Lock()


def slot() -> Lock:
    found: Lock = current_app.extensions["storefront_turn"]
    return found


@contextmanager
def recommender_slot() -> Iterator[None]:
    """One at a time in this process thinks about suggestions; after `Timings.recommender_slot` also beside another.
    Inside another of the same context it changes nothing: the turn, or the going without one, is the outer one's."""
    if "has_turn" in g:
        yield
        return
    acquire_slot()
    try:
        yield
    finally:
        release_slot()


@contextmanager
def slot_released() -> Iterator[None]:
    """Who waits for something else, such as the model, gives back a turn that it has, and takes another one after."""
    had = release_slot()
    try:
        yield
    finally:
        if had:
            acquire_slot()


def acquire_slot() -> None:
    g.has_turn = slot().acquire(timeout=timings().recommender_slot)


def release_slot() -> bool:
    """Returns whether there was one to give back."""
    had: bool = g.pop("has_turn", False)
    if had:
        slot().release()
    return had
