"""What Prometheus counts, over all processes of this machine."""

import os
from functools import lru_cache

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest, multiprocess

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
requests = Counter("storefront_requests_total", "Requests answered.", ["method", "route", "status"])
durations = Histogram("storefront_request_seconds", "How long answers took.", ["route"], buckets=BUCKETS)
upsells = Counter("storefront_upsells_total", "Suggestions shown, by who chose and how it went.", ["source", "outcome"])


def count_request(method: str, route: str | None, status: int, seconds: float) -> None:
    """Count under the route's rule, never under an address that somebody made up."""
    known = method if method in METHODS else "other"
    counter, histogram = instruments(known, route or "none", str(status))
    counter.inc()
    histogram.observe(seconds)


@lru_cache(maxsize=4096)
def instruments(method: str, rule: str, status: str) -> tuple[Counter, Histogram]:
    return requests.labels(method, rule, status), durations.labels(rule)


def count_upsell(source: str | None, outcome: str) -> None:
    upsells.labels(source or "none", "dropped" if outcome.startswith("dropped") else outcome).inc()


def exposition() -> tuple[bytes, str]:
    """The metrics in Prometheus' text format, and its content type."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry), CONTENT_TYPE_LATEST
    return generate_latest(), CONTENT_TYPE_LATEST
