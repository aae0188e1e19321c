"""A circuit breaker: after repeated failures a server isn't called for a while, then probed with one call."""

import threading
import time
from collections.abc import Callable

FAILURE_THRESHOLD = 5
"""Failures in a row that open the circuit."""
RESET_TIMEOUT_SECONDS = 20.0
"""Seconds until the first probe; each probe that fails doubles them."""
MAX_RESET_TIMEOUT_SECONDS = 300.0


class CircuitBreaker:
    """Closed, it lets calls pass. After `failure_threshold` failures in a row it opens and refuses calls. After the
    reset time it lets one call at a time pass as a probe: a success closes it, a failure opens it for twice as long.
    Safe to share between threads."""

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
        """Whether a call would be refused now. Changes nothing."""
        return self._failures >= self._failure_threshold and (self._half_open or self._clock() < self._open_until)

    def allow_request(self) -> bool:
        """Whether this call may be made. If so, the caller reports its result with `record` or `release`."""
        with self._lock:
            if self.open:
                return False
            self._half_open = self._failures >= self._failure_threshold
            return True

    def release(self) -> None:
        """Report that an allowed call shows nothing about the model's health."""
        with self._lock:
            self._half_open = False

    def record(self, success: bool) -> None:
        """Report the result of a call. A success closes the circuit, whenever the call began. A late failure of a call
        that began before the opening counts as the probe: the model is no better."""
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
