"""The cache of LLM responses: claim a request, store its response, find a cached one."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, delete, select, update

from storefront.cart.queries import carts
from storefront.clock import now
from storefront.db.base import table_of
from storefront.db.tenancy import execute, tenant_scoped, upsert
from storefront.upsell.llm.models import LlmResponseCache

responses = table_of(LlmResponseCache)
RESPONSE_TTL = timedelta(minutes=10)
"""Time for which a response also serves its cart when other candidates have come up."""
FAILURE_TTL = timedelta(seconds=30)
"""Time for which a request isn't repeated after a failed call."""
CACHE_COLUMNS = [responses.c.key, responses.c.suggestions, responses.c.call_id, responses.c.responded_at]
SELECT_RESPONSE = tenant_scoped(
    select(*CACHE_COLUMNS).where(responses.c.key == bindparam("key"), responses.c.responded_at.is_not(None))
)
RESPONSES_FOR_CART = select(*CACHE_COLUMNS).where(responses.c.cart_hash == bindparam("cart_hash"))
NEWEST_FIRST = responses.c.responded_at.desc()
SELECT_NEWEST_RESPONSE = tenant_scoped(
    RESPONSES_FOR_CART.where(responses.c.responded_at.is_not(None)).order_by(NEWEST_FIRST).limit(1)
)
SELECT_LATEST_USABLE_RESPONSE = tenant_scoped(
    RESPONSES_FOR_CART.where(responses.c.responded_at > bindparam("since"), responses.c.suggestions.is_not(None))
    .order_by(NEWEST_FIRST)
    .limit(1)
)
is_awaited = responses.c.responded_at.is_(None) & (responses.c.requested_at > bindparam("since"))
SELECT_PENDING_FOR_CART = tenant_scoped(
    select(responses.c.key).where(responses.c.cart_id == bindparam("cart"), is_awaited)
)
SELECT_PENDING_BY_KEY = tenant_scoped(select(responses.c.key).where(responses.c.key == bindparam("key"), is_awaited))
LOCK_CART = tenant_scoped(select(carts.c.id).where(carts.c.id == bindparam("cart")).with_for_update())
STORE_RESPONSE = tenant_scoped(
    update(responses)
    .where(responses.c.key == bindparam("the_key"))
    .values({name: bindparam(name) for name in ("suggestions", "call_id", "responded_at")})
)
DELETE_CLAIM = tenant_scoped(delete(responses).where(responses.c.key == bindparam("the_key")))


def cached_response(cart_hash: str, key: Callable[[], str]) -> Any:
    """The response to exactly this request, else a recent one for the cart: a row of `CACHE_COLUMNS`, or None. Its
    suggestions are empty when nothing of the answer could be shown, and None after a failure. `key` is a function,
    because it is slow to compute and most carts have no response."""
    newest = execute(SELECT_NEWEST_RESPONSE, {"cart_hash": cart_hash}).one_or_none()
    if newest is None or (newest.suggestions and newest.key == key()):
        return newest
    found = execute(SELECT_RESPONSE, {"key": key()}).one_or_none()
    if found and found.suggestions:
        return found
    return (
        execute(SELECT_LATEST_USABLE_RESPONSE, {"cart_hash": cart_hash, "since": now() - RESPONSE_TTL}).one_or_none()
        or found
    )


def claim(key: str, cart_hash: str, cart_id: str, waiting: timedelta) -> bool:
    """Whether the caller shall send the request, in a running `write()`: neither it nor another one for this cart is
    pending, and there is no response. A claim older than `waiting` is void, and a failure counts for `FAILURE_TTL`."""
    moment = now()
    execute(LOCK_CART, {"cart": cart_id})
    if execute(SELECT_PENDING_FOR_CART, {"cart": cart_id, "since": moment - waiting}).first():
        return False
    abandoned = responses.c.responded_at.is_(None) & (responses.c.requested_at < moment - waiting)
    failed = responses.c.suggestions.is_(None) & (responses.c.responded_at < moment - FAILURE_TTL)
    row = {"key": key, "cart_hash": cart_hash, "cart_id": cart_id, "requested_at": moment}
    again = {"requested_at": moment, "responded_at": None, "cart_id": cart_id}
    return bool(upsert(LlmResponseCache, row, lambda _: again, abandoned | failed))


def is_pending_for_cart(cart_id: str, waiting: timedelta) -> bool:
    """Whether a response for this cart is pending, in any process."""
    return execute(SELECT_PENDING_FOR_CART, {"cart": cart_id, "since": now() - waiting}).first() is not None


def is_pending(key: str, waiting: timedelta) -> bool:
    """Whether a response to exactly this request is pending, for any cart."""
    return execute(SELECT_PENDING_BY_KEY, {"key": key, "since": now() - waiting}).first() is not None


def store_response(key: str, suggestions: list[dict[str, str]] | None, call_id: str | None) -> None:
    """Store the pending response, in a running `write()`. `suggestions` is None after a failure."""
    execute(STORE_RESPONSE, {"the_key": key, "suggestions": suggestions, "call_id": call_id, "responded_at": now()})


def release_claim(key: str) -> None:
    """Give up a claim, in a running `write()`: the request was not sent."""
    execute(DELETE_CLAIM, {"the_key": key})
