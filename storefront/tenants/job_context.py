"""The context in which background jobs work for a shop."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask

from storefront.db.tenant_context import tenant_context
from storefront.db.timeouts import timeouts_in_force
from storefront.timings import timings_of


@contextmanager
def job_context(app: Flask, tenant_id: str) -> Iterator[None]:
    """A context of the app for the shop, with the time limits of jobs."""
    with app.app_context(), tenant_context(tenant_id), timeouts_in_force(timings_of(app).job_timeouts):
        yield
