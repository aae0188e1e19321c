"""Rate limits per client, for expensive requests and for secrets that could be guessed. docs/deploy.md lists them.
Those of staff's sign-in, which hold for all processes together, are in `staff/sign_in_limits.py`.

A client is an IPv4 address or an IPv6 /64 (`client_key`). Offices and mobile networks have many shoppers behind one
address, so the limits are far above what people do, and only wrong guesses are counted.

An unavailable storage (Redis) must not stop the shop from selling: each process then counts in its own memory and tries
the storage again after 1, 2, 4 and at most 32 seconds.
"""

import logging
from typing import Any

from flask import Flask, Response, request
from flask_limiter import Limiter

from storefront.config import Settings
from storefront.web.client_address import client_key

limiter = Limiter(
    client_key,
    headers_enabled=True,
    strategy="moving-window",
    in_memory_fallback_enabled=True,
    swallow_errors=True,
)
log = logging.getLogger("storefront.web.rate_limits")
CARTS_LIMIT = "300 per minute"
CART_CHANGES_LIMIT = "600 per minute"
CHECKOUT_LIMIT = "120 per minute"
DOCUMENT_LIMIT = "60 per minute"
UPSELL_LIMIT = "240 per minute"
SEARCH_LIMIT = "1200 per minute"
STREAMS_LIMIT = "600 per minute"
FEEDS_LIMIT = "60 per minute"
GUESSES_LIMIT = "60 per minute; 600 per hour"
FORGOTTEN_LIMIT = "20 per hour"
FORGOTTEN_LIMIT_OF_ACCOUNT = "3 per hour; 10 per day"
"""Requests for a new password of one account, from all addresses together."""

REDIS_TIMEOUT_SECONDS = 0.25
"""A request waits at most twice this long before the process counts in its own memory."""


def is_front_page() -> bool:
    """Whether the request has no search, filter or page number; that page is cached and cheap."""
    return not request.query_string


def was_refused(response: Response) -> bool:
    """Whether the promo code was invalid, or the order's number or email address (422)."""
    return response.status_code == 422


def was_unauthorized(response: Response) -> bool:
    """Whether the token was wrong: 401, and 404 at /metrics."""
    return response.status_code in (401, 404) and "Authorization" in request.headers


def was_wrong_key(response: Response) -> bool:
    """Whether the request's API key was wrong (401)."""
    return response.status_code == 401 and "Authorization" in request.headers


limit_search = limiter.limit(SEARCH_LIMIT, exempt_when=is_front_page)
limit_promo_guesses = limiter.shared_limit(GUESSES_LIMIT, "promo-guesses", deduct_when=was_refused)
limit_order_guesses = limiter.shared_limit(GUESSES_LIMIT, "order-guesses", deduct_when=was_refused)
limit_token_guesses = limiter.shared_limit(GUESSES_LIMIT, "token-guesses", deduct_when=was_unauthorized)
limit_key_guesses = limiter.shared_limit(GUESSES_LIMIT, "token-guesses", deduct_when=was_wrong_key)


def init_app(app: Flask, settings: Settings) -> None:
    app.config.update(
        RATELIMIT_ENABLED=settings.ratelimit_enabled,
        RATELIMIT_STORAGE_URI=settings.ratelimit_storage_uri,
        RATELIMIT_STORAGE_OPTIONS=storage_options(settings.ratelimit_storage_uri),
    )
    app.after_request(keep_retry_after_of_refusals)  # after the limiter's hook, which adds it to every response
    limiter.init_app(app)


def keep_retry_after_of_refusals(response: Response) -> Response:
    """Remove `Retry-After` from successful responses."""
    if response.status_code not in (429, 503):
        response.headers.pop("Retry-After", None)
    return response


def warn_of_unusable_storage(settings: Settings) -> None:
    """Log at the start if the storage is unusable; a wrong password, for example, is not fixed by waiting."""
    if not settings.ratelimit_enabled:
        return
    try:
        limiter.storage.get("storefront-start")
    except limiter.storage.base_exceptions as fault:
        log.warning("RATELIMIT_STORAGE_URI is unreachable; each process counts rate limits on its own: %s", fault)


def storage_options(uri: str) -> dict[str, Any]:
    """Return options with which the Redis client fails fast; by default it would retry for seconds."""
    if not uri.startswith("redis"):
        return {}
    from redis.backoff import NoBackoff  # noqa: PLC0415 - an optional library
    from redis.retry import Retry  # noqa: PLC0415

    return {
        "socket_connect_timeout": REDIS_TIMEOUT_SECONDS,
        "socket_timeout": REDIS_TIMEOUT_SECONDS,
        "retry": Retry(NoBackoff(), 1),  # reconnects after a restart of the server
    }
