"""Threads that record what the model's calls came to, and for which the end of the process waits a limited time."""

import logging
import time
from collections.abc import Callable
from queue import Queue
from threading import Lock, Thread

MAX_THREADS = 2
log = logging.getLogger("storefront.upsell")


class CallFinisher:
    """Runs jobs in their order in at most `MAX_THREADS` daemon threads, which start with the first jobs. The threads of
    the standard library's pool would keep the process from ending while the database hangs."""

    def __init__(self) -> None:
        self._jobs: Queue[Callable[[], None] | None] = Queue()
        self._threads: list[Thread] = []
        self._lock = Lock()
        self._unfinished = 0

    def submit(self, job: Callable[[], None]) -> None:
        with self._lock:
            self._unfinished += 1
            if len(self._threads) < MAX_THREADS:
                thread = Thread(target=self._work, name="upsell-settle", daemon=True)
                self._threads.append(thread)
                thread.start()
        self._jobs.put(job)

    def close(self, seconds: float) -> int:
        """Wait at most `seconds` until the jobs are done. Returns the number of those that are not."""
        deadline = time.monotonic() + seconds
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join(max(0, deadline - time.monotonic()))
        return self._unfinished

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job()
            except Exception:
                log.exception("a call of the model could not be settled")
            with self._lock:
                self._unfinished -= 1
