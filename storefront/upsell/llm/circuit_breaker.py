"""A circuit breaker: a model that keeps failing is left alone for a while, then tried with one call."""

import threading
import time
from collections.abc import Callable

FAILURE_THRESHOLD = 5
"""In a row, after which the model is left alone."""
RESET_TIMEOUT_SECONDS = 20.0
"""Seconds until the first probe; each probe that fails doubles it."""
MAX_RESET_TIMEOUT_SECONDS = 300.0


class CircuitBreaker:
    """Closed, calls pass. After `failure_threshold` in a row it opens and none does. When its rest is over, one call
    at a time probes: a success closes it, a failure opens it for twice as long. Safe to share between threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, failure_threshold: int = FAILURE_THRESHOLD) -> None:
        self._clock = clock
        self._failure_threshold = failure_threshold
        self._lock = threading.Lock()
        self._failures = 0
        self._reset_timeout = RESET_TIMEOUT_SECONDS
        self._open_until = 0.0
        self._half_open = False

    @property
    def open(self) -> bool:
        """Whether a call would be refused now; asking changes nothing."""
        return self._failures >= self._failure_threshold and (self._half_open or self._clock() < self._open_until)

    def allow_request(self) -> bool:
        """Whether this call may be made. Who is told so says with `count` how it went."""
        with self._lock:
            if self.open:
                return False
            self._half_open = self._failures >= self._failure_threshold
            return True

    def release(self) -> None:
        """Say of a call that was allowed that it tells nothing about the model."""
        with self._lock:
            self._half_open = False

    def record(self, success: bool) -> None:
        """A call that went well closes it, whenever it began. One that began before the opening and fails late counts
        as the probe: the model is no better."""
        with self._lock:
            if success:
                self._failures, self._reset_timeout = 0, RESET_TIMEOUT_SECONDS
            else:
                self._failures += 1
                if self._failures > self._failure_threshold and self._half_open:
                    self._reset_timeout = min(2 * self._reset_timeout, MAX_RESET_TIMEOUT_SECONDS)
                if self._failures == self._failure_threshold or self._half_open:
                    self._open_until = self._clock() + self._reset_timeout
            self._half_open = False
