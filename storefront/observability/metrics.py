"""Prometheus metrics, aggregated over all processes of this machine."""

import os
from collections.abc import Mapping
from functools import lru_cache

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest, multiprocess

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
requests = Counter("storefront_http_requests_total", "HTTP requests.", ["method", "route", "status"])
durations = Histogram(
    "storefront_http_request_duration_seconds", "Duration of HTTP requests in seconds.", ["route"], buckets=BUCKETS
)
upsell_impressions = Counter(
    "storefront_upsell_impressions_total",
    "Impressions of suggestions, by source them, and who was to choose or why that failed.",
    ["source", "decision"],
)
llm_calls = Counter("storefront_llm_calls_total", "Language model calls, by outcome.", ["outcome"])
llm_rejections = Counter(
    "storefront_llm_rejections_total", "Rejected parts of language model answers, by reason.", ["reason"]
)


def count_request(method: str, route: str | None, status: int, seconds: float) -> None:
    """Count a request by its route's rule, never by its URL, so that clients can't create labels."""
    known = method if method in METHODS else "other"
    counter, histogram = instruments(known, route or "none", str(status))
    counter.inc()
    histogram.observe(seconds)


@lru_cache(maxsize=4096)
def instruments(method: str, rule: str, status: str) -> tuple[Counter, Histogram]:
    return requests.labels(method, rule, status), durations.labels(rule)


def count_impression(source: str | None, decision: str) -> None:
    upsell_impressions.labels(source or "none", decision).inc()


def count_llm_call(outcome: str, rejections: Mapping[str, int]) -> None:
    """Count a call of the language model, and the rejected parts of its answer by cause."""
    llm_calls.labels(outcome).inc()
    for reason, times in rejections.items():
        llm_rejections.labels(reason).inc(times)


def exposition() -> tuple[bytes, str]:
    """Return the metrics in Prometheus' text format, and its content type."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry), CONTENT_TYPE_LATEST
    return generate_latest(), CONTENT_TYPE_LATEST
