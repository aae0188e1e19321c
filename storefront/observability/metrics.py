"""What Prometheus counts, over all processes of this machine."""

import os
from collections.abc import Mapping
from functools import lru_cache

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest, multiprocess

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
requests = Counter("storefront_requests_total", "Requests answered.", ["method", "route", "status"])
durations = Histogram("storefront_request_seconds", "How long answers took.", ["route"], buckets=BUCKETS)
upsell_impressions = Counter(
    "storefront_upsells_total", "Suggestions shown, by who chose and how it went.", ["source", "outcome"]
)

llm_calls = Counter("storefront_upsell_calls_total", "Calls of the language model, by outcome.", ["outcome"])
llm_rejections = Counter(
    "storefront_upsell_dropped_total", "Parts of its answers not fit to be shown, by cause.", ["cause"]
)


def count_request(method: str, route: str | None, status: int, seconds: float) -> None:
    """Count under the route's rule, never under an address that somebody made up."""
    known = method if method in METHODS else "other"
    counter, histogram = instruments(known, route or "none", str(status))
    counter.inc()
    histogram.observe(seconds)


@lru_cache(maxsize=4096)
def instruments(method: str, rule: str, status: str) -> tuple[Counter, Histogram]:
    return requests.labels(method, rule, status), durations.labels(rule)


def count_impression(source: str | None, outcome: str) -> None:
    upsell_impressions.labels(source or "none", outcome).inc()


def count_llm_call(outcome: str, dropped: Mapping[str, int]) -> None:
    """Count a call of the model, and by cause what of its answer was not to be shown."""
    llm_calls.labels(outcome).inc()
    for cause, times in dropped.items():
        llm_rejections.labels(cause).inc(times)


def exposition() -> tuple[bytes, str]:
    """The metrics in Prometheus' text format, and its content type."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry), CONTENT_TYPE_LATEST
    return generate_latest(), CONTENT_TYPE_LATEST
