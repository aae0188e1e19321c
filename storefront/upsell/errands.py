"""What is done for suggestions when nobody waits: one thread a process, which sleeps until something is due."""

import logging
import math
import time
from collections.abc import Callable
from threading import Condition, Thread

from flask import Flask

log = logging.getLogger("storefront.upsell")


class Errands:
    """Jobs by name, each done once when it is due. A process that serves requests starts it; elsewhere, as in commands
    and tests, nothing runs by itself."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._due: dict[object, tuple[float, Callable[[], None]]] = {}
        self._wakes = math.inf
        self._thread: Thread | None = None
        self._over = False

    @property
    def are_running(self) -> bool:
        return self._thread is not None and not self._over

    def start(self) -> None:
        self._thread = Thread(target=self._work, name="upsell-errands", daemon=True)
        self._thread.start()

    def stop(self, seconds: float = 5.0) -> None:
        """End after the job at hand, which is waited for so long; what isn't due yet is not done."""
        with self._changed:
            self._over = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(seconds)

    def after(self, seconds: float, name: object, job: Callable[[], None], postpone: bool = True) -> None:
        """Do the job in so many seconds. One of this name that is waiting is replaced, and its time too if
        `postpone` is set, so that a row of changes is answered once, a pause after the last."""
        if self._thread is None:
            return
        with self._changed:
            due = time.monotonic() + seconds
            if not postpone and name in self._due and self._due[name][0] <= due:
                self._due[name] = self._due[name][0], job
                return
            self._due[name] = due, job
            if due < self._wakes:  # else it wakes in time by itself: being woken for each cart costs more than the job
                self._changed.notify()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            try:
                job()
            except Exception:
                log.exception("an errand failed")

    def _next(self) -> Callable[[], None] | None:
        """Wait for the first job to be due and take it; None when it is over."""
        with self._changed:
            while not self._over:
                name = min(self._due, key=lambda name: self._due[name][0], default=None)
                self._wakes = self._due[name][0] if name is not None else math.inf
                wait = self._wakes - time.monotonic()
                if name is not None and wait <= 0:
                    return self._due.pop(name)[1]
                self._changed.wait(None if name is None else wait)
            return None


def errands_of(app: Flask) -> Errands:
    found: Errands = app.extensions["storefront_errands"]
    return found
