"""Who may write next, and how long anybody waits for it. SQLite takes one writer at a time; on both databases some of a
process's threads are kept free of writers, so that whatever blocks these, the shop still shows its pages."""

import fcntl
import logging
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import contextmanager

from sqlalchemy import Engine

from storefront.db.timeouts import timeouts
from storefront.errors import DatabaseBusy, Unavailable

MAX_WRITERS = 6
"""Threads of a process that write, or wait to, at a time: two fewer than gunicorn has for requests."""
WRITER_SLOT_TIMEOUT_SECONDS = 2.0
"""A write takes some milliseconds: when none of `MAX_WRITERS` ends within this time, something blocks them."""
log = logging.getLogger("storefront.database")
_writer_slots = threading.BoundedSemaphore(MAX_WRITERS)
_process_lock = threading.Lock()
_this_thread = threading.local()


class NestedWrite(RuntimeError):
    """A `write()` inside another one of the same thread, which on SQLite would wait for itself."""


@contextmanager
def write_slot(engine: Engine) -> Iterator[float]:
    """Wait until this thread may begin to write, and have it be the only one on SQLite. Yields the seconds that are
    left of the time for the lock. Raises `NestedWrite`, `DatabaseBusy` when the turn doesn't come in time, or
    `Unavailable`."""
    if getattr(_this_thread, "is_writing", False):
        raise NestedWrite("write() inside write(): do it in the one transaction, or after it")
    with acquired(_writer_slots, min(WRITER_SLOT_TIMEOUT_SECONDS, timeouts().lock)):
        _this_thread.is_writing = True
        try:
            with sqlite_write_lock(engine) as left:
                yield left
        finally:
            _this_thread.is_writing = False


@contextmanager
def acquired(lock: "threading.Lock | threading.Semaphore", seconds: float) -> Iterator[None]:
    if not lock.acquire(timeout=seconds):
        raise DatabaseBusy
    try:
        yield
    finally:
        lock.release()


@contextmanager
def sqlite_write_lock(engine: Engine) -> Iterator[float]:
    """On SQLite, wait for this writer's turn: among this process's threads by a lock, among the processes of this
    machine by flock(2) on a file beside the database. Both wake the next one at once, while SQLite's own queue sleeps
    and is unfair: without this, the slowest of a hundred orders waits five times as long."""
    database, seconds = engine.url.database, timeouts().lock
    if engine.dialect.name != "sqlite" or not database or database == ":memory:":
        yield seconds
        return
    end = time.monotonic() + seconds
    with acquired(_process_lock, seconds):
        file = locked_file(f"{database}.lock", end)
        try:
            yield max(0.0, end - time.monotonic())
        finally:
            os.close(file)


def locked_file(path: str, end: float) -> int:
    """Open the file and lock it, before this moment of the monotonic clock: its descriptor, which holds the lock until
    it is closed. Raises `DatabaseBusy`, or `Unavailable` when there can't be such a file."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as fault:
        log.info("the database can't be written to: %s", fault)
        raise Unavailable from fault
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return wait_for_lock(file, end)
    return file


def wait_for_lock(file: int, end: float) -> int:
    """flock(2) can't be told for how long to wait, and nothing but a lock wakes it: so a thread waits that can be left
    alone. Who polled instead would hardly ever get a turn beside a busy process."""
    lock: Future[int] = Future()
    threading.Thread(target=take_lock, args=(file, lock), name="write-lock", daemon=True).start()
    try:
        return lock.result(max(0.0, end - time.monotonic()))
    except FutureTimeout:
        if lock.cancel():
            raise DatabaseBusy from None
        return lock.result()  # it came in this moment


def take_lock(file: int, lock: "Future[int]") -> None:
    """Wait for the lock; when nobody wants it any more, let go of it."""
    fcntl.flock(file, fcntl.LOCK_EX)
    if lock.set_running_or_notify_cancel():
        lock.set_result(file)
    else:
        os.close(file)  # who waited for it has given up
