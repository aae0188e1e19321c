"""How long the shop waits before and between the things that it does by itself: one object that can be injected."""

from dataclasses import dataclass

from flask import Flask, current_app


@dataclass(frozen=True)
class Timings:
    """Seconds. The defaults are those of a shop; a test passes shorter or longer ones to `create_app`."""

    tenant_snapshot: float = 1.0
    """For which a snapshot of the tenants serves; a switch is seen everywhere within this time."""
    prefetch_debounce: float = 0.4
    """Without another change of a cart, after which the model is asked about it."""
    prefetch_retry: float = 0.3
    """After which a cart is looked at again whose last question is still open."""
    panel_llm_wait: float = 0.25
    """That a shopper's panel waits for the model when its words aren't ready: too short to be a wait."""
    recommender_slot: float = 0.25
    """After which nobody waits any longer for the recommender: whoever has it waits for the database."""
    learn_delay: float = 1.0
    """After an order, in which the ones that follow it are learned together with it."""
    impression_flush_delay: float = 0.4
    """After an impression, in which the ones that follow it are written together with it."""
    impression_retry_delay: float = 1.0
    """After which it is tried again when the database can't be written to."""
    event_poll: float = 0.3
    """Between two looks into the table of events."""
    stream_heartbeat: float = 15.0
    """Of silence, after which a live stream says that it is still there."""
    prepare_timeout: float = 300
    """That a start waits for another process that migrates the database or loads a catalogue: 100,000
    products take 70."""


def timings_of(app: Flask) -> Timings:
    found: Timings = app.extensions["storefront_timings"]
    return found


def timings() -> Timings:
    """Those of the current app."""
    return timings_of(current_app)
