"""Who thinks about suggestions takes turns. Python runs one thread of a process at a time, so an order that meets three
panels at once takes four times as long; met by one after the other, hardly longer."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from flask import Flask, current_app, g

LONGEST_TURN = 0.25
"""Seconds after which nobody waits any longer for a turn: whoever has it waits for the database."""


def init_app(app: Flask) -> None:
    app.extensions["storefront_turn"] = Lock()


def turn() -> Lock:
    found: Lock = current_app.extensions["storefront_turn"]
    return found


@contextmanager
def turn_to_think() -> Iterator[None]:
    """One at a time in this process thinks about suggestions; after `LONGEST_TURN` also beside another. Inside another
    of the same context it changes nothing: the turn, or the going without one, is the outer one's."""
    if "has_turn" in g:
        yield
        return
    take_turn()
    try:
        yield
    finally:
        give_turn_back()


@contextmanager
def turn_left_to_others() -> Iterator[None]:
    """Who waits for something else, such as the model, gives back a turn that it has, and takes another one after."""
    had = give_turn_back()
    try:
        yield
    finally:
        if had:
            take_turn()


def take_turn() -> None:
    g.has_turn = turn().acquire(timeout=LONGEST_TURN)


def give_turn_back() -> bool:
    """Returns whether there was one to give back."""
    had: bool = g.pop("has_turn", False)
    if had:
        turn().release()
    return had
