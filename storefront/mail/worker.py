"""The worker that sends mails: in each process that serves requests, a thread of its own."""

import logging
from functools import partial
from typing import TYPE_CHECKING

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from storefront.config import Settings
from storefront.errors import Refusal
from storefront.mail.delivery import deliver_due
from storefront.mail.transports import transport_of
from storefront.state import state_of
from storefront.timings import timings_of

if TYPE_CHECKING:
    from storefront.scheduler import JobScheduler

STOP_SECONDS = 2.0
"""Seconds that the end of a process waits for the mail that is being sent."""
log = logging.getLogger("storefront.mail")


class MailWorker:
    """Sends the mails of a shop shortly after it was woken up, and of all shops now and then: those that are to be
    tried again, and those of processes that have ended. Without MAIL_URL it does nothing, and mails wait.

    It has a scheduler of its own, so that a mail server that hangs keeps no other job waiting."""

    def __init__(self, app: Flask, settings: Settings, scheduler: "JobScheduler") -> None:
        self.app = app
        self.transport = transport_of(settings)
        self.scheduler = scheduler

    def start(self) -> None:
        if self.transport is not None:
            self.scheduler.start()
            self.scheduler.schedule(0, "sweep", self._sweep)

    def stop(self) -> None:
        """End after the mail that is being sent, waiting at most `STOP_SECONDS` for it."""
        self.scheduler.stop(STOP_SECONDS)

    def wake(self, tenant_id: str, delay: float = 0) -> None:
        """Send the shop's due mails in `delay` seconds, or earlier if that is planned already."""
        self.scheduler.schedule(delay, tenant_id, partial(self._deliver, tenant_id), debounce=False)

    def _sweep(self) -> None:
        self.scheduler.schedule(timings_of(self.app).mail_sweep, "sweep", self._sweep)
        with self.app.app_context():
            tenant_ids = list(state_of(self.app).registry.all())
        for tenant_id in tenant_ids:
            self.wake(tenant_id)

    def _deliver(self, tenant_id: str) -> None:
        if self.transport is None:
            return
        try:
            wait = deliver_due(self.app, tenant_id, self.transport, lambda: self.scheduler.is_running)
        except (Refusal, SQLAlchemyError, LookupError) as fault:
            log.warning("could not send mails, because the database is not available: %s", type(fault).__name__)
            return
        if wait is not None:
            self.wake(tenant_id, wait)
