"""The scheduler of background jobs: one thread per process runs jobs when they are due, with debounce by key."""

import logging
import math
import time
from collections.abc import Callable
from threading import Condition, Thread

from flask import Flask

from storefront.state import state_of

log = logging.getLogger("storefront.scheduler")


class JobScheduler:
    """Runs jobs by key, each once when it is due. Only a process that serves requests starts it; in commands and tests
    nothing is scheduled."""

    def __init__(self, name: str = "scheduler") -> None:
        self.name = name
        self._changed = Condition()
        self._due: dict[object, tuple[float, Callable[[], None]]] = {}
        self._wakes_at = math.inf
        self._thread: Thread | None = None
        self._stopped = False

    @property
    def is_running(self) -> bool:
        return self._thread is not None and not self._stopped

    def start(self) -> None:
        self._thread = Thread(target=self._work, name=self.name, daemon=True)
        self._thread.start()

    def stop(self, seconds: float = 5.0) -> None:
        """End after the running job, waiting at most `seconds` for it. Jobs that aren't due yet are dropped."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(seconds)

    def schedule(self, delay: float, key: object, job: Callable[[], None], debounce: bool = True) -> None:
        """Run the job in `delay` seconds. It replaces a waiting job of the same key; with `debounce` the time starts
        anew, so that a series of changes is handled once, a pause after the last."""
        if self._thread is None:
            return
        with self._changed:
            due = time.monotonic() + delay
            if not debounce and key in self._due and self._due[key][0] <= due:
                self._due[key] = self._due[key][0], job
                return
            self._due[key] = due, job
            if due < self._wakes_at:  # else the thread wakes in time: waking it for each cart costs more than the job
                self._changed.notify()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            try:
                job()
            except Exception:
                log.exception("a background job failed")

    def _next(self) -> Callable[[], None] | None:
        """Wait for the first job to be due and remove it; None after `stop`."""
        with self._changed:
            while not self._stopped:
                name = min(self._due, key=lambda name: self._due[name][0], default=None)
                self._wakes_at = self._due[name][0] if name is not None else math.inf
                wait = self._wakes_at - time.monotonic()
                if name is not None and wait <= 0:
                    return self._due.pop(name)[1]
                self._changed.wait(None if name is None else wait)
            return None


def job_scheduler(app: Flask) -> JobScheduler:
    return state_of(app).scheduler


def every(
    app: Flask, seconds: float, name: str, job: Callable[[Flask], None], scheduler: JobScheduler | None = None
) -> None:
    """Run the job every `seconds`, for the first time after as long, in the thread of this scheduler."""
    runs_it = scheduler or job_scheduler(app)

    def again() -> None:
        runs_it.schedule(seconds, name, again)
        job(app)

    runs_it.schedule(seconds, name, again)
