"""How often one client may ask for what costs much or could be guessed. docs/deploy.md lists the limits.

A client is an IPv4 address or an IPv6 /64 (`client_key`). An office or a mobile network puts many shoppers behind one
address, so the limits are far above what people do, and guesses are counted only when they are wrong.

A storage that doesn't answer, as a Redis that is away, must not stop the shop from selling: each process then counts in
its own memory, and asks the storage again after 1, 2, 4 and at most 32 seconds.
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
UPSELL_LIMIT = "240 per minute"
SEARCH_LIMIT = "1200 per minute"
STREAMS_LIMIT = "600 per minute"
FEEDS_LIMIT = "60 per minute"
GUESSES_LIMIT = "60 per minute; 600 per hour"

REDIS_TIMEOUT_SECONDS = 0.25
"""A shopper waits at most twice this long, once, before the process counts by itself."""


def is_front_page() -> bool:
    """Whether nothing was searched for, filtered or leafed to; that page is remembered and costs little."""
    return not request.query_string


def was_refused(response: Response) -> bool:
    """A promo code that doesn't exist is a 422."""
    return response.status_code == 422


def was_unauthorized(response: Response) -> bool:
    """A wrong token is a 401, and a 404 at /metrics."""
    return response.status_code in (401, 404) and "Authorization" in request.headers


limit_search = limiter.limit(SEARCH_LIMIT, exempt_when=is_front_page)
limit_promo_guesses = limiter.shared_limit(GUESSES_LIMIT, "promo-guesses", deduct_when=was_refused)
limit_token_guesses = limiter.shared_limit(GUESSES_LIMIT, "token-guesses", deduct_when=was_unauthorized)


def init_app(app: Flask, settings: Settings) -> None:
    app.config.update(
        RATELIMIT_ENABLED=settings.ratelimit_enabled,
        RATELIMIT_STORAGE_URI=settings.ratelimit_storage_uri,
        RATELIMIT_STORAGE_OPTIONS=storage_options(settings.ratelimit_storage_uri),
    )
    app.after_request(keep_retry_after_of_refusals)  # runs after the limiter's own, which adds it to every response
    limiter.init_app(app)


def keep_retry_after_of_refusals(response: Response) -> Response:
    """A client that gets what it asked for has nothing to wait for."""
    if response.status_code not in (429, 503):
        response.headers.pop("Retry-After", None)
    return response


def warn_of_unusable_storage(settings: Settings) -> None:
    """Say at the start what is wrong with the storage; a wrong password, for one, heals by no waiting."""
    if not settings.ratelimit_enabled:
        return
    try:
        limiter.storage.get("storefront-start")
    except limiter.storage.base_exceptions as fault:
        log.warning("RATELIMIT_STORAGE_URI is unreachable; each process counts rate limits on its own: %s", fault)


def storage_options(uri: str) -> dict[str, Any]:
    """How the client of Redis behaves when the server is slow or away: by itself it would try for seconds."""
    if not uri.startswith("redis"):
        return {}
    from redis.backoff import NoBackoff  # noqa: PLC0415 - an optional library
    from redis.retry import Retry  # noqa: PLC0415

    return {
        "socket_connect_timeout": REDIS_TIMEOUT_SECONDS,
        "socket_timeout": REDIS_TIMEOUT_SECONDS,
        "retry": Retry(NoBackoff(), 1),  # a connection that a restarted server closed is made anew
    }
