"""The daily usage of the language model."""

from datetime import date

from sqlalchemy import bindparam, select

from storefront.clock import now
from storefront.db.base import table_of
from storefront.db.tenancy import execute, tenant_scoped, upsert
from storefront.upsell.llm.models import LlmCall, LlmResponseCache, LlmUsage
from storefront.upsell.llm.response_cache import NO_USE

calls, answers, usage = table_of(LlmCall), table_of(LlmResponseCache), table_of(LlmUsage)
SELECT_USAGE_OF_DAY = tenant_scoped(select(usage.c.tokens, usage.c.cost).where(usage.c.day == bindparam("day")))


def add_usage(day: date, calls: int, tokens: int, cost: int) -> None:
    """Add to what is used on a day, in a running `write()`; tokens and cost may be negative."""
    row = {"day": day, "calls": calls, "tokens": tokens, "cost": cost}
    upsert(LlmUsage, row, lambda new: {name: usage.c[name] + new[name] for name in NO_USE})


def used_today() -> tuple[int, int]:
    """The tokens and the cost (millionths of UPSELL_CURRENCY) of today's calls so far."""
    found = execute(SELECT_USAGE_OF_DAY, {"day": now().date()}).one_or_none()
    return (found.tokens, found.cost) if found else (0, 0)
