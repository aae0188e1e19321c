"""The gate in front of a payment provider: a circuit breaker, and a limit of the requests that wait for it.

A request that waits occupies a thread. A worker has eight, so that without a limit a provider that hangs would take all
of them from lists and carts."""

from collections.abc import Callable
from threading import BoundedSemaphore
from typing import TypeVar

from flask import has_request_context

from storefront.circuit_breaker import CircuitBreaker
from storefront.db.transactions import release_connections
from storefront.payments.provider import KeyUnusable, ProviderRejected, ProviderUnavailable

MAX_WAITING_REQUESTS = 3
"""Threads of a process that wait for the provider, at most."""
SLOT_WAIT_SECONDS = 0.1
FAILURE_THRESHOLD = 3
"""Failures in a row after which the provider isn't called for a while."""
T = TypeVar("T")


class ProviderDown(ProviderUnavailable):
    """A failure that says that the provider is down: no answer in time, or an error of its own."""


class ProviderGate:
    """One per process. Background jobs have a thread of their own and need no slot."""

    def __init__(self) -> None:
        self.breaker = CircuitBreaker(failure_threshold=FAILURE_THRESHOLD)
        self._slots = BoundedSemaphore(MAX_WAITING_REQUESTS)

    def call(self, request: Callable[[], T]) -> T:
        """Make this call of the provider. Raises `ProviderUnavailable` at once if it is down or too many wait. No
        connection to the database is held meanwhile."""
        release_connections()
        if not has_request_context():
            return self._call(request)
        if not self._slots.acquire(timeout=SLOT_WAIT_SECONDS):
            raise ProviderUnavailable("too many requests wait for the provider")
        try:
            return self._call(request)
        finally:
            self._slots.release()

    def _call(self, request: Callable[[], T]) -> T:
        if not self.breaker.allow_request():
            raise ProviderUnavailable("the circuit is open")
        try:
            found = request()
        except ProviderDown:
            self.breaker.record(False)
            raise
        except KeyUnusable:
            self.breaker.release()  # that says nothing about the provider
            raise
        except (ProviderRejected, ProviderUnavailable):
            self.breaker.record(True)  # it has answered
            raise
        except BaseException:
            self.breaker.release()
            raise
        self.breaker.record(True)
        return found
