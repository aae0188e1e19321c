"""The daily usage of the language model."""

from datetime import date

from sqlalchemy import bindparam, select, update

from storefront.clock import now
from storefront.db.base import table_of
from storefront.db.tenancy import execute, insert_if_absent, tenant_scoped, upsert
from storefront.upsell.llm.models import LlmUsage

usage = table_of(LlmUsage)
NO_USE = {"calls": 0, "tokens": 0, "cost_micros": 0}
RESERVE = tenant_scoped(
    update(usage)
    .where(
        usage.c.day == bindparam("the_day"),
        usage.c.tokens < bindparam("soft_tokens"),
        usage.c.cost_micros < bindparam("soft_cost"),
        usage.c.tokens <= bindparam("hard_tokens") - bindparam("more_tokens"),
        usage.c.cost_micros <= bindparam("hard_cost") - bindparam("more_cost"),
    )
    .values(tokens=usage.c.tokens + bindparam("more_tokens"), cost_micros=usage.c.cost_micros + bindparam("more_cost"))
)
SELECT_USAGE_OF_DAY = tenant_scoped(select(usage.c.tokens, usage.c.cost_micros).where(usage.c.day == bindparam("day")))


def add_usage(day: date, calls: int, tokens: int, cost: int) -> None:
    """Add to the use of a day, in a running `write()`. Tokens and cost may be negative."""
    row = {"day": day, "calls": calls, "tokens": tokens, "cost_micros": cost}
    upsert(LlmUsage, row, lambda new: {name: usage.c[name] + new[name] for name in NO_USE})


def reserve_use(day: date, tokens: int, cost: int, token_limits: tuple[int, int], cost_limits: tuple[int, int]) -> bool:
    """Add tokens and cost to the use of a day, in a running `write()`, if it is below the soft limits before and not
    above the hard ones afterwards. One statement, so that it holds for all processes. Returns whether it was done."""
    insert_if_absent(LlmUsage, [{"day": day, **NO_USE}])
    limits = dict(zip(("soft_tokens", "hard_tokens"), token_limits, strict=True))
    limits |= dict(zip(("soft_cost", "hard_cost"), cost_limits, strict=True))
    return execute(RESERVE, {"the_day": day, "more_tokens": tokens, "more_cost": cost, **limits}).rowcount == 1


def used_today() -> tuple[int, int]:
    """The tokens and the cost (millionths of UPSELL_CURRENCY) of today's calls so far."""
    found = execute(SELECT_USAGE_OF_DAY, {"day": now().date()}).one_or_none()
    return (found.tokens, found.cost_micros) if found else (0, 0)
