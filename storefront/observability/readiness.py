"""The readiness probe: whether the database is writable, because a read-only shop can't sell."""

import logging
import time
from collections.abc import Callable
from math import inf
from threading import Lock

from sqlalchemy.exc import SQLAlchemyError

from storefront.clock import now, rfc3339
from storefront.db.timeouts import timeouts_in_force
from storefront.db.transactions import write
from storefront.error_messages import explain_error
from storefront.errors import Refusal
from storefront.state import current_state
from storefront.tenants.registry import put_setting
from storefront.timings import timings

SUCCESS_VALID_SECONDS = 30.0
"""How long a successful write counts: probes every few seconds must neither wear the disk nor delay orders."""
FAILURE_VALID_SECONDS = 5.0
"""How long a failure counts before the next attempt."""
ROW = "written_by_probe"
log = logging.getLogger("storefront.readiness")


class WriteProbe:
    """Writes a row from time to time and caches the result. One instance per app; thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._lock = Lock()
        self._works = False
        self._valid_until = -inf

    def can_write(self) -> bool:
        """Return whether the database is writable. Requires an application context.

        A call during another thread's attempt returns the previous result."""
        if self.clock() >= self._valid_until and self._lock.acquire(blocking=False):
            try:
                self._works = self._try()
                self._valid_until = self.clock() + (SUCCESS_VALID_SECONDS if self._works else FAILURE_VALID_SECONDS)
            finally:
                self._lock.release()
        return self._works

    def _try(self) -> bool:
        try:
            with timeouts_in_force(timings().probe_timeouts), write():
                put_setting(ROW, rfc3339(now()))
        except (Refusal, SQLAlchemyError) as fault:
            if self._works or self._valid_until == -inf:
                settings = current_state().settings
                log.warning(
                    "not ready, because the database is not writable: %s", explain_error(fault, settings) or fault
                )
            return False
        return True


def can_write() -> bool:
    probe = current_state().write_probe
    return probe.can_write()
