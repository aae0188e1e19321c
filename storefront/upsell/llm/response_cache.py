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

answers = table_of(LlmResponseCache)
RESPONSE_TTL = timedelta(minutes=10)
"""Time for which a response also serves its cart when other candidates have come up."""
FAILURE_TTL = timedelta(seconds=30)
"""Time for which a request isn't repeated after a failed call."""
CACHE_COLUMNS = [answers.c.key, answers.c.suggestions, answers.c.call_id, answers.c.answered_at]
SELECT_RESPONSE = tenant_scoped(
    select(*CACHE_COLUMNS).where(answers.c.key == bindparam("key"), answers.c.answered_at.is_not(None))
)
RESPONSES_FOR_CART = select(*CACHE_COLUMNS).where(answers.c.same_cart == bindparam("same_cart"))
NEWEST_FIRST = answers.c.answered_at.desc()
SELECT_NEWEST_RESPONSE = tenant_scoped(
    RESPONSES_FOR_CART.where(answers.c.answered_at.is_not(None)).order_by(NEWEST_FIRST).limit(1)
)
SELECT_LATEST_USABLE_RESPONSE = tenant_scoped(
    RESPONSES_FOR_CART.where(answers.c.answered_at > bindparam("since"), answers.c.suggestions.is_not(None))
    .order_by(NEWEST_FIRST)
    .limit(1)
)
SELECT_PENDING_FOR_CART = tenant_scoped(
    select(answers.c.key).where(
        answers.c.cart_id == bindparam("cart"), answers.c.answered_at.is_(None), answers.c.asked_at > bindparam("since")
    )
)
SELECT_PENDING_BY_KEY = tenant_scoped(
    select(answers.c.key).where(
        answers.c.key == bindparam("key"), answers.c.answered_at.is_(None), answers.c.asked_at > bindparam("since")
    )
)
LOCK_CART = tenant_scoped(select(carts.c.id).where(carts.c.id == bindparam("cart")).with_for_update())
STORE_RESPONSE = tenant_scoped(
    update(answers)
    .where(answers.c.key == bindparam("the_key"))
    .values({name: bindparam(name) for name in ("suggestions", "call_id", "answered_at")})
)
DELETE_CLAIM = tenant_scoped(delete(answers).where(answers.c.key == bindparam("the_key")))


def cached_response(same_cart: str, key: Callable[[], str]) -> Any:
    """The response to exactly this request, else a recent one for the cart: a row of `CACHE_COLUMNS`, or None. Its
    suggestions are empty when nothing of the answer could be shown, and None after a failure. `key` is a function,
    because it is slow to compute and most carts have no response."""
    newest = execute(SELECT_NEWEST_RESPONSE, {"same_cart": same_cart}).one_or_none()
    if newest is None or (newest.suggestions and newest.key == key()):
        return newest
    found = execute(SELECT_RESPONSE, {"key": key()}).one_or_none()
    if found and found.suggestions:
        return found
    return (
        execute(SELECT_LATEST_USABLE_RESPONSE, {"same_cart": same_cart, "since": now() - RESPONSE_TTL}).one_or_none()
        or found
    )


def claim(key: str, same_cart: str, cart_id: str, waiting: timedelta) -> bool:
    """Whether the caller shall send the request, in a running `write()`: neither it nor another one for this cart is
    pending, and there is no response. A claim older than `waiting` is void, and a failure counts for `FAILURE_TTL`."""
    moment = now()
    execute(LOCK_CART, {"cart": cart_id})
    if execute(SELECT_PENDING_FOR_CART, {"cart": cart_id, "since": moment - waiting}).first():
        return False
    abandoned = answers.c.answered_at.is_(None) & (answers.c.asked_at < moment - waiting)
    failed = answers.c.suggestions.is_(None) & (answers.c.answered_at < moment - FAILURE_TTL)
    row = {"key": key, "same_cart": same_cart, "cart_id": cart_id, "asked_at": moment}
    again = {"asked_at": moment, "answered_at": None, "cart_id": cart_id}
    return bool(upsert(LlmResponseCache, row, lambda _: again, abandoned | failed))


def is_pending_for_cart(cart_id: str, waiting: timedelta) -> bool:
    """Whether a response for this cart is pending, in any process."""
    return execute(SELECT_PENDING_FOR_CART, {"cart": cart_id, "since": now() - waiting}).first() is not None


def is_pending(key: str, waiting: timedelta) -> bool:
    """Whether a response to exactly this request is pending, for any cart."""
    return execute(SELECT_PENDING_BY_KEY, {"key": key, "since": now() - waiting}).first() is not None


def store_response(key: str, suggestions: list[dict[str, str]] | None, call_id: str | None) -> None:
    """Store the pending response, in a running `write()`. `suggestions` is None after a failure."""
    execute(STORE_RESPONSE, {"the_key": key, "suggestions": suggestions, "call_id": call_id, "answered_at": now()})


def release_claim(key: str) -> None:
    """Give up a claim, in a running `write()`: the request was not sent."""
    execute(DELETE_CLAIM, {"the_key": key})
