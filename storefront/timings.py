"""How long the app waits before and between its background operations, and for the database: one object, which tests
can replace."""

from dataclasses import dataclass

from flask import Flask, current_app

from storefront.state import state_of


@dataclass(frozen=True)
class Timeouts:
    """The timeouts of a transaction in seconds; 0 means no limit."""

    lock: float
    statement: float
    idle: float
    """For a transaction that runs no statement: PostgreSQL ends it and releases its locks."""


@dataclass(frozen=True)
class Timings:
    """All durations are in seconds. The defaults are for production; tests pass others to `create_app`."""

    tenant_snapshot: float = 1.0
    """Maximum age of a snapshot of the tenants; a change is visible in all processes within this time."""
    prefetch_debounce: float = 0.4
    """Time without another change of a cart after which the model is asked about it."""
    prefetch_retry: float = 0.3
    """Delay before a cart is checked again whose last request to the model is still running."""
    panel_llm_wait: float = 0.25
    """How long a shopper's panel waits for an answer of the model that isn't stored yet: too short to be noticed."""
    recommender_slot: float = 0.25
    """Time after which a computation starts without a slot: the one that holds the slot waits for the database."""
    learn_delay: float = 1.0
    """Delay between an order and the training on it, together with the orders that follow in this time."""
    similarity_debounce: float = 20.0
    """Time without another change of a product's texts after which the shop's texts are compared."""
    impression_flush_delay: float = 0.4
    """Delay before an impression is written; impressions that follow in this time are written together with it."""
    impression_retry_delay: float = 1.0
    """Delay before another attempt when the database can't be written to."""
    mail_sweep: float = 30.0
    """Pause between two searches for mails that are due and of which no process has heard, as after a crash."""
    mail_lease: float = 150.0
    """Time after which another process may send a mail whose sender hasn't stored a result. Sending takes 90 seconds at
    most: each of the nine steps of SMTP has a timeout of 10."""
    mail_pause: float = 10.0
    """Pause before another mail is tried when the server can't be reached."""
    event_poll: float = 0.3
    """Pause between two polls of the table of events."""
    stream_heartbeat: float = 15.0
    """Silence after which a heartbeat is sent to a live stream."""
    prepare_timeout: float = 300
    """Wait for another process that migrates the database or loads a catalogue; 100,000 products take 70."""
    pool_timeout: float = 5
    """Wait for a connection. There are more of them than threads."""
    writer_slot: float = 2.0
    """Wait for one of the `MAX_WRITERS` to end. A write takes milliseconds: after this time something blocks them."""
    request_timeouts: Timeouts = Timeouts(lock=8, statement=30, idle=30)
    """The default."""
    job_timeouts: Timeouts = Timeouts(lock=8, statement=0, idle=0)
    """For background jobs, which compute for long between two statements. One locked row must not stop them all."""
    bulk_timeouts: Timeouts = Timeouts(lock=60, statement=0, idle=0)
    """For migrations, catalogue imports and commands: an operator watches them, and no request waits for their
    thread."""
    probe_timeouts: Timeouts = Timeouts(lock=1, statement=2, idle=5)
    """For the readiness probe, whose client gives up after a few seconds."""


def timings_of(app: Flask) -> Timings:
    return state_of(app).timings


def timings() -> Timings:
    """Return those of the current app."""
    return timings_of(current_app)
