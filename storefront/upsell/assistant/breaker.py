"""A circuit breaker: a model that keeps failing is left alone for a while, then tried with one call."""

import threading
import time
from collections.abc import Callable

FAILURES = 5
"""In a row, after which the model is left alone."""
REST = 20.0
"""Seconds until the first probe; each probe that fails doubles it."""
LONGEST_REST = 300.0


class Breaker:
    """Closed, calls pass. After `FAILURES` in a row it opens and none does. When its rest is over, one call at a time
    probes: a success closes it, a failure opens it for twice as long. Safe to share between threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._rest = REST
        self._closed_until_probe = 0.0
        self._probing = False

    @property
    def open(self) -> bool:
        """Whether a call would be refused now; asking changes nothing."""
        return self._failures >= FAILURES and (self._probing or self._clock() < self._closed_until_probe)

    def allows(self) -> bool:
        """Whether this call may be made. Who is told so says with `count` how it went."""
        with self._lock:
            if self.open:
                return False
            self._probing = self._failures >= FAILURES
            return True

    def release(self) -> None:
        """Say of a call that was allowed that it tells nothing about the model."""
        with self._lock:
            self._probing = False

    def count(self, went_well: bool) -> None:
        """A call that went well closes it, whenever it began. One that began before the opening and fails late counts
        as the probe: the model is no better."""
        with self._lock:
            if went_well:
                self._failures, self._rest = 0, REST
            else:
                self._failures += 1
                if self._failures > FAILURES and self._probing:
                    self._rest = min(2 * self._rest, LONGEST_REST)
                if self._failures == FAILURES or self._probing:
                    self._closed_until_probe = self._clock() + self._rest
            self._probing = False
