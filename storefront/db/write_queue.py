"""The queue of writers. SQLite allows one writer at a time. On both databases the number of writing threads is bounded,
so that some threads of a process stay free to show pages whatever blocks the writers."""

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
from storefront.timings import timings

MAX_WRITERS = 6
"""Threads of a process that write, or wait to, at a time: two fewer than gunicorn has for requests."""
log = logging.getLogger("storefront.database")
_writer_slots = threading.BoundedSemaphore(MAX_WRITERS)
_process_lock = threading.Lock()
_this_thread = threading.local()


class NestedWrite(RuntimeError):
    """A `write()` inside another one of the same thread. On SQLite it would wait for itself."""


@contextmanager
def write_slot(engine: Engine) -> Iterator[float]:
    """Wait until this thread may write; on SQLite no other thread or process writes meanwhile. Yields the seconds that
    are left of the lock timeout. Raises `NestedWrite`, `DatabaseBusy` on a timeout, or `Unavailable`."""
    if getattr(_this_thread, "is_writing", False):
        raise NestedWrite("write() inside write(): do it in the one transaction, or after it")
    with acquired(_writer_slots, min(timings().writer_slot, timeouts().lock)):
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
    """On SQLite, take the write lock: among this process's threads a `threading.Lock`, among the processes of this
    machine flock(2) on a file beside the database. Both wake the next writer at once. SQLite's own lock polls and is
    unfair: with it alone, the slowest of a hundred orders waits five times as long."""
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
    """Open and lock the file before `end`, a time of the monotonic clock. Returns its descriptor, which holds the lock
    until it is closed. Raises `DatabaseBusy`, or `Unavailable` when the file can't be opened."""
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
    """Wait in a thread of its own, because flock(2) has no timeout and can't be interrupted. Polling would hardly ever
    get the lock beside a busy process."""
    lock: Future[int] = Future()
    threading.Thread(target=take_lock, args=(file, lock), name="write-lock", daemon=True).start()
    try:
        return lock.result(max(0.0, end - time.monotonic()))
    except FutureTimeout:
        if lock.cancel():
            raise DatabaseBusy from None
        return lock.result()  # it was taken between the timeout and the cancellation


def take_lock(file: int, lock: "Future[int]") -> None:
    """Wait for the lock; release it when the caller has timed out."""
    fcntl.flock(file, fcntl.LOCK_EX)
    if lock.set_running_or_notify_cancel():
        lock.set_result(file)
    else:
        os.close(file)  # the caller has timed out
