"""Whether anything can be written: a shop that only shows its pages sells nothing."""

import logging
import time
from collections.abc import Callable
from math import inf
from threading import Lock

from flask import Flask, current_app
from sqlalchemy.exc import SQLAlchemyError

from storefront.clock import now, rfc3339
from storefront.config import Settings
from storefront.db.timeouts import PROBE, timeouts_in_force
from storefront.db.transactions import write
from storefront.errors import Refusal
from storefront.server.commands import explain_error
from storefront.tenants.registry import put_setting

GOOD_FOR_SECONDS = 30.0
"""How long a write proves that writing works: a probe every few seconds must neither wear a disk nor hold up orders."""
BAD_FOR_SECONDS = 5.0
"""How long after a failure it isn't tried again."""
ROW = "written_by_probe"
log = logging.getLogger("storefront.readiness")


class WriteProbe:
    """Writes a row now and then, and remembers how it went. One instance an app."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._one_at_a_time = Lock()
        self._works = False
        self._valid_until = -inf

    def can_write(self) -> bool:
        """Needs an application context. Who asks while another one tries is told how it went before."""
        if self.clock() >= self._valid_until and self._one_at_a_time.acquire(blocking=False):
            try:
                self._works = self._try()
                self._valid_until = self.clock() + (GOOD_FOR_SECONDS if self._works else BAD_FOR_SECONDS)
            finally:
                self._one_at_a_time.release()
        return self._works

    def _try(self) -> bool:
        try:
            with timeouts_in_force(PROBE), write():
                put_setting(ROW, rfc3339(now()))
        except (Refusal, SQLAlchemyError) as fault:
            if self._works or self._valid_until == -inf:
                settings: Settings = current_app.extensions["storefront_settings"]
                log.warning(
                    "not ready, because the database is not writable: %s", explain_error(fault, settings) or fault
                )
            return False
        return True


def init_app(app: Flask) -> None:
    app.extensions["storefront_write_probe"] = WriteProbe()


def can_write() -> bool:
    probe: WriteProbe = current_app.extensions["storefront_write_probe"]
    return probe.can_write()
