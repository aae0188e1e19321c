"""Writing down what calls of the model came to, in threads that the end of the process doesn't wait for endlessly."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable

THREADS = 2
log = logging.getLogger("storefront.upsell")


class CallFinisher:
    """Does jobs in their order, in at most `THREADS` threads, which start when they are needed. Unlike the standard
    library's pool these threads don't keep the process from ending while the database hangs."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._jobs: deque[Callable[[], None]] = deque()
        self._threads = self._idle = self._working = 0
        self._over = False

    def submit(self, job: Callable[[], None]) -> None:
        with self._changed:
            self._jobs.append(job)
            if self._idle < len(self._jobs) and self._threads < THREADS and not self._over:
                self._threads += 1
                threading.Thread(target=self._work, name="upsell-settle", daemon=True).start()
            self._changed.notify()

    def close(self, seconds: float) -> int:
        """End when all jobs are done, or after so many seconds. Returns how many were not done."""
        end = time.monotonic() + seconds
        with self._changed:
            self._over = True
            self._changed.notify_all()
            while (left := len(self._jobs) + self._working) and self._threads:
                if not self._changed.wait(max(0, end - time.monotonic())):
                    break
            return left

    def _work(self) -> None:
        while (job := self._next()) is not None:
            try:
                job()
            except Exception:
                log.exception("a call of the model could not be settled")
            with self._changed:
                self._working -= 1
                self._changed.notify_all()

    def _next(self) -> Callable[[], None] | None:
        """Wait for a job and take it; None when it is over."""
        with self._changed:
            self._idle += 1
            while not self._jobs and not self._over:
                self._changed.wait()
            self._idle -= 1
            if not self._jobs:
                self._threads -= 1
                self._changed.notify_all()
                return None
            self._working += 1
            return self._jobs.popleft()
