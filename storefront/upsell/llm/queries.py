"""Reads of the LLM call log."""

from typing import Any

from sqlalchemy import bindparam, select

from storefront.db.base import table_of
from storefront.db.tenancy import execute, tenant_scoped
from storefront.upsell.llm.models import LlmCall

calls = table_of(LlmCall)

LLM_CALLS_PAGE = tenant_scoped(
    select(*calls.c)
    .where(calls.c.sort_id < bindparam("before"))
    .order_by(calls.c.sort_id.desc())
    .limit(bindparam("limit"))
)


def calls_before(sort_id: int, limit: int) -> list[Any]:
    """The calls before this position, the latest first."""
    return list(execute(LLM_CALLS_PAGE, {"before": sort_id, "limit": limit}))
