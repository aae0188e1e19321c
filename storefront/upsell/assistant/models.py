"""What the model was asked and answered: the journal of its calls, its answers kept for the next same cart, its use."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import JSON, BigInteger, Date, Index, Integer, String, bindparam, delete, select, update
from sqlalchemy.orm import Mapped, mapped_column

from storefront.cart.queries import carts
from storefront.clock import UtcDateTime, now
from storefront.db.base import Model, table_of
from storefront.db.tenancy import OwnedByTenant, execute, insert_if_absent, tenant_scoped, upsert
from storefront.ids import new_id, new_token

FRESH_FOR = timedelta(minutes=10)
"""How long an answer also serves the same cart when other candidates have come up meanwhile."""
FAILED_FOR = timedelta(seconds=30)
"""How long the model isn't asked the same again after a call that failed."""


class UpsellCall(OwnedByTenant, Model):
    """One call of the model. `cost` is in millionths of UPSELL_CURRENCY, None for a model without a price; tokens are
    estimated where the server counted none; `dropped` counts by cause what of the answer was not to be shown."""

    __tablename__ = "upsell_call"
    __table_args__ = (Index(None, "tenant_id", "place"), Index(None, "tenant_id", "cart_id", "place"))

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_token)
    place: Mapped[int] = mapped_column(BigInteger, default=new_id)
    cart_id: Mapped[str] = mapped_column(String(32))
    model: Mapped[str]
    prompt_version: Mapped[str]
    language: Mapped[str]
    prompt: Mapped[str]
    response: Mapped[str]
    prompt_tokens: Mapped[int]
    completion_tokens: Mapped[int]
    cost: Mapped[int | None] = mapped_column(BigInteger)
    latency_ms: Mapped[int]
    outcome: Mapped[str]
    """"ok", or the cause why there was no answer."""
    dropped: Mapped[dict[str, int]] = mapped_column(JSON)
    suggestions: Mapped[list[dict[str, str]]] = mapped_column(JSON)
    """What was kept of the answer: `[{"product_id", "explanation"}]`."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class UpsellAnswer(OwnedByTenant, Model):
    """An answer, kept under a hash of everything that was asked; without `answered_at` it is being waited for."""

    __tablename__ = "upsell_answer"
    __table_args__ = (
        Index(None, "tenant_id", "same_cart", "answered_at"),
        Index(None, "tenant_id", "asked_at"),
        Index(None, "tenant_id", "cart_id"),
    )

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    same_cart: Mapped[str] = mapped_column(String(64))
    """A hash of the same without the candidates."""
    cart_id: Mapped[str] = mapped_column(String(32))
    call_id: Mapped[str | None] = mapped_column(String(32))
    suggestions: Mapped[list[dict[str, str]] | None] = mapped_column(JSON(none_as_null=True))
    """None after a call that failed."""
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class UpsellUsage(OwnedByTenant, Model):
    """What the model was used for on a day (UTC), with what is reserved for calls that are under way; `cost` in
    millionths of UPSELL_CURRENCY."""

    __tablename__ = "upsell_usage"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    calls: Mapped[int] = mapped_column(Integer)
    tokens: Mapped[int] = mapped_column(BigInteger)
    cost: Mapped[int] = mapped_column(BigInteger)


calls, answers, usage = table_of(UpsellCall), table_of(UpsellAnswer), table_of(UpsellUsage)
KEPT = [answers.c.key, answers.c.suggestions, answers.c.call_id, answers.c.answered_at]
THIS = tenant_scoped(select(*KEPT).where(answers.c.key == bindparam("key"), answers.c.answered_at.is_not(None)))
ABOUT_CART = select(*KEPT).where(answers.c.same_cart == bindparam("same_cart"))
NEWEST_FIRST = answers.c.answered_at.desc()
NEWEST = tenant_scoped(ABOUT_CART.where(answers.c.answered_at.is_not(None)).order_by(NEWEST_FIRST).limit(1))
LATEST = tenant_scoped(
    ABOUT_CART.where(answers.c.answered_at > bindparam("since"), answers.c.suggestions.is_not(None))
    .order_by(NEWEST_FIRST)
    .limit(1)
)
WAITED_FOR = tenant_scoped(
    select(answers.c.key).where(
        answers.c.cart_id == bindparam("cart"), answers.c.answered_at.is_(None), answers.c.asked_at > bindparam("since")
    )
)
BEING_ASKED = tenant_scoped(
    select(answers.c.key).where(
        answers.c.key == bindparam("key"), answers.c.answered_at.is_(None), answers.c.asked_at > bindparam("since")
    )
)
LOCK_CART = tenant_scoped(select(carts.c.id).where(carts.c.id == bindparam("cart")).with_for_update())
SETTLE = tenant_scoped(
    update(answers)
    .where(answers.c.key == bindparam("the_key"))
    .values({name: bindparam(name) for name in ("suggestions", "call_id", "answered_at")})
)
TAKE_BACK = tenant_scoped(delete(answers).where(answers.c.key == bindparam("the_key")))
NO_USE = {"calls": 0, "tokens": 0, "cost": 0}
RESERVE = tenant_scoped(
    update(usage)
    .where(
        usage.c.day == bindparam("the_day"),
        usage.c.tokens < bindparam("soft_tokens"),
        usage.c.cost < bindparam("soft_cost"),
        usage.c.tokens <= bindparam("hard_tokens") - bindparam("more_tokens"),
        usage.c.cost <= bindparam("hard_cost") - bindparam("more_cost"),
    )
    .values(tokens=usage.c.tokens + bindparam("more_tokens"), cost=usage.c.cost + bindparam("more_cost"))
)
TODAY = tenant_scoped(select(usage.c.tokens, usage.c.cost).where(usage.c.day == bindparam("day")))
PAGE = tenant_scoped(
    select(*calls.c).where(calls.c.place < bindparam("before")).order_by(calls.c.place.desc()).limit(bindparam("limit"))
)


def kept_answer(same_cart: str, key: Callable[[], str]) -> Any:
    """What was answered to exactly this, else to the same cart lately: a row of `KEPT`, or None. Its suggestions are
    empty when nothing of the answer could be shown, and None after a failure. The `key` takes long to make, and most
    carts were never asked about."""
    newest = execute(NEWEST, {"same_cart": same_cart}).one_or_none()
    if newest is None or (newest.suggestions and newest.key == key()):
        return newest
    found = execute(THIS, {"key": key()}).one_or_none()
    if found and found.suggestions:
        return found
    return execute(LATEST, {"same_cart": same_cart, "since": now() - FRESH_FOR}).one_or_none() or found


def claim(key: str, same_cart: str, cart_id: str, waiting: timedelta) -> bool:
    """Whether the caller shall ask, in a running `write()`: nobody asks the same or for this cart, and there is no
    answer. A claim that wasn't settled after `waiting` is void, and a failure counts for `FAILED_FOR`."""
    moment = now()
    execute(LOCK_CART, {"cart": cart_id})
    if execute(WAITED_FOR, {"cart": cart_id, "since": moment - waiting}).first():
        return False
    abandoned = answers.c.answered_at.is_(None) & (answers.c.asked_at < moment - waiting)
    failed = answers.c.suggestions.is_(None) & (answers.c.answered_at < moment - FAILED_FOR)
    row = {"key": key, "same_cart": same_cart, "cart_id": cart_id, "asked_at": moment}
    again = {"asked_at": moment, "answered_at": None, "cart_id": cart_id}
    return bool(upsert(UpsellAnswer, row, lambda _: again, abandoned | failed))


def is_asked_for(cart_id: str, waiting: timedelta) -> bool:
    """Whether an answer for this cart is being waited for, by whatever process."""
    return execute(WAITED_FOR, {"cart": cart_id, "since": now() - waiting}).first() is not None


def is_being_asked(key: str, waiting: timedelta) -> bool:
    """Whether an answer to exactly this is being waited for, for whatever cart."""
    return execute(BEING_ASKED, {"key": key, "since": now() - waiting}).first() is not None


def settle(key: str, suggestions: list[dict[str, str]] | None, call_id: str | None) -> None:
    """Keep the answer that was waited for, in a running `write()`; None after a failure."""
    execute(SETTLE, {"the_key": key, "suggestions": suggestions, "call_id": call_id, "answered_at": now()})


def take_back(key: str) -> None:
    """Give up a claim, in a running `write()`: the question was not asked after all."""
    execute(TAKE_BACK, {"the_key": key})


def add_use(day: date, calls: int, tokens: int, cost: int) -> None:
    """Add to what is used on a day, in a running `write()`; tokens and cost may be negative."""
    row = {"day": day, "calls": calls, "tokens": tokens, "cost": cost}
    upsert(UpsellUsage, row, lambda new: {name: usage.c[name] + new[name] for name in NO_USE})


def reserve_use(day: date, tokens: int, cost: int, token_limits: tuple[int, int], cost_limits: tuple[int, int]) -> bool:
    """Add tokens and cost to what is used on a day, in a running `write()`, if that is below the soft limits before and
    not above the hard ones afterwards. One statement, so that it holds for all processes. Returns whether it was done.
    """
    insert_if_absent(UpsellUsage, [{"day": day, **NO_USE}])
    limits = dict(zip(("soft_tokens", "hard_tokens"), token_limits, strict=True))
    limits |= dict(zip(("soft_cost", "hard_cost"), cost_limits, strict=True))
    return execute(RESERVE, {"the_day": day, "more_tokens": tokens, "more_cost": cost, **limits}).rowcount == 1


def used_today() -> tuple[int, int]:
    """The tokens and the cost (millionths of UPSELL_CURRENCY) of today's calls so far."""
    found = execute(TODAY, {"day": now().date()}).one_or_none()
    return (found.tokens, found.cost) if found else (0, 0)


def calls_before(place: int, limit: int) -> list[Any]:
    """The calls before this place, the latest first."""
    return list(execute(PAGE, {"before": place, "limit": limit}))
